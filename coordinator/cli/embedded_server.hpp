// The prediction endpoint of an embedded run: answers while training goes on.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "worker/serving/prediction_server.hpp"

namespace millrace {

class EmbeddedServer {
 public:
  // Listens on loopback at the first free port from 4711 on, with what `models` already holds.
  static Result<std::unique_ptr<EmbeddedServer>> start(const std::filesystem::path& models);

  Status publish(std::shared_ptr<const PublishedModel> model) {
    return server_->publish(std::move(model));
  }
  std::string endpoint() const { return server_->endpoint(); }

 private:
  explicit EmbeddedServer(std::unique_ptr<PredictionServer> server) : server_(std::move(server)) {}
  std::unique_ptr<PredictionServer> server_;
};

}  // namespace millrace
