#include "coordinator/status/job_outline.hpp"

namespace millrace {

const char* to_string(ModelKind kind) {
  switch (kind) {
    case ModelKind::linear:
      return "linear";
    case ModelKind::logistic:
      return "logistic";
    case ModelKind::softmax:
      return "softmax";
    case ModelKind::mlp:
      return "mlp";
  }
  return "?";
}

std::uint64_t label_delay_of(const JobSpec& spec) {
  return spec.training->mode == TrainingMode::online ? 0 : spec.training->batch_size - 1;
}

std::uint64_t lag_of(const SplitOutline& outline, Offset offset) {
  const bool is_unknown = outline.end.value == ~std::uint64_t{0};
  return is_unknown || offset >= outline.end ? 0 : outline.end.value - offset.value;
}

}  // namespace millrace
