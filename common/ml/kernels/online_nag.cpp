// The online update of Vowpal Wabbit: normalised, adaptive and importance-invariant.
//
// Ross, Mineiro and Langford 2013 (Algorithm 2, NAG) for scales and squares; Karampatziakis and
// Langford 2011 for the closed form of a step of importance weight h; names and details as in
// Vowpal Wabbit 9's gd.cc: the intercept is a feature of value 1 like any other, zeros count as
// absent, N sums x^2 / s^2 and t the weights.

#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/online_nag.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/online_inl.hpp"
#include "common/ml/kernels/scalar_math.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// W(e^x) - x where W is Lambert's function: one Fritsch-Shafer-Crowley step from a guess
// (loss_functions.cc).
HWY_INLINE double lambert_minus(double x) {
  const double w = x >= 1.0 ? 0.86 * x + 0.01 : stable_exp(0.8 * x - 0.65);
  const double r = x >= 1.0 ? x - stable_log(w) - w : 0.2 * x + 0.65 - w;
  const double t = 1.0 + w;
  const double u = 2.0 * t * (t + (2.0 / 3.0) * r);
  return w * (1.0 + r * (u - r) / (t * (u - 2.0 * r))) - x;
}

// How far a step of `scale` (rate times importance) moves along the record's direction, when moving
// by 1 changes the score by `sensitivity`: the limit of infinitely many infinitely small steps.
HWY_INLINE double invariant_logistic(double score, double label, double scale, double sensitivity) {
  const double sign = label > 0.5 ? 1.0 : -1.0;
  const double margin = sign * score;
  const double d = stable_exp(margin);
  if (scale * sensitivity < 1e-6) return sign * scale / (1.0 + d);
  const double w = lambert_minus(scale * sensitivity + margin + d);
  return -(sign * w + score) / sensitivity;
}

HWY_INLINE double invariant_squared(double score, double label, double scale, double sensitivity) {
  if (scale * sensitivity < 1e-6) return 2.0 * (label - score) * scale;
  return (label - score) * (1.0 - stable_exp(-2.0 * scale * sensitivity)) / sensitivity;
}

struct Totals {
  double norm;         // sum of x^2 / s^2 over the record's features
  double sensitivity;  // change of the score per unit of update, before the multiplier
};

// Learns scales and squares of one class's features and leaves rate * x in `direction` [inputs].
HWY_INLINE Totals learn_scales(const OnlineTask& t, const Record& record, std::size_t c,
                               float gradient_squared, float power, float intercept_factor,
                               float* direction, float* bias_rate) {
  F16 norm = set(0.0f), sensitivity = norm;
  const F16 squared = set(gradient_squared);
  for (std::size_t i = 0; i < t.inputs; i += kLanes) {
    const std::size_t at = c * t.inputs + i;
    const F16 x = load(record.x + i);
    F16 w = load(t.theta + at), sum = load(t.slot0 + at), scale = load(t.slot1 + at);
    const auto learned = nag_learn(x, squared, power, w, sum, scale);
    store(w, t.theta + at);
    store(sum, t.slot0 + at);
    store(scale, t.slot1 + at);
    const F16 towards = mul(x, learned.rate);
    store(towards, direction + i);
    norm = add(norm, learned.norm);
    sensitivity = fma(x, towards, sensitivity);
  }
  const std::size_t b = t.bias + c;
  const auto bias = nag_learn(1.0f, gradient_squared, power, t.theta[b], t.slot0[b], t.slot1[b]);
  *bias_rate = bias.rate * intercept_factor;
  Totals totals{static_cast<double>(lane_sum(norm)) + bias.norm,
                static_cast<double>(lane_sum(sensitivity)) + *bias_rate};
  for (std::size_t s = 0; s < t.table_slots; ++s) {
    if (record.table_rows[s] == kAbsent) continue;
    const std::size_t at = t.table + record.table_rows[s] * t.table_width + c;
    const auto row =
        nag_learn(1.0f, gradient_squared, power, t.theta[at], t.slot0[at], t.slot1[at]);
    totals.norm += row.norm;
    totals.sensitivity += row.rate;
  }
  return totals;
}

HWY_INLINE void move(const OnlineTask& t, const Record& record, std::size_t c, float update,
                     float power, const float* direction, float bias_rate, float keep) {
  const F16 factor = set(update);
  const F16 kept = set(keep);
  for (std::size_t i = 0; i < t.inputs; i += kLanes) {
    float* w = t.theta + c * t.inputs + i;
    store(fma(factor, load(direction + i), mul(kept, load(w))), w);
  }
  t.theta[t.bias + c] = fma(update, bias_rate, t.theta[t.bias + c]);
  for (std::size_t s = 0; s < t.table_slots; ++s) {
    if (record.table_rows[s] == kAbsent) continue;
    const std::size_t at = t.table + record.table_rows[s] * t.table_width + c;
    // A square of 0 learns nothing: this only reads the row's rate.
    const float rate = nag_learn(1.0f, 0.0f, power, t.theta[at], t.slot0[at], t.slot1[at]).rate;
    t.theta[at] = fma(update, rate, keep * t.theta[at]);
  }
}

