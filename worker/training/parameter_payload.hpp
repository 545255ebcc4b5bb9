// What pushes and answers carry: parameters, optimiser slots, statistics, dictionary entries.
//
// Place: made by ReplicaParameters (pushes) and ParameterShard (views), opaque to the protocol
// cores between them. Both are frozen when made and shared, never copied, inside a process.
//
// Shapes: vector 0 is theta (or its gradient), vector 1 + s is optimiser slot s; each has the
// shard's slice of the dense block and the values of the touched local rows. Only vector 0 lists
// the rows. Statistics and dictionary entries travel with shard 0 alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/config/job_spec.hpp"
#include "common/data/dictionary.hpp"
#include "common/ml/model.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

enum class PushKind : std::uint8_t {
  delta,     // what theta and the slots gained since the last push
  gradient,  // of one micro-batch; the shard's optimiser applies it
  position,  // elastic averaging: where theta stands
};

struct ParameterPush final : PushPayload {
  PushKind kind = PushKind::delta;
  std::uint64_t layout_id = 0;  // of the whole model; a shard refuses another
  double rate_scale = 1.0;      // gradient: multiplies the learning rate
  // bfloat16: the dense numbers of vector 0 are such, and leave the process in two bytes each.
  Precision precision = Precision::float32;
  std::vector<Gradient> vectors;
  std::vector<double> scalars;     // the optimiser's, as gains
  std::vector<double> statistics;  // the pipeline's, as increments
  std::vector<DictionaryEntry> proposals;
};

// Ok when every parameter is a number far from overflow, and every scalar and statistic finite: one
// bad value must never reach the model.
Status check_bounded(const ParameterPush& push);

using DictionaryLog = std::shared_ptr<const std::vector<DictionaryEntry>>;

struct ParameterView final : ViewPayload {
  Precision precision = Precision::float32;  // bfloat16: as a push, rounded where it leaves
  std::vector<Gradient> vectors;  // rows: those that changed since the replica's last view
  std::vector<double> scalars;
  std::vector<double> statistics;
  DictionaryLog dictionary;  // every entry since submit, in order
};

// What a replica expects of the views of one shard.
struct ViewShape {
  ParameterLayout slice;
  std::size_t vectors = 1;  // at most
  // Exactly; absent: not looked at.
  std::optional<std::size_t> scalars;
  std::optional<std::size_t> statistics;
};

// Ok when a replica of that shape may take the view: of views that came from another process, or it
// would read and write where nothing is.
Status check_view(const ParameterView& view, const ViewShape& shape);

}  // namespace millrace
