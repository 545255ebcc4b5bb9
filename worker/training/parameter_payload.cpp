#include "worker/training/parameter_payload.hpp"

#include <algorithm>
#include <cmath>
#include <string>

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

Status check_view(const ParameterView& view, const ViewShape& shape) {
  const auto refuse = [](const char* why) {
    return Status(Code::corrupted, std::string("a shard's answer does not fit the model: ") + why);
  };
  if (view.vectors.size() > shape.vectors) return refuse("it has too many vectors");
  if (shape.scalars && view.scalars.size() != *shape.scalars) {
    return refuse("it has another number of scalars");
  }
  if (shape.statistics && view.statistics.size() != *shape.statistics) {
    return refuse("its statistics have another size");
  }
  if (view.vectors.empty()) return {};
  const auto& rows = view.vectors[0].rows;
  for (const auto& vector : view.vectors) {
    const bool is_dense = vector.dense.empty() || vector.dense.size() == shape.slice.dense;
    if (!is_dense || vector.row_values.size() != rows.size() * shape.slice.table_width) {
      return refuse("its size is not the shard's");
    }
  }
  const bool is_inside =
      std::ranges::all_of(rows, [&](std::uint32_t row) { return row < shape.slice.table_rows; });
  return is_inside ? Status() : refuse("it names a row past the table");
}

}  // namespace millrace
