// What summaries and status say of a job from its package alone.
#pragma once

#include <cstdint>

#include "common/actors/job_package.hpp"

namespace millrace {

// "logistic", as job files name it.
const char* to_string(ModelKind kind);
// Records a label may be late for training: 0 online, else the batch size less one.
std::uint64_t label_delay_of(const JobSpec& spec);
// Bytes (file) or records behind the end of a split; 0 where the end is unknown.
std::uint64_t lag_of(const SplitOutline& outline, Offset offset);

}  // namespace millrace
