#include "coordinator/core/job_memory.hpp"

#include "common/ml/model.hpp"
#include "common/pipeline/pipeline.hpp"

namespace millrace {
namespace {

constexpr std::uint64_t kReplicaBaseBytes = std::uint64_t{96} << 20;
constexpr std::uint64_t kShardBaseBytes = std::uint64_t{32} << 20;
constexpr std::uint64_t kReplicaCopies = 5;
constexpr std::uint64_t kShardCopies = 4;

std::uint64_t slots_of(OptimizerKind kind) {
  return kind == OptimizerKind::sgd ? 0 : kind == OptimizerKind::adagrad ? 1 : 2;
}

}  // namespace

Result<JobDemand> estimate_demand(const JobSpec& spec, const Schema& schema, std::uint32_t shards) {
  MILLRACE_ASSIGN(const Pipeline pipeline, Pipeline::compile(*spec.preprocess, schema));
  const ModelInputs inputs{pipeline.layout(), schema.task, schema.max_classes};
  MILLRACE_ASSIGN(const auto model, make_model(*spec.model, inputs));
  const std::uint64_t theta = model->parameters().total() * sizeof(float);
  const std::uint64_t with_slots = theta * (1 + slots_of(spec.optimizer->kind));
  JobDemand demand;
  demand.replicas = spec.parallelism;
  demand.shards = shards;
  demand.replica_bytes = kReplicaBaseBytes + kReplicaCopies * with_slots + theta;
  demand.shard_bytes = kShardBaseBytes + kShardCopies * with_slots / shards;
  return demand;
}

}  // namespace millrace
