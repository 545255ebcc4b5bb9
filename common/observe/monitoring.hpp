// What a daemon shows of itself: `/metrics`, `/healthz` and `/readyz` on a port of their own.
//
// Place: a daemon's main makes one after its registry and its health, and drops it before them.
// What it shows holds no secret and cannot change anything.
#pragma once

#include <memory>

#include "common/base/status.hpp"
#include "common/observe/health.hpp"
#include "common/observe/http_server.hpp"
#include "common/observe/metrics.hpp"

namespace millrace {

class Monitoring {
 public:
  // Both outlive it.
  static Result<Monitoring> start(const HttpServerOptions& options, MetricRegistry& metrics,
                                  Health& health);

  const HttpServer& server() const { return *server_; }

 private:
  std::unique_ptr<HttpServer> server_;
  MetricRegistry::Refresher refresher_;  // ends before the server that it reads
};

}  // namespace millrace
