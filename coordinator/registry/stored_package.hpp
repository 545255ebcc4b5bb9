// A job's package in its checkpoint store, and the splits that joined it since.
//
// Place: an embedded run, the coordinator and the checkpoint keeper read it; whoever found new
// splits has them added. Every call blocks.
//
// Invariant: `job/package` is created once; what joined the job follows as `job/splits-<first>`,
// each created only if absent, so that two who found the same splits agree on what was stored
// first. Nothing of it is ever changed or deleted while the job has state.
#pragma once

#include "common/actors/job_package.hpp"
#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"

namespace millrace {

inline constexpr const char* kPackageName = "job/package";

// With all splits that have joined. not_found where the job has never run.
Result<JobPackage> read_package(CheckpointStore& store);
// Takes over what has joined since `package` was read; true when there is something.
Result<bool> add_stored_splits(CheckpointStore& store, JobPackage& package);
// Makes durable that `found` joins, but for what `package` has, and takes over what is stored then:
// that, or what another one has stored in its place.
Status join_splits(CheckpointStore& store, JoinedSplits found, JobPackage& package);

}  // namespace millrace
