#include "common/actors/join_gate.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

using security::NodeProof, security::NodeRole;

struct Parties {
  ByteView worker_nonce, coordinator_nonce;
  const caf::node_id& worker;
  const caf::node_id& coordinator;
};

// What `signer` signs: nothing that is signed for another purpose begins so.
Bytes make_statement(NodeRole signer, const Parties& parties) {
  ByteWriter writer;
  writer.put_string("millrace join 1");
  writer.put_string(security::to_string(signer));
  writer.put_bytes(parties.worker_nonce);
  writer.put_bytes(parties.coordinator_nonce);
  writer.put_string(caf::to_string(parties.worker));
  writer.put_string(caf::to_string(parties.coordinator));
  return std::move(writer).take();
}

Status deny(const std::string& why) {
  return {Code::permission_denied, why, "give every node its own keys, from one `millrace keygen`"};
}

}  // namespace

const Bytes& JoinProver::begin() {
  nonce_ = security::make_nonce();
  return nonce_;
}

Result<NodeProof> JoinProver::answer(const JoinChallenge& challenge,
                                     const caf::node_id& coordinator,
                                     std::chrono::sys_seconds now) {
  if (nonce_.empty()) return Status(Code::conflict, "nothing was asked that this would answer");
  if (credentials_ == nullptr) return NodeProof();
  const Parties parties{nonce_, challenge.nonce, here_, coordinator};
  MILLRACE_ASSIGN(
      const auto identity,
      credentials_->check(challenge.proof, make_statement(NodeRole::coordinator, parties), now));
  if (identity.role != NodeRole::coordinator) {
    return deny("what answers at the coordinator's address is " + identity_uri(identity) +
                ", no coordinator");
  }
  auto proof = credentials_->prove(make_statement(NodeRole::worker, parties));
  nonce_.clear();
  return proof;
}

JoinChallenge JoinGate::challenge(const AskToJoin& asked) {
  std::erase_if(open_, [&](const Open& open) { return open.worker == asked.worker; });
  if (open_.size() >= limits::kWorkersMax) open_.pop_front();
  Open open{asked.worker, asked.host.node(), asked.nonce, security::make_nonce()};
  JoinChallenge challenge{open.nonce, {}};
  if (credentials_ != nullptr) {
    challenge.proof = credentials_->prove(
        make_statement(NodeRole::coordinator, {open.worker_nonce, open.nonce, open.node, here_}));
  }
  open_.push_back(std::move(open));
  return challenge;
}

Status JoinGate::check(const JoinCluster& join, std::chrono::sys_seconds now) {
  const auto found = std::ranges::find(open_, join.outline.id, &Open::worker);
  if (found == open_.end()) {
    return {Code::conflict, "this worker did not ask to join, or asked too long ago"};
  }
  const Open open = std::move(*found);
  open_.erase(found);
  if (open.node != join.host.node()) {
    return {Code::conflict, "another process asked to join under this worker's number"};
  }
  if (credentials_ == nullptr) return {};
  MILLRACE_ASSIGN(
      const auto identity,
      credentials_->check(
          join.proof,
          make_statement(NodeRole::worker, {open.worker_nonce, open.nonce, open.node, here_}),
          now));
  if (identity.role != NodeRole::worker) {
    return deny("who asks to join is " + identity_uri(identity) + ", no worker");
  }
  if (identity.name != join.outline.name) {
    return deny("who asks to join as '" + join.outline.name + "' has the certificate of '" +
                identity.name + "'");
  }
  return {};
}

}  // namespace millrace
