#include "coordinator/daemon/coordinator_options.hpp"

#include <filesystem>
#include <vector>

namespace millrace {
namespace {

using Kind = NodeKey::Kind;

std::vector<NodeKey> make_keys() {
  std::vector<NodeKey> keys = {
      {"listen", Kind::text, "HOST:PORT", "127.0.0.1:4700",
       "where workers find this coordinator's actors"},
      {"control", Kind::text, "tcp://HOST:PORT", "tcp://127.0.0.1:4701",
       "where requests of the command line and of clients are answered"},
      {"metrics", Kind::text, "HOST:PORT", "127.0.0.1:4703", "where metrics and health are told"},
      {"state", Kind::text, "DIR", "/var/lib/millrace",
       "folder for the wanted jobs and the published versions"},
      {"checkpoints", Kind::text, "URL", "",
       "where jobs keep their checkpoints, each below its name: file:///DIR that every worker "
       "reaches, or s3://BUCKET/PREFIX (the folder checkpoints in --state)"},
      {"secrets", Kind::text, "DIR", "",
       "folder with the credentials of an object store (docs/checkpoints.md)"},
      {"policy", Kind::text, "FILE", "", "who may ask for what (policy.json beside the keys)"}};
  for (auto& key : shared_node_keys()) keys.push_back(std::move(key));
  return keys;
}

// A folder of this machine is no place for the checkpoints of workers on others.
Result<std::string> checkpoints(const NodeValues& values, const DaemonOptions& options) {
  const std::string& url = values.text("checkpoints");
  if (url.empty()) {
    if (options.listen.is_loopback())
      return "file://" + (std::filesystem::path(options.state) / "checkpoints").string();
    return values.wrong("checkpoints", "is needed where workers run on other machines",
                        "name a folder that all of them mount, file:///DIR, or s3://BUCKET/PREFIX");
  }
  if (url.starts_with("file:///") || url.starts_with("s3://")) return url;
  return values.wrong("checkpoints", "'" + url + "' is no store",
                      "write file:///DIR or s3://BUCKET/PREFIX");
}

}  // namespace

std::span<const NodeKey> coordinator_keys() {
  static const std::vector<NodeKey> keys = make_keys();
  return keys;
}

Result<CoordinatorDaemonOptions> make_coordinator_options(const NodeValues& values) {
  CoordinatorDaemonOptions options;
  MILLRACE_ASSIGN(static_cast<DaemonOptions&>(options), read_daemon_options(values));
  MILLRACE_ASSIGN(options.control, read_client_endpoint(values, "control", options));
  MILLRACE_ASSIGN(options.checkpoints, checkpoints(values, options));
  options.policy = values.text("policy");
  if (!options.has_keys() && !options.policy.empty())
    return values.wrong("policy", "has no effect without --keys", "name the keys, too");
  return options;
}

}  // namespace millrace
