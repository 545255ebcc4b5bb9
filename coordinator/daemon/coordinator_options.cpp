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
      {"checkpoints", Kind::text, "URL", kCoordinatorStore,
       "where jobs keep their checkpoints, each below its name: file:///DIR that every worker "
       "reaches, s3://BUCKET/PREFIX, or coordinator: the folder checkpoints in --state"},
      {"checkpoint-bytes", Kind::text, "BYTES", "",
       "of all jobs' checkpoints that are kept here at most (what the disk has room for)"},
      {"checkpoint-job-bytes", Kind::text, "BYTES", "", "of one job's (what all may have)"},
      {"secrets", Kind::text, "DIR", "",
       "folder with the credentials of an object store (docs/checkpoints.md)"},
      {"policy", Kind::text, "FILE", "", "who may ask for what (policy.json beside the keys)"}};
  for (auto& key : shared_node_keys()) keys.push_back(std::move(key));
  return keys;
}

Result<std::string> checkpoints(const NodeValues& values) {
  const std::string& url = values.text("checkpoints");
  if (url.starts_with("file:///") || url.starts_with("s3://") || url == kCoordinatorStore)
    return url;
  return values.wrong("checkpoints", "'" + url + "' is no store",
                      "write coordinator, file:///DIR or s3://BUCKET/PREFIX");
}

Result<VolumeOptions> read_volume(const NodeValues& values, const std::string& state) {
  VolumeOptions volume;
  volume.folder = std::filesystem::path(state) / "checkpoints";
  if (!values.text("checkpoint-bytes").empty()) {
    MILLRACE_ASSIGN(volume.bytes_max, values.bytes("checkpoint-bytes"));
  }
  if (!values.text("checkpoint-job-bytes").empty()) {
    MILLRACE_ASSIGN(volume.job_bytes_max, values.bytes("checkpoint-job-bytes"));
  }
  return volume;
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
  MILLRACE_ASSIGN(options.checkpoints, checkpoints(values));
  MILLRACE_ASSIGN(options.volume, read_volume(values, options.state));
  options.policy = values.text("policy");
  if (!options.has_keys() && !options.policy.empty())
    return values.wrong("policy", "has no effect without --keys", "name the keys, too");
  return options;
}

}  // namespace millrace
