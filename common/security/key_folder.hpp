// Makes the keys of a cluster: what `millrace keygen DIR` does.
//
// Place: behind the verb; cluster_keys reads what is made here. Layout, everything 0600 in folders
// of 0700:
//
//   ca/ca.key, ca/ca.crt            the authority; needed to make nodes, never on a node
//   servers/ROLE.{public,secret}    CURVE pair of all servers of a role: clients reach them through
//                                   one address, so they cannot tell them apart by key
//   nodes/NAME/                     all that one process needs: ca.crt, node.crt, node.key,
//                                   curve.public, curve.secret
//   clients/NAME/                   all that one client needs: curve.public, curve.secret,
//                                   coordinator.public, worker.public
//   policy.json                     which client may do what
//
// Invariant: what exists is kept. Only what is missing is made, and what is kept has been checked.
// Every file is there whole or not at all, so a run that was killed is finished by the next one.
// Who took a client out of the policy has it stay out until the client is named again.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/security/roles.hpp"
#include "common/store/disk.hpp"

namespace millrace::security {

inline constexpr const char* kAuthorityFile = "ca.crt";
inline constexpr const char* kNodeCertificateFile = "node.crt";
inline constexpr const char* kNodeKeyFile = "node.key";
inline constexpr const char* kCurvePublicFile = "curve.public";
inline constexpr const char* kCurveSecretFile = "curve.secret";
inline constexpr const char* kPolicyFile = "policy.json";
// "worker.public": the key of the servers of a role, as clients hold it.
std::string server_public_file(NodeRole role);

struct NodeRequest {
  std::string name;
  std::optional<NodeRole> role;  // none: what it was, else coordinator for a name that begins so,
                                 // else worker
};
struct ClientRequest {
  std::string id;
  ClientRoles roles;  // empty: what the policy says
};

struct KeyFolderOptions {
  std::string folder;
  std::vector<NodeRequest> nodes;      // empty, and none there: coordinator and worker-1
  std::vector<ClientRequest> clients;  // empty, and none there: admin, with the role admin
  std::chrono::days days{365};         // of node certificates, kNodeDaysMin to kNodeDaysMax
  bool renew = false;  // the nodes and clients named; without names everything, authority included
};

enum class KeyFileState { made, renewed, kept };
const char* to_string(KeyFileState state);

struct KeyFile {
  std::string path;
  KeyFileState state = KeyFileState::kept;
};

// Every file of the folder, sorted by path. conflict when what exists forbids what is asked, with a
// hint that names the way out; nothing that exists is then changed.
Result<std::vector<KeyFile>> make_key_folder(Disk& disk, const KeyFolderOptions& options,
                                             std::chrono::sys_seconds now);

}  // namespace millrace::security
