#include "worker/training/parameter_payload.hpp"

#include "common/ml/kernels/kernels.hpp"

namespace millrace {

Status check_bounded(const ParameterPush& push) {
  const auto bounded = [](const AlignedVector<float>& values) {
    return kernels::all_bounded(values.data(), values.size());
  };
  for (const auto& vector : push.vectors) {
    if (bounded(vector.dense) && bounded(vector.row_values)) continue;
    return {Code::job_failed, "the model diverged: an update holds a value that is not finite",
            "lower optimizer.learning_rate, set optimizer.clip, or add standardize to preprocess"};
  }
  return {};
}

}  // namespace millrace
