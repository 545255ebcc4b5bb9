// A job as it was fixed at submit: what every worker and every later attempt must agree on.
//
// Place: made once, before cut 0, from the job file and the first bytes of the stream; stored
// beside the commit log; sent to workers with each attempt. Immutable, but for what a run may
// change (rates, intervals, and the parallelism with the number of shards) and for splits that join
// the job behind those that it has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/record_ledger.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/schema.hpp"

namespace millrace {

// What people and manifests need to know of a split; how it is read is in JobPackage::split_plan.
struct SplitOutline {
  SplitId id;
  std::string path;
  Offset begin;
  Offset end;  // of a compressed file: unknown, all ones
};

// Splits that were found while a job ran, numbered behind those that it had.
struct JoinedSplits {
  std::vector<SplitOutline> splits;  // ascending
  Bytes split_plan;                  // of the job from now on: JobPackage::split_plan

  Bytes encode() const;
  static Result<JoinedSplits> decode(ByteView bytes);
};

struct JobPackage {
  JobSpec spec;  // every optional part filled in
  Schema schema;
  std::string base_folder;  // relative paths start here
  std::uint32_t shards = 1;
  std::vector<SplitOutline> splits;  // ascending
  Bytes split_plan;                  // the worker's description of the splits, opaque here
  std::string fingerprint;           // of what may not change while state is kept
  std::size_t joined_splits = 0;     // the last ones, which were not there at submit

  // Takes what the run is to be, as compare_jobs allows it. Another parallelism brings another
  // number of shards; the same one keeps what was fixed.
  void go_on_with(JobSpec resolved);
  // Fails with corrupted where they do not follow those that it has.
  Status join(JoinedSplits joined);
  // Where reading begins.
  std::vector<SplitProgress> first_positions() const;
  std::size_t planned_splits() const { return splits.size() - joined_splits; }

  Bytes encode() const;
  // `state_folder` and the like are not part of a package: they may differ from run to run.
  static Result<JobPackage> decode(ByteView bytes);
};

using JobPackagePtr = std::shared_ptr<const JobPackage>;

}  // namespace millrace
