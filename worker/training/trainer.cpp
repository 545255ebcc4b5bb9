#include "worker/training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// An entry may be lost: its shard was not there yet, or its host went away and came back.
constexpr milliseconds kResendFirst{50};
constexpr milliseconds kResendLast{2'000};

ReplicaOptions core_options(const TrainerPlan& plan) {
  ReplicaOptions options;
  options.attempt = plan.attempt;
  options.replica = plan.replica;
  options.shards = plan.setup->shards.shards();
  options.mode = *plan.setup->spec.merge->mode;
  options.max_staleness = plan.setup->spec.merge->max_staleness;
  options.restored = plan.cut;
  return options;
}

MicroBatch make_batch(const TrainingSetup& setup) {
  return {setup.spec.training->batch_size, setup.features.dense, setup.schema.categorical_count()};
}

// Synchronous rounds are reproducible, so nothing may depend on when records arrive.
SlotSources slot_of(const TrainerPlan& plan) {
  SlotSources slot;
  slot.secrets = plan.secrets;
  slot.ingest = plan.ingest;
  slot.splits = std::max<std::size_t>(plan.splits.size(), 1);
  const JobSpec& spec = plan.setup->spec;
  const bool is_topic = spec.source.kind == SourceKind::kafka;
  if (spec.merge->mode != MergeMode::synchronous)
    slot.linger = is_topic ? spec.source.kafka.linger : spec.source.zeromq.linger;
  return slot;
}

// Those that the state lacks: all of them without one, else such as have joined the job since.
Status add_fresh_splits(const TrainerPlan& plan, TrainerState& state) {
  Status other(Code::corrupted, "replica " + std::to_string(plan.replica.value) +
                                    ": the stored positions are of other splits");
  if (state.splits.size() > plan.splits.size()) return other;
  for (std::size_t i = 0; i < plan.splits.size(); ++i) {
    const SplitDescription& split = plan.splits[i];
    if (i < state.splits.size()) {
      if (state.splits[i].progress.split != split.id) return other;
      continue;
    }
    const bool has_joined = i < plan.positions.size() && plan.positions[i].learned.count == 0;
    if (plan.state && !has_joined) return other;
    SplitState position;
    position.progress.split = split.id;
    position.progress.offset = split.begin;
    state.splits.push_back(position);
  }
  return {};
}

double rate_of_slot(const JobSpec& spec) {
  return *spec.source.max_records_per_second / spec.parallelism;
}

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::prepare(TrainerPlan plan, TrainerListener& listener) {
  TrainerState state = fresh_trainer_state(*plan.setup);
  if (plan.state) {
    MILLRACE_ASSIGN(state, TrainerState::decode(*plan.state));
  }
  MILLRACE_TRY(add_fresh_splits(plan, state));
  return std::unique_ptr<Trainer>(new Trainer(std::move(plan), std::move(state), listener));
}

void Trainer::start() {
  if (outputs_ != nullptr) outputs_->start();
  thread_ = std::jthread([this] { run(); });
}

Trainer::Trainer(TrainerPlan plan, TrainerState state, TrainerListener& listener)
    : plan_(std::move(plan)),
      listener_(listener),
      core_(core_options(plan_)),
      parameters_(plan_.setup->shards, plan_.setup->layout_id, plan_.setup->push_kind,
                  plan_.setup->optimizer, plan_.setup->push_filter),
      pipeline_(plan_.setup->compile_pipeline()),
      dictionary_(plan_.setup->initial_dictionary()),
      state_(std::move(state)),
      slot_(slot_of(plan_)),
      batch_(make_batch(*plan_.setup)),
      starved_until_(plan_.splits.size()),
      resend_delay_(kResendFirst),
      next_progress_(steady_clock::now()) {
  predictions_.resize(batch_.capacity * plan_.setup->model->outputs());
  if (plan_.setup->spec.source.max_records_per_second) {
    limiter_.emplace(rate_of_slot(plan_.setup->spec), steady_clock::now().time_since_epoch());
  }
  if (is_elastic()) begin_beside_the_centre();
  open_outputs();
}

// In elastic averaging no view sets theta: a replica begins at the initial parameters, or where its
// cut left it.
void Trainer::begin_beside_the_centre() {
  if (state_.replica.theta.empty()) {
    const auto theta = plan_.setup->initial_parameters();
    std::ranges::copy(theta, parameters_.state().theta.begin());
    return;
  }
  parameters_.restore(std::exchange(state_.replica, {}));
  const std::vector<double> none(state_.statistics.size());
  pipeline_.adopt(state_.statistics, none);
  dictionary_.adopt(state_.dictionary);
  dictionary_known_ = state_.dictionary.size();
}

Trainer::~Trainer() {
  inbox_->post(StopTraining{});
  if (thread_.joinable()) thread_.join();
}

void Trainer::run() {
  unfinished_ = static_cast<std::size_t>(std::ranges::count_if(
      state_.splits, [](const SplitState& split) { return !split.progress.is_finished; }));
  execute(core_.start(is_read_to_end() ? Participation::finished : Participation::active));
  while (true) {
    const auto goes_on = turn();
    if (!goes_on.is_ok()) {
      listener_.on_failed(goes_on.status());
      return;
    }
    if (!goes_on.value()) return;
  }
}

Result<bool> Trainer::turn() {
  absorb(std::exchange(patience_, milliseconds{0}));
  if (is_stopping_) return false;
  resend_unanswered();
  report_progress(false);
  if (!core_.is_ready()) {
    patience_ = kPatience;
    return true;
  }
  // Asynchronous cuts stand between two micro-batches, synchronous ones right after a round. What
  // is read of a topic's next micro-batch may wait for the rest of it, and is read again.
  const bool is_between = batch_.rows == 0 || are_read_in_turn(spec().source);
  if (core_.cut_due() && (is_synchronous() || is_between)) {
    MILLRACE_TRY(take_cut());
  }
  if (wants_push_ && core_.can_push()) MILLRACE_TRY(merge());
  if (core_.must_wait() || awaits_class() || (is_between && awaits_sinks())) {
    execute(core_.refresh());
    patience_ = kPatience;
    return true;
  }
  MILLRACE_TRY(is_read_to_end() ? finish_reading() : read());
  return true;
}

void Trainer::absorb(milliseconds timeout) {
  if (timeout.count() > 0) {
    inbox_->wait(events_, timeout);
  } else {
    inbox_->take(events_);
  }
  for (auto& event : events_) {
    if (auto* answer = std::get_if<Answer>(&event)) {
      auto effects = core_.on_answer(*answer);
      answer->values.reset();  // the effect's is the last reference, and its buffer may be kept
      execute(std::move(effects));
    } else if (const auto* begin = std::get_if<CutRequest>(&event)) {
      core_.request_cut(begin->cut);
    } else if (const auto* abort = std::get_if<CutAbort>(&event)) {
      core_.abort_cut(abort->cut);
      open_snapshot_.reset();
    } else if (const auto* completed = std::get_if<CutCompleted>(&event)) {
      visit_open_sources(
          [&](SplitState&, RecordSource& source) { source.on_cut_complete(completed->cut); });
    } else {
      is_stopping_ = true;
    }
  }
}

void Trainer::resend_unanswered() {
  const auto now = steady_clock::now();
  if (core_.is_drained()) {
    resend_delay_ = kResendFirst;
  } else if (now < resend_at_) {
    return;
  } else {
    execute(core_.resend());
    resend_delay_ = std::min(resend_delay_ * 2, kResendLast);
  }
  resend_at_ = now + resend_delay_;
}

void Trainer::execute(std::vector<ReplicaEffect> effects, const PushPayloads& payloads) {
  bool is_noted = payloads.empty();
  for (const auto& effect : effects) {
    const auto* send = std::get_if<SendEntry>(&effect);
    if (is_noted || send == nullptr || send->entry.payload == nullptr) continue;
    parameters_.sent(send->entry.sequence, payloads);
    statistics_in_flight_.emplace_back(send->entry.sequence, payloads[0]->statistics);
    is_noted = true;
  }
  for (auto& effect : effects) {
    if (auto* send = std::get_if<SendEntry>(&effect)) {
      resend_at_ = std::max(resend_at_, steady_clock::now() + resend_delay_);
      listener_.send(std::move(send->entry));
    } else if (auto* rebase = std::get_if<Rebase>(&effect)) {
      paste(std::move(*rebase));
    } else if (const auto* take = std::get_if<TakeSnapshot>(&effect)) {
      open_snapshot_ = make_snapshot(take->cut);
      if (is_elastic()) continue;  // its theta is final when drained
      listener_.on_snapshot(*std::exchange(open_snapshot_, std::nullopt));
    } else if (std::holds_alternative<CutDrained>(effect) && open_snapshot_) {
      listener_.on_snapshot(*std::exchange(open_snapshot_, std::nullopt));
    }
  }
}

void Trainer::paste(Rebase rebase) {
  if (rebase.values == nullptr) return;
  const auto view = std::static_pointer_cast<const ParameterView>(std::move(rebase.values));
  if (rebase.shard.value == 0) adopt_shared_state(*view, rebase.sequence);
  parameters_.rebase(rebase.shard, rebase.sequence, view);
}

void Trainer::adopt_shared_state(const ParameterView& view, Sequence answered) {
  while (!statistics_in_flight_.empty() && statistics_in_flight_.front().first <= answered) {
    statistics_in_flight_.pop_front();
  }
  std::vector<double> in_flight(view.statistics.size());
  for (const auto& [sequence, increments] : statistics_in_flight_) {
    for (std::size_t i = 0; i < increments.size(); ++i) in_flight[i] += increments[i];
  }
  pipeline_.adopt(view.statistics, in_flight);
  if (view.dictionary != nullptr && view.dictionary->size() > dictionary_known_) {
    dictionary_.adopt(std::span(*view.dictionary).subspan(dictionary_known_));
    dictionary_known_ = view.dictionary->size();
  }
}

bool Trainer::awaits_class() {
  if (awaited_class_.empty()) return false;
  if (!dictionary_.find(kLabelField, awaited_class_) && !dictionary_.is_full(kLabelField))
    return true;
  awaited_class_.clear();
  return false;
}

}  // namespace millrace
