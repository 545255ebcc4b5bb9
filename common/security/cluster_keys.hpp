// The keys with which one process takes part in a cluster, loaded from the folder that keygen made
// for it and checked before anything listens or connects.
//
// Place: the first thing that coordinator, worker and client programs do when a folder of keys is
// named. Fails closed: whatever is missing, readable by others, expired, signed by somebody else or
// meant for another role is an error with its way out, and the process does not start. CAF would
// start without certificates and let anybody in, so TLS is only ever given the files of a
// ClusterKeys. Loading keeps the memory of the process private (no core dumps).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/status.hpp"
#include "common/security/certificate.hpp"
#include "common/security/curve_keys.hpp"

namespace millrace::security {

struct ClusterKeyOptions {
  std::string folder;  // keygen's nodes/NAME, or a copy of it
  NodeRole role = NodeRole::worker;
  std::string
      policy;  // empty: policy.json in the folder, else two levels up, where keygen keeps it
};

struct ClusterKeys {
  NodeIdentity identity;
  // Checked; TLS reads them itself.
  std::string authority_file;
  std::string certificate_file;
  std::string key_file;
  std::shared_ptr<const CurveKeyPair> curve;  // of this process as a server of clients
  std::string policy_file;                    // who these clients are
  std::chrono::sys_seconds expires_at;        // when the certificate, or its authority, ends
};

Result<ClusterKeys> load_cluster_keys(const ClusterKeyOptions& options,
                                      std::chrono::sys_seconds now);

// keygen's clients/NAME or a copy of it, for speaking with servers of `server`'s role.
Result<std::shared_ptr<const CurveClientKeys>> load_client_keys(const std::string& folder,
                                                                NodeRole server);

}  // namespace millrace::security
