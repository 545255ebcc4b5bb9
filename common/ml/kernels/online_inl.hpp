// What the online trainers share: scores of one record, its predictions, and the gradient of its
// loss.
#if defined(MILLRACE_ONLINE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MILLRACE_ONLINE_INL
#undef MILLRACE_ONLINE_INL
#else
#define MILLRACE_ONLINE_INL
#endif

#include "common/ml/kernels/steps_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// No table row: as kNoRow of the micro-batch.
inline constexpr std::uint32_t kAbsent = 0xFFFFFFFFu;

struct Record {
  const float* x;
  const std::uint32_t* table_rows;
  float label;
  float weight;
};

HWY_INLINE Record record_at(const OnlineTask& t, std::size_t r) {
  return {t.x + r * t.x_stride, t.table_rows + r * t.table_slots, t.labels[r], t.weights[r]};
}

// scores [classes]
HWY_INLINE void score(const OnlineTask& t, const Record& record, float* scores) {
  for (std::size_t c = 0; c < t.active; ++c) {
    float start = t.theta[t.bias + c];
    for (std::size_t s = 0; s < t.table_slots; ++s) {
      if (record.table_rows[s] == kAbsent) continue;
      start += t.theta[t.table + record.table_rows[s] * t.table_width + c];
    }
    scores[c] = start + dot_lanes(record.x, t.theta + c * t.inputs, t.inputs);
  }
}

// Writes the prediction, and into `gradients` the derivative of the loss by each score.
HWY_INLINE void predict(const OnlineTask& t, const Record& record, const float* scores,
                        float* predictions, float* gradients) {
  if (t.loss == OnlineLoss::softmax) {
    softmax_of(scores, t.active, t.classes, predictions);
    for (std::size_t c = 0; c < t.active; ++c) gradients[c] = predictions[c];
    const auto label = static_cast<std::size_t>(record.label);
    if (label < t.active) gradients[label] -= 1.0f;
  } else if (t.loss == OnlineLoss::logistic) {
    predictions[0] = sigmoid_of(scores[0]);
    gradients[0] = predictions[0] - record.label;
  } else {
    predictions[0] = scores[0];
    gradients[0] = 2.0f * (scores[0] - record.label);
  }
}

// The factor that brings the norm of the record's gradient down to `clip`; 1 when it is below.
HWY_INLINE float clip_factor(const OnlineTask& t, const Record& record, const float* gradients) {
  if (!(t.clip > 0.0)) return 1.0f;
  float inputs = 1.0f + dot_lanes(record.x, record.x, t.inputs);
  for (std::size_t s = 0; s < t.table_slots; ++s) {
    if (record.table_rows[s] != kAbsent) inputs += 1.0f;
  }
  float squares = 0.0f;
  for (std::size_t c = 0; c < t.active; ++c) squares = fma(gradients[c], gradients[c], squares);
  const float norm = root(squares * inputs);
  const auto bound = static_cast<float>(t.clip);
  return norm > bound ? bound / norm : 1.0f;
}

HWY_INLINE std::size_t outputs(const OnlineTask& t) {
  return t.loss == OnlineLoss::softmax ? t.classes : 1;
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#endif
