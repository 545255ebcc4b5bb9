// Fills what a job file leaves open: model, pipeline, optimiser, training and merge, chosen from
// the schema.
//
// Place: called once at submit, after inference and before cut 0; the completed job is what is
// stored. Pure.
#pragma once

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/schema.hpp"

namespace millrace {

ModelKind default_model(Task task);
OptimizerSpec default_optimizer(ModelKind kind);
TrainingSpec default_training(ModelKind kind);
std::uint32_t default_merge_every(TrainingMode mode);  // micro-batches

// Afterwards every optional part of `spec` is present. Fails with invalid_argument when the
// declared model does not fit the task. Categorical fields get their one_hot or hash from the
// pipeline itself.
Status resolve_defaults(JobSpec& spec, const Schema& schema);

}  // namespace millrace
