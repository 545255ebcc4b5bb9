#include "worker/training/parameter_payload.hpp"

#include <algorithm>
#include <cmath>

#include "common/ml/kernels/kernels.hpp"

namespace millrace {

Status check_bounded(const ParameterPush& push) {
  const auto bounded = [](const AlignedVector<float>& values) {
    return kernels::all_bounded(values.data(), values.size());
  };
  const auto finite = [](const std::vector<double>& values) {
    return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
  };
  bool is_bounded = finite(push.scalars) && finite(push.statistics);
  for (const auto& vector : push.vectors) {
    is_bounded = is_bounded && bounded(vector.dense) && bounded(vector.row_values);
  }
  if (is_bounded) return {};
  return {Code::job_failed,
          "the model diverged: an update holds a value that is not finite, or above 3e30",
          "lower optimizer.learning_rate, set optimizer.clip, or add standardize to preprocess"};
}

}  // namespace millrace
