#include "common/daemon/daemon_options.hpp"

#include <filesystem>

namespace millrace {
namespace {

Result<net::Endpoint> read_endpoint(const NodeValues& values, const std::string& name) {
  auto parsed = net::Endpoint::parse(values.text(name));
  if (parsed.is_ok()) return parsed;
  return values.wrong(name, parsed.status().message(), parsed.status().hint());
}

Result<LogOptions> read_log_options(const NodeValues& values) {
  const auto level = parse_log_level(values.text("log-level"));
  if (!level.is_ok()) return values.wrong("log-level", level.status().message());
  const auto format = parse_log_format(values.text("log-format"));
  if (!format.is_ok()) return values.wrong("log-format", format.status().message());
  return LogOptions{level.value(), format.value()};
}

}  // namespace

Result<DaemonOptions> read_daemon_options(const NodeValues& values) {
  DaemonOptions options;
  MILLRACE_ASSIGN(options.listen, read_endpoint(values, "listen"));
  MILLRACE_ASSIGN(options.metrics, read_endpoint(values, "metrics"));
  MILLRACE_ASSIGN(options.log, read_log_options(values));
  options.state = std::filesystem::absolute(values.text("state")).string();
  options.secrets = values.text("secrets");
  options.keys = values.text("keys");
  options.is_insecure = values.is_true("insecure");
  if (options.has_keys() && options.is_insecure)
    return values.wrong("insecure", "has no effect with --keys", "leave one of them out");
  MILLRACE_TRY(net::check_listen_address(
      options.listen, {net::Plane::cluster, options.has_keys(), options.is_insecure}));
  return options;
}

Result<net::Endpoint> read_client_endpoint(const NodeValues& values, const std::string& name,
                                           const DaemonOptions& options) {
  MILLRACE_ASSIGN(auto endpoint, read_endpoint(values, name));
  MILLRACE_TRY(net::check_listen_address(
      endpoint, {net::Plane::clients, options.has_keys(), options.is_insecure}));
  return endpoint;
}

HttpServerOptions monitoring_options(const DaemonOptions& options) {
  HttpServerOptions server;
  server.host = options.metrics.host;
  server.port = options.metrics.port;
  server.has_keys = options.has_keys();
  server.is_insecure_accepted = options.is_insecure;
  return server;
}

}  // namespace millrace
