// The keys that a daemon holds while it runs: for TLS between nodes and for its clients.
//
// Place: loaded by a daemon's main before anything listens. A value.
#pragma once

#include <memory>
#include <string>

#include "common/security/cluster_keys.hpp"
#include "common/security/node_credentials.hpp"

namespace millrace {

struct DaemonKeys {
  std::shared_ptr<const security::NodeCredentials> credentials;  // null: there are no keys
  std::shared_ptr<const security::CurveKeyPair> curve;
  std::string policy_file;
  std::string name;  // of the node, as its certificate has it
};

// Fails closed, as load_cluster_keys does. No folder, no keys.
Result<DaemonKeys> load_daemon_keys(const security::ClusterKeyOptions& options);

}  // namespace millrace
