#include "worker/training/parameter_shard.hpp"

#include <algorithm>
#include <numeric>

#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/merge_kernels.hpp"

namespace millrace {
namespace {

const ParameterPush& as_push(const PushPayload& push) {
  return static_cast<const ParameterPush&>(push);
}

// `keep`: of what is never negative, the share that no gain takes away. A replica that gains from
// an older base may lose more than is there, though an average of averages is never below the share
// of those that did not push.
void merge_stretch(std::span<float> now, std::span<const float> gain, SlotMerge merge, float weight,
                   float keep) {
  switch (merge) {
    case SlotMerge::max:
      return kernels::merge_max(gain.data(), now.size(), now.data());
    case SlotMerge::average_non_negative:
      return kernels::merge_non_negative(weight, keep, gain.data(), now.size(), now.data());
    case SlotMerge::average:
      return kernels::axpy(weight, gain.data(), now.size(), now.data());
    case SlotMerge::sum:
      return kernels::axpy(1.0f, gain.data(), now.size(), now.data());
  }
}

}  // namespace

ParameterShard::ParameterShard(const ParameterShardOptions& options)
    : options_(options),
      slice_(options.layout.slice(options.shard)),
      dirty_rows_(options.replicas),
      is_dirty_(options.replicas, std::vector<bool>(slice_.table_rows)) {
  const auto begin = options_.intercepts.begin();
  intercepts_.assign(
      begin + static_cast<std::ptrdiff_t>(options_.layout.dense_begin(options_.shard)),
      begin + static_cast<std::ptrdiff_t>(options_.layout.dense_end(options_.shard)));
}

ParameterShard::ParameterShard(const ParameterShardOptions& options, std::span<const float> theta,
                               std::size_t statistics, Dictionary dictionary)
    : ParameterShard(options) {
  parameters_.theta = cut_shard(options_.layout, options_.shard, theta);
  options_.optimizer->initialise(parameters_);
  if (options_.shard != 0) return;
  statistics_.assign(statistics, 0.0);
  adopt_dictionary(std::move(dictionary));
}

Result<std::unique_ptr<ParameterShard>> ParameterShard::restore(
    const ParameterShardOptions& options, ShardState state) {
  std::unique_ptr<ParameterShard> shard(new ParameterShard(options));
  if (state.layout_id != options.layout_id || state.shard != options.shard ||
      state.parameters.theta.size() != shard->slice_.total() ||
      state.parameters.slots.size() != options.optimizer->slots().size()) {
    return Status(Code::conflict, "the stored parameter shard " + std::to_string(state.shard) +
                                      " belongs to another model layout");
  }
  shard->parameters_ = std::move(state.parameters);
  shard->statistics_ = std::move(state.statistics);
  if (state.dictionary) shard->adopt_dictionary(std::move(*state.dictionary));
  return shard;
}

ShardState ParameterShard::state() const {
  ShardState state;
  state.layout_id = options_.layout_id;
  state.shard = options_.shard;
  state.parameters = parameters_;
  state.statistics = statistics_;
  if (options_.shard == 0) state.dictionary = dictionary_;
  return state;
}

void ParameterShard::adopt_dictionary(Dictionary dictionary) {
  dictionary_ = std::move(dictionary);
  dictionary_log_ = std::make_shared<const std::vector<DictionaryEntry>>(dictionary_.log());
}

std::size_t ParameterShard::bytes() const {
  return (parameters_.theta.size() * (1 + parameters_.slots.size())) * sizeof(float) +
         statistics_.size() * sizeof(double);
}

// Of a push and of an answer: theta, and where replicas step the optimiser themselves, its slots.
std::size_t ParameterShard::vectors() const {
  return options_.push_kind == PushKind::delta ? 1 + parameters_.slots.size() : 1;
}

Status ParameterShard::check(const PushPayload& payload) const {
  MILLRACE_TRY(check_shape(as_push(payload)));
  return check_bounded(as_push(payload));
}

Status ParameterShard::check_shape(const ParameterPush& push) const {
  const auto refuse = [&](const std::string& why) {
    return Status(Code::invalid_argument,
                  "parameter shard " + std::to_string(options_.shard) + " refused a push: " + why);
  };
  if (push.layout_id != options_.layout_id) return refuse("it is for another model layout");
  if (push.kind != options_.push_kind) return refuse("it is of another kind");
  // Slots may be left for a later push.
  if (push.vectors.size() > 1 && push.vectors.size() != vectors()) {
    return refuse("it has another number of vectors");
  }
  if (!push.scalars.empty() && push.scalars.size() != parameters_.scalars.size()) {
    return refuse("it has another number of scalars");
  }
  const std::size_t width = slice_.table_width;
  const std::size_t rows = push.vectors.empty() ? 0 : push.vectors[0].rows.size();
  for (const auto& vector : push.vectors) {
    if (vector.dense.size() != slice_.dense || vector.row_values.size() != rows * width) {
      return refuse("its size is not the shard's");
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    if (push.vectors[0].rows[i] >= slice_.table_rows)
      return refuse("it names a row past the table");
  }
  if (!push.statistics.empty() && push.statistics.size() != statistics_.size()) {
    return refuse("its statistics have another size");
  }
  return {};
}

void ParameterShard::apply_delta(const ParameterPush& push, double weight) {
  const bool averages =
      options_.mode == MergeMode::async_average || options_.mode == MergeMode::synchronous;
  const auto factor = static_cast<float>(averages ? weight : 1.0);
  // In a round all gain from the base that is here.
  const float keep = options_.mode == MergeMode::async_average ? 1.0f - factor : 0.0f;
  const std::size_t width = slice_.table_width;
  for (std::size_t v = 0; v < push.vectors.size(); ++v) {
    auto& now = v == 0 ? parameters_.theta : parameters_.slots[v - 1];
    const SlotMerge merge = v == 0 ? SlotMerge::average : options_.optimizer->slots()[v - 1].merge;
    merge_stretch(std::span(now).first(slice_.dense), push.vectors[v].dense, merge, factor, keep);
    for (std::size_t i = 0; i < push.vectors[0].rows.size(); ++i) {
      merge_stretch(std::span(now).subspan(
                        slice_.dense + std::size_t{push.vectors[0].rows[i]} * width, width),
                    std::span(push.vectors[v].row_values).subspan(i * width, width), merge, factor,
                    keep);
    }
  }
  for (std::size_t i = 0; i < push.scalars.size(); ++i) {
    double& now = parameters_.scalars[i];
    switch (options_.optimizer->scalars()[i].merge) {
      case SlotMerge::max:
        now = std::max(now, push.scalars[i]);
        break;
      case SlotMerge::sum:
        now += push.scalars[i];
        break;
      default:
        now += factor * push.scalars[i];
    }
  }
}

// Zhang, Choromanska, LeCun 2015, EASGD: the centre moves towards the replica by alpha, and the
// replica, when it hears of it, towards the centre by as much.
void ParameterShard::apply_position(const ParameterPush& push) {
  const auto alpha = static_cast<float>(options_.alpha);
  const std::size_t width = slice_.table_width;
  const auto& stood = push.vectors[0];
  const auto pull = [&](std::span<float> centre, std::span<const float> replica,
                        std::span<float> move) {
    kernels::pull_together(alpha, replica.data(), centre.size(), centre.data(), move.data());
  };
  last_move_.rows = stood.rows;
  last_move_.dense.resize(stood.dense.size());
  last_move_.row_values.resize(stood.row_values.size());
  pull(std::span(parameters_.theta).first(slice_.dense), stood.dense, last_move_.dense);
  for (std::size_t i = 0; i < stood.rows.size(); ++i) {
    const std::size_t begin = slice_.dense + std::size_t{stood.rows[i]} * width;
    pull(std::span(parameters_.theta).subspan(begin, width),
         std::span(stood.row_values).subspan(i * width, width),
         std::span(last_move_.row_values).subspan(i * width, width));
  }
}

void ParameterShard::apply_shared_state(const ParameterPush& push) {
  for (std::size_t i = 0; i < push.statistics.size(); ++i) statistics_[i] += push.statistics[i];
  if (push.proposals.empty()) return;
  for (const auto& entry : push.proposals) (void)dictionary_.append(entry.field, entry.text);
  dictionary_log_ = std::make_shared<const std::vector<DictionaryEntry>>(dictionary_.log());
}

// Rounds are answered with every row, and elastic answers with what the push itself moved.
bool ParameterShard::answers_name_rows() const {
  return options_.replicas > 1 && options_.mode != MergeMode::synchronous &&
         options_.mode != MergeMode::elastic;
}

void ParameterShard::mark_rows(ReplicaId from, const std::vector<std::uint32_t>& rows) {
  for (std::uint32_t replica = 0; replica < options_.replicas; ++replica) {
    if (replica == from.value) continue;  // it hears of its own rows in the answer to its push
    for (const auto row : rows) {
      if (is_dirty_[replica][row]) continue;
      is_dirty_[replica][row] = true;
      dirty_rows_[replica].push_back(row);
    }
  }
}

void ParameterShard::apply(ReplicaId from, const PushPayload& payload, double weight) {
  const auto& push = as_push(payload);
  if (!push.vectors.empty()) {
    switch (push.kind) {
      case PushKind::gradient:
        options_.optimizer->apply(slice_, push.vectors[0], push.rate_scale, intercepts_,
                                  parameters_);
        break;
      case PushKind::delta:
        apply_delta(push, weight);
        break;
      case PushKind::position:
        apply_position(push);
        break;
    }
    if (answers_name_rows()) mark_rows(from, push.vectors[0].rows);
  }
  apply_shared_state(push);
}

void ParameterShard::apply_round(std::span<const RoundPush> pushes) {
  for (const auto& push : pushes) apply(push.replica, *push.payload, push.weight);
}

std::unique_ptr<ShardValues> ParameterShard::clone() const {
  return std::make_unique<ParameterShard>(*this);
}

// Without a push (the start of an attempt, a barrier, an answer again) every row, and the marks
// stay: the replica may have this answer already and refuse it. Else the rows of the push and those
// that others changed since the answer to the push before.
std::vector<std::uint32_t> ParameterShard::rows_to_tell(ReplicaId replica,
                                                        const ParameterPush* push) {
  auto& dirty = dirty_rows_[replica.value];
  std::vector<std::uint32_t> rows;
  if (push == nullptr) {
    rows.resize(slice_.table_rows);
    std::iota(rows.begin(), rows.end(), 0u);
    return rows;
  }
  if (!push->vectors.empty()) rows = push->vectors[0].rows;
  rows.insert(rows.end(), dirty.begin(), dirty.end());
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  for (const auto row : dirty) is_dirty_[replica.value][row] = false;
  dirty.clear();
  return rows;
}

std::shared_ptr<const ViewPayload> ParameterShard::answer(ReplicaId replica,
                                                          const PushPayload* applied) {
  auto view = std::make_shared<ParameterView>();
  view->scalars = parameters_.scalars;
  view->statistics = statistics_;
  view->dictionary = dictionary_log_;
  const ParameterPush* push = applied != nullptr ? &as_push(*applied) : nullptr;
  if (push != nullptr && push->kind == PushKind::position) {
    view->vectors.push_back(last_move_);
    return view;
  }
  const std::size_t width = slice_.table_width;
  if (push != nullptr) view->precision = push->precision;
  // Slots answer slots.
  const bool has_slots = push == nullptr || push->vectors.size() != 1;
  view->vectors.resize(has_slots ? vectors() : 1);
  view->vectors[0].rows = rows_to_tell(replica, push);
  for (std::size_t v = 0; v < view->vectors.size(); ++v) {
    const auto& now = v == 0 ? parameters_.theta : parameters_.slots[v - 1];
    auto& out = view->vectors[v];
    out.dense.assign(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(slice_.dense));
    out.row_values.reserve(view->vectors[0].rows.size() * width);
    for (const auto row : view->vectors[0].rows) {
      const auto* values = now.data() + slice_.dense + std::size_t{row} * width;
      out.row_values.insert(out.row_values.end(), values, values + width);
    }
  }
  return view;
}

}  // namespace millrace
