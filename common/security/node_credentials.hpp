// The certificate and key of this process, held in memory: what TLS is given, and what proves to
// another node which node this one is.
//
// Place: made once from checked ClusterKeys when a program starts; the actor system's TLS and the
// handshake of joining use it. CAF reads the files of keys again for every connection and ends the
// process when it cannot, and its TLS accepts every certificate that the cluster's authority signed
// and tells nobody which one it was. So TLS reads copies that nobody can change or take away, and a
// node signs, with the key of its certificate, a statement that the other one chose a part of.
//
// Any thread. Invariant: a proof is worth nothing for another statement, and a certificate counts
// only while it is valid and signed by the authority of this cluster.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "common/security/cluster_keys.hpp"
#include "common/security/node_proof.hpp"

namespace millrace::security {

class NodeCredentials {
 public:
  // Reads and checks the files again: what was checked is what is held.
  static Result<std::shared_ptr<const NodeCredentials>> hold(const ClusterKeys& keys,
                                                             std::chrono::sys_seconds now);
  ~NodeCredentials();
  NodeCredentials(const NodeCredentials&) = delete;
  NodeCredentials& operator=(const NodeCredentials&) = delete;

  const NodeIdentity& identity() const { return identity_; }

  // Files that only this process can open, PEM.
  std::string authority_file() const;
  std::string certificate_file() const;
  std::string key_file() const;

  NodeProof prove(ByteView statement) const;
  // Who signed; permission_denied with the reason when the proof does not convince.
  Result<NodeIdentity> check(const NodeProof& proof, ByteView statement,
                             std::chrono::sys_seconds now) const;

 private:
  struct Held;
  explicit NodeCredentials(std::unique_ptr<Held> held);
  std::unique_ptr<Held> held_;
  NodeIdentity identity_;
};

// 32 bytes that nobody can guess, for another node to sign.
Bytes make_nonce();

}  // namespace millrace::security