// The factor common to all features, from the average norm of the records so far (average_update in
// gd.cc).
HWY_INLINE double multiplier_of(const double* scalars, double power) {
  if (power == 0.5) return __builtin_sqrt(scalars[1] / scalars[0]);
  const double average = scalars[0] / scalars[1];
  if (power == 0.0) return 1.0 / average;
  return stable_pow(average, power - 1.0);
}

// The score at which a logistic model would predict p: for a softmax, the log-odds of one class
// with the other scores held, along which its loss is exactly logistic.
HWY_INLINE double log_odds(double p) {
  const double bounded = p < 1e-21 ? 1e-21 : (p > 1.0 - 1e-15 ? 1.0 - 1e-15 : p);
  return stable_log(bounded) - stable_log1p(-bounded);
}

// A right prediction so sure that its loss vanishes in single precision teaches nothing, not even
// scales, as in Vowpal Wabbit. Beyond it the closed form would be a small difference of huge
// numbers.
HWY_INLINE bool has_loss(const OnlineTask& t, double score, double label) {
  if (t.loss == OnlineLoss::squared) return score != label;
  // 1 + e^-margin is 1 in single precision from a margin of 24 ln 2 on.
  constexpr double kSure = 16.635532333438686;
  return (label > 0.5 ? score : -score) < kSure;
}

HWY_INLINE void learn_class(const OnlineTask& t, const Record& record, std::size_t c,
                            float gradient, double score, double label, double clip,
                            float* direction, bool& is_counted) {
  if (gradient == 0.0f || !has_loss(t, score, label)) return;
  const auto power = static_cast<float>(t.power_t);
  float bias_rate = 0.0f;
  const Totals totals =
      learn_scales(t, record, c, record.weight * gradient * gradient, power,
                   static_cast<float>(t.intercept_rate / t.learning_rate), direction, &bias_rate);
  if (!is_counted) {
    is_counted = true;
    t.scalars[0] += static_cast<double>(record.weight) * totals.norm;
    t.scalars[1] += static_cast<double>(record.weight);
  }
  if (!(t.scalars[0] > 0.0)) return;
  const double multiplier = multiplier_of(t.scalars, t.power_t);
  const double sensitivity = totals.sensitivity * multiplier;
  const double scale = t.learning_rate * static_cast<double>(record.weight);
  if (!(sensitivity > 0.0)) return;
  const double update =
      clip * (t.loss == OnlineLoss::squared ? invariant_squared(score, label, scale, sensitivity)
                                            : invariant_logistic(score, label, scale, sensitivity));
  const auto keep = static_cast<float>(1.0 - scale * t.l2);
  move(t, record, c, static_cast<float>(update * multiplier), power, direction, bias_rate, keep);
}

void online_nag_kernel(const OnlineTask& t) {
  const std::size_t width = (t.classes + kLanes - 1) / kLanes * kLanes;
  float* scores = t.scratch;
  float* gradients = scores + width;
  float* direction = gradients + width;
  for (std::size_t r = 0; r < t.rows; ++r) {
    const Record record = record_at(t, r);
    float* predictions = t.predictions + r * outputs(t);
    score(t, record, scores);
    predict(t, record, scores, predictions, gradients);
    if (record.weight == 0.0f) continue;
    const auto clip = static_cast<double>(clip_factor(t, record, gradients));
    bool is_counted = false;  // every class sees the same norm, so it enters N once
    if (t.loss != OnlineLoss::softmax) {
      double z = static_cast<double>(scores[0]);
      if (t.loss == OnlineLoss::logistic) z = z < -50.0 ? -50.0 : (z > 50.0 ? 50.0 : z);
      learn_class(t, record, 0, gradients[0], z, static_cast<double>(record.label), clip, direction,
                  is_counted);
      continue;
    }
    for (std::size_t c = 0; c < t.active; ++c) {
      const double target = static_cast<std::size_t>(record.label) == c ? 1.0 : 0.0;
      learn_class(t, record, c, gradients[c], log_odds(static_cast<double>(predictions[c])), target,
                  clip, direction, is_counted);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace::kernels {

HWY_EXPORT(online_nag_kernel);

void online_nag(const OnlineTask& task) {
  HWY_DYNAMIC_DISPATCH(online_nag_kernel)(task);
}

}  // namespace millrace::kernels
#endif
