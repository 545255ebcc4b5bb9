// Fills what a job file leaves open: model, pipeline, optimiser, training and merge, chosen from
// the schema and from where the job runs.
//
// Place: called once at submit, after inference and before cut 0; the completed job is what is
// stored. Pure.
#pragma once

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/schema.hpp"

namespace millrace {

// Where the replicas of a job may be: what a round between them costs.
enum class MergeReach { one_process, hosts };

ModelKind default_model(Task task);
OptimizerSpec default_optimizer(ModelKind kind);
TrainingSpec default_training(ModelKind kind);
MergeMode default_merge_mode(ModelKind model, OptimizerKind optimizer, MergeReach reach);
std::uint32_t default_merge_every(MergeMode mode, TrainingMode training,
                                  MergeReach reach);  // micro-batches
// How many parameter shards a job has whose `merge` is decided.
std::uint32_t default_shards(const JobSpec& resolved);

// Afterwards every optional part of `spec` is present. Fails with invalid_argument when the
// declared model does not fit the task. Categorical fields get their one_hot or hash from the
// pipeline itself.
Status resolve_defaults(JobSpec& spec, const Schema& schema, MergeReach reach);

}  // namespace millrace
