// A job's store, log and state database in a temporary folder, and the steps of a checkpoint.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

#include "common/base/random.hpp"
#include "common/store/checkpoint_reader.hpp"
#include "common/store/commit_log_store.hpp"
#include "common/store/state_db.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace::test {

inline Bytes random_bytes(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

template <typename T>
T require_ok(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.is_ok(), result.status().message());
  return std::move(result).value();
}
inline void require_ok(const Status& status) {
  BOOST_REQUIRE_MESSAGE(status.is_ok(), status.message());
}

inline CommitEntry complete_entry(CutId cut, Attempt attempt = Attempt(1)) {
  return {.kind = CommitKind::complete,
          .term = Term(1),
          .attempt = attempt,
          .cut = cut,
          .writer = "test"};
}

inline Manifest manifest_of(CutId cut, std::vector<PartDescriptor> parts,
                            Attempt attempt = Attempt(1)) {
  Manifest manifest;
  manifest.job = "job";
  manifest.attempt = attempt;
  manifest.cut = cut;
  manifest.parts = std::move(parts);
  return manifest;
}

// put, ship, manifest, log: in the order of a real checkpoint, stopping at the first error.
inline Status checkpoint(StateDb& db, CheckpointStore& store, CutId cut, ByteView bytes) {
  MILLRACE_TRY(db.put(cut, "state", bytes));
  MILLRACE_ASSIGN(auto part, db.ship(cut, Attempt(1), store));
  MILLRACE_TRY(write_manifest(store, manifest_of(cut, {std::move(part)})));
  CommitLogStore log(store);
  MILLRACE_ASSIGN(const auto entries, log.read_all());
  MILLRACE_ASSIGN(const auto put, log.write(entries.size(), complete_entry(cut)));
  MILLRACE_CHECK(put.created);
  db.completed(cut);
  return Status();
}

struct Restored {
  CutId cut;
  Bytes bytes;
  std::vector<std::string> warnings;
};

// What a new process finds: the newest whole cut of the log and the state in it.
inline Result<Restored> restore_newest(CheckpointStore& store, const std::string& folder) {
  MILLRACE_ASSIGN(const auto entries, CommitLogStore(store).read_all());
  const auto complete = complete_cuts(entries);
  MILLRACE_ASSIGN(auto point, choose_restore_point(store, complete));
  const auto& part = point.manifest.parts.at(0);
  MILLRACE_ASSIGN(const auto db, StateDb::open_restored(part, store, folder));
  MILLRACE_ASSIGN(auto bytes, db->get(point.manifest.cut, "state"));
  return Restored{point.manifest.cut, std::move(bytes), std::move(point.warnings)};
}

}  // namespace millrace::test
