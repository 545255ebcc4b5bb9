#include "coordinator/cli/embedded_server.hpp"

#include "coordinator/registry/model_registry.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFirstPort = 4711;
constexpr std::uint16_t kPortsTried =
    32;  // so many embedded runs on one machine serve side by side

}  // namespace

Result<std::unique_ptr<EmbeddedServer>> EmbeddedServer::start(const std::filesystem::path& models) {
  Status last;
  for (std::uint16_t i = 0; i < kPortsTried; ++i) {
    PredictionServerOptions options;
    options.endpoint.port = static_cast<std::uint16_t>(kFirstPort + i);
    auto server = PredictionServer::start(options);
    if (!server.is_ok()) {
      last = server.status();
      if (last.code() != Code::conflict) return last;
      continue;
    }
    const auto registry = ModelRegistry::open_existing(models);
    if (registry.is_ok()) {
      const auto newest = registry.value().load_newest_usable();
      if (newest.is_ok() && newest.value().model != nullptr) {
        MILLRACE_TRY(server.value()->publish(newest.value().model));
      }
    }
    return std::unique_ptr<EmbeddedServer>(new EmbeddedServer(std::move(server).value()));
  }
  return last;
}

}  // namespace millrace
