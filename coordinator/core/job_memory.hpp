// How much memory a job is expected to take on its hosts: what its slots are accounted with.
//
// An estimate, stated so that it can be argued with. Of each number that the model learns, with the
// optimiser's slots beside it, a replica keeps the present value, its view at the last push, two
// frozen pushes and the newest answer, and one gradient; a shard keeps the live view, that of a
// cut, and its snapshot with the encoded bytes. Beside them a replica reads ahead and keeps windows
// of figures, and RocksDB buffers what is written. Measured memory decides nothing: a worker that
// runs out is lost, and its jobs move.
#pragma once

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/schema.hpp"
#include "coordinator/core/job_grants.hpp"

namespace millrace {

// Of a job whose optional parts are filled in. Fails where the job cannot be trained at all.
Result<JobDemand> estimate_demand(const JobSpec& spec, const Schema& schema, std::uint32_t shards);

}  // namespace millrace
