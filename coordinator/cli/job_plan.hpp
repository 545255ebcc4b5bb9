// What a job would cost: records a second, memory, bytes of a checkpoint.
//
// Place: `millrace plan`. Sizes follow from the layout of the model; the rate is measured by
// decoding, transforming and learning the head of the stream for a moment on one core. A
// prediction: what reading, merging and other jobs take comes on top.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"

namespace millrace::cli {

struct JobPlan {
  JobSpec spec;  // every optional filled in
  std::string task;
  std::uint32_t features = 0;  // dense inputs of the model
  std::size_t splits = 0;
  std::uint64_t source_bytes = 0;  // of plain files; 0: unknown
  double bytes_per_record = 0.0;   // of the head
  std::uint64_t records = 0;       // estimated from both; 0: unknown
  std::size_t parameters = 0;      // that learn
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t replica_bytes = 0;  // memory of each replica
  std::uint64_t shard_bytes = 0;    // memory of all shards together, while a cut is taken
  std::uint64_t measured_records = 0;
  double records_per_second = 0.0;  // of one replica; 0: not measured
  std::vector<std::string> notes, warnings;
};

struct JobPlanOptions {
  std::string base_folder;
  std::string secrets_folder;
  std::chrono::milliseconds measured{500};  // longer measures steadier
};

Result<JobPlan> plan_job(const JobSpec& spec, const JobPlanOptions& options);

}  // namespace millrace::cli
