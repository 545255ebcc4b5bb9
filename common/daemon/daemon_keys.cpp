#include "common/daemon/daemon_keys.hpp"

#include <chrono>

namespace millrace {

Result<DaemonKeys> load_daemon_keys(const security::ClusterKeyOptions& options) {
  DaemonKeys keys;
  if (options.folder.empty()) return keys;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  MILLRACE_ASSIGN(const auto cluster, security::load_cluster_keys(options, now));
  MILLRACE_ASSIGN(keys.credentials, security::NodeCredentials::hold(cluster, now));
  keys.curve = cluster.curve;
  keys.policy_file = cluster.policy_file;
  keys.name = cluster.identity.name;
  return keys;
}

}  // namespace millrace
