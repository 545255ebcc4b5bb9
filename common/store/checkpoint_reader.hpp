// Chooses what to restore, and deletes what nobody will.
//
// Place: the job master's shell calls `choose_restore_point` after a takeover with what the commit
// log says is complete, and `collect_garbage` after a retire or abandon entry was committed:
// deletion always follows the log, never leads it.
//
// Two coordinators: one that was deposed may collect late, with what it knew. It deletes no object
// of a later attempt than its own, since whoever made that attempt knows more. Of the objects of
// its own and earlier attempts, its successor's cuts refer only to those that a cut complete in the
// log refers to, and the newest such cut the deposed one knew, or took itself.
//
// Invariant: a cut whose manifest or any part fails its length, CRC32C or SHA-256 is never restored
// and is named in a warning. Nothing that an unretired manifest refers to is ever deleted; of one
// that cannot be read, nothing that it could refer to, which is its own and older cuts' objects.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/manifest.hpp"

namespace millrace {

struct RestorePoint {
  Manifest manifest;
  std::vector<std::string>
      warnings;  // one for each newer cut that was damaged, naming object and reason
};

// Whether reading a cut failed so because of the cut: an object that is gone is damage, a disk or a
// store that does not answer is not.
bool is_damage(const Status& status);
// Reads and checks a manifest: `corrupted` also when it is that of another cut.
Result<Manifest> read_manifest(CheckpointStore& store, CutRef ref);
// Writes a manifest; to be followed by the log entry complete(cut), which alone makes it count.
Status write_manifest(CheckpointStore& store, const Manifest& manifest);
// Reads every object of the part and checks it.
Status verify_part(CheckpointStore& store, const PartDescriptor& part);
// The manifest of a cut, with everything that it refers to verified.
Result<Manifest> read_cut(CheckpointStore& store, CutRef ref);
// The attempt whose manifest of a cut is in the store, the newest if there are several; not_found
// if none is.
Result<CutRef> find_cut(CheckpointStore& store, CutId cut);

// `complete`: completed and unretired cuts, in any order; the highest cut that verifies is chosen.
// not_found when there are none, corrupted when none is whole.
Result<RestorePoint> choose_restore_point(CheckpointStore& store, std::span<const CutRef> complete);

struct GarbageQuery {
  std::vector<CutRef>
      unretired;  // completed and not retired, savepoints included: kept with all they refer to
  std::vector<CutId>
      dead;  // retired or abandoned by a committed entry, or passed over by a takeover
  // Of who asks: unreferenced objects of earlier attempts are dead as well, those of later attempts
  // are not its to judge.
  Attempt attempt = {};
};

struct GarbageReport {
  std::vector<std::string> removed;
  std::vector<std::string>
      warnings;  // unretired manifests that cannot be read, and so hold back deletion
};

Result<GarbageReport> collect_garbage(CheckpointStore& store, const GarbageQuery& query);

}  // namespace millrace
