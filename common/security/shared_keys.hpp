// What the parties of a cluster share: its authority, and the CURVE pair of each kind of server.
//
// Place: inside common/security; nodes and clients are made from it. Loaded, or made, only when it
// is needed: the operator may keep the authority elsewhere and still add clients. One thread, one
// run.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "common/base/status.hpp"
#include "common/security/certificate.hpp"
#include "common/security/key_layout.hpp"

namespace millrace::security {

class SharedKeys {
 public:
  // `renews`: makes both anew. `has_nodes`: some node's certificate exists, so that a missing
  // authority is lost rather than not made yet.
  SharedKeys(const KeyLayout& layout, KeyWriter& writer, std::chrono::sys_seconds now, bool renews,
             bool has_nodes)
      : layout_(layout), writer_(writer), now_(now), renews_(renews), has_nodes_(has_nodes) {}

  // Completes what is there but for a half that can be made from the other.
  Status complete();

  // Valid as long as this object.
  Result<const Certified*> authority();
  Result<const CurveKeyPair*> server(NodeRole role);

 private:
  Result<Certified> load_authority() const;
  Result<Certified> make_authority();

  const KeyLayout& layout_;
  KeyWriter& writer_;
  const std::chrono::sys_seconds now_;
  const bool renews_;
  const bool has_nodes_;
  std::optional<Certified> authority_;
  std::map<NodeRole, CurveKeyPair> servers_;
};

}  // namespace millrace::security
