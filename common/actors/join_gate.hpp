// How a worker's process and the coordinator find out whom they speak with: each signs a statement
// that holds a nonce of the other and names both actor systems.
//
// Place: the host and the coordinator's actor own one each and ask it when they get AskToJoin,
// JoinChallenge and JoinCluster. No I/O; time is passed in.
//
// Invariant: in a cluster with keys nobody joins but a node with the role worker under the name in
// its certificate, and a worker follows nobody but a node with the role coordinator. A statement is
// signed for one nonce, and a nonce is good for one JoinCluster.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "common/actors/host_interfaces.hpp"
#include "common/security/node_credentials.hpp"

namespace millrace {

using CredentialsPtr = std::shared_ptr<const security::NodeCredentials>;  // null: no keys

// The worker's half.
class JoinProver {
 public:
  JoinProver(CredentialsPtr credentials, caf::node_id here)
      : credentials_(std::move(credentials)), here_(std::move(here)) {}

  // For AskToJoin: a new one every time.
  const Bytes& begin();
  // What to put into JoinCluster; permission_denied when `coordinator` is none. conflict for an
  // answer to an earlier question.
  Result<security::NodeProof> answer(const JoinChallenge& challenge,
                                     const caf::node_id& coordinator, std::chrono::sys_seconds now);

 private:
  CredentialsPtr credentials_;
  caf::node_id here_;
  Bytes nonce_;  // empty: nothing was asked
};

// The coordinator's half.
class JoinGate {
 public:
  JoinGate(CredentialsPtr credentials, caf::node_id here)
      : credentials_(std::move(credentials)), here_(std::move(here)) {}

  // To be sent to the host that asked.
  JoinChallenge challenge(const AskToJoin& asked);
  // ok, or why whoever says this must not join.
  Status check(const JoinCluster& join, std::chrono::sys_seconds now);

 private:
  struct Open {
    WorkerId worker;
    caf::node_id node;
    Bytes worker_nonce, nonce;
  };
  CredentialsPtr credentials_;
  caf::node_id here_;
  std::deque<Open> open_;  // at most limits::kWorkersMax, oldest first
};

}  // namespace millrace
