// Reads everything that a store's complete checkpoints consist of, and says what of it is whole.
//
// Place: `millrace checkpoints verify`. Changes nothing, and may run while a job writes: a cut that
// the log retires meanwhile is left out. One thread; blocks; one object is in memory at a time.
//
// Invariant: a cut counts as whole only after every byte that its manifest names was read and has
// its length, CRC32C and SHA-256, exactly as `choose_restore_point` demands. So what is called the
// restore point here is what a coordinator would restore.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/manifest.hpp"

namespace millrace {

struct ObjectDamage {
  std::string object;
  std::string reason;
};

struct CutAudit {
  CutRef ref = {};
  std::string created_at = {};  // as the manifest says; empty when it cannot be read
  std::string savepoint = {};   // its name; empty for a checkpoint
  std::uint64_t objects = 0;    // with the manifest; each counted in every cut that refers to it
  std::uint64_t bytes = 0;      // of the parts
  std::vector<ObjectDamage> damage = {};

  bool is_whole() const { return damage.empty(); }
};

struct StoreAudit {
  std::vector<CutAudit> cuts;  // complete and not retired, oldest first
  // Of manifests/ and parts/: what no complete cut refers to. Left by attempts that failed,
  // retired as a run ended, or part of a checkpoint that is being taken; what could belong to an
  // unreadable manifest is not among them.
  std::vector<std::string> orphans;
  std::optional<CutRef> restore_point;  // nothing when no cut is whole

  bool is_damaged() const;
};

// `on_cut` hears of each cut once it was read. Fails when the log cannot be read or the store does
// not answer: then nothing is known to be damaged.
Result<StoreAudit> audit_store(CheckpointStore& store,
                               const std::function<void(const CutAudit&)>& on_cut);

}  // namespace millrace
