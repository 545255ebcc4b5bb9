#include "worker/actors/worker.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/base/limits.hpp"
#include "worker/actors/bulk_port.hpp"
#include "worker/actors/shard_actor.hpp"
#include "worker/actors/state_actor.hpp"
#include "worker/actors/trainer_actor.hpp"

namespace millrace {
namespace {

struct State {
  WorkerOptions options;
  state_actor keeper;
  report_sink reports;
  Attempt attempt;  // newest asked for; older orders and reports change nothing
  bool is_running = false;
  std::map<ReplicaId, trainer_actor> trainers;
  std::map<ShardId, shard_actor> shards;
  // First entries of replicas elsewhere that began before the shards here were loaded. At most
  // limits::kReplicasMax, one of each stream.
  std::map<std::pair<ShardId, ReplicaId>, Entry> early_entries;
  // What was said about the cut in flight, to be said again when the order comes again.
  CutId cut;
  std::vector<WorkerReport> cut_reports;
  std::optional<BulkPort> port;  // to workers in other processes
  static inline const char* name = "worker";
};
using Self = worker_actor::stateful_pointer<State>;

void stop_attempt(Self self) {
  auto& state = self->state;
  for (auto& [replica, trainer] : state.trainers) {
    self->send_exit(trainer, caf::exit_reason::user_shutdown);
  }
  for (auto& [shard, actor] : state.shards) {
    self->send_exit(actor, caf::exit_reason::user_shutdown);
  }
  state.trainers.clear();
  state.shards.clear();
  state.is_running = false;
  state.early_entries.clear();
  state.cut_reports.clear();
}

void send_report(Self self, const WorkerReport& report) {
  const auto& sink = self->state.reports;
  const bool is_elsewhere = sink.node() != self->node();
  self->send(sink, is_elsewhere ? without_bulk(report) : report);
}

template <typename What>
void tell(Self self, What what) {
  auto& state = self->state;
  send_report(self, WorkerReport{state.options.id, state.attempt, std::move(what)});
}

void start(Self self, const order::StartAttempt& order) {
  auto& state = self->state;
  if (order.attempt < state.attempt) return;
  if (order.attempt == state.attempt) {
    if (state.is_running) tell(self, report::AttemptStarted{});
    return;  // being loaded: the answer comes by itself
  }
  stop_attempt(self);
  state.attempt = order.attempt;
  state.reports = order.routes->reports;
  state.port->begin_attempt(self, order.attempt);
  state.cut = order.restored->cut;
  self->send(state.keeper, order);
}

// Keeps the entry that opens a stream, of the newest attempt that was heard of. Later ones cannot
// be applied before it, and the payloads of a stopped attempt would only hold memory.
void keep_early(State& state, const Entry& entry) {
  if (entry.sequence != Sequence(1)) return;
  auto& kept = state.early_entries;
  const auto found = kept.find({entry.shard, entry.replica});
  if (found != kept.end()) {
    if (entry.attempt > found->second.attempt) found->second = entry;
  } else if (kept.size() < limits::kReplicasMax) {
    kept.emplace(std::pair(entry.shard, entry.replica), entry);
  }
}

// An entry that is not taken comes again: replicas resend until they are answered.
void take_entry(Self self, const Entry& entry) {
  auto& state = self->state;
  if (entry.attempt < state.attempt) return;
  const auto found = state.shards.find(entry.shard);
  if (found != state.shards.end()) {
    self->send(found->second, entry);
  } else {
    keep_early(state, entry);
  }
}

void take_answer(Self self, const Answer& answer) {
  const auto found = self->state.trainers.find(answer.replica);
  if (found != self->state.trainers.end()) self->send(found->second, answer);
}

void take_chunk(Self self, const Chunk& chunk) {
  const auto message = self->state.port->on_chunk(self, chunk);
  if (!message) return;
  if (const auto* entry = std::get_if<Entry>(&*message)) {
    take_entry(self, *entry);
  } else {
    take_answer(self, std::get<Answer>(*message));
  }
}

void send_out(Self self, const OutgoingBulk& out) {
  const auto attempt = std::visit([](const auto& what) { return what.attempt; }, out.message);
  if (attempt != self->state.attempt) return;  // said before this attempt began
  const auto status = self->state.port->send(self, out.to, out.message);
  if (!status.is_ok()) tell(self, report::AttemptFailed{status});
}

void run(Self self, const AttemptLoaded& message) {
  auto& state = self->state;
  const auto& order = *message.start;
  if (order.attempt != state.attempt || state.is_running) return;
  auto& loaded = *message.loaded;
  const worker_actor me = caf::actor_cast<worker_actor>(self->ctrl());
  for (std::size_t i = 0; i < order.shards.size(); ++i) {
    ShardActorOptions options{.worker_id = state.options.id,
                              .attempt = order.attempt,
                              .shard = order.shards[i],
                              .restored = order.restored->cut,
                              .routes = order.routes,
                              .exchange = state.options.exchange,
                              .worker = me,
                              .state = state.keeper,
                              .setup = loaded.setup,
                              .ledger = order.restored->ledger};
    state.shards[order.shards[i]] =
        spawn_shard_actor(self->system(), std::move(options), std::move(loaded.shards[i]));
  }
  for (std::size_t i = 0; i < order.replicas.size(); ++i) {
    const auto& assignment = order.replicas[i];
    TrainerPlan plan;
    plan.setup = loaded.setup;
    plan.replica = assignment.replica;
    plan.attempt = order.attempt;
    plan.cut = order.restored->cut;
    plan.secrets = state.options.secrets;
    plan.state = std::move(loaded.replicas[i]);
    for (const auto& position : assignment.splits) {
      if (position.split.value >= loaded.splits.size()) {
        tell(self, report::AttemptFailed{Status(
                       Code::corrupted,
                       "the job's plan lacks split " + std::to_string(position.split.value))});
        return;
      }
      plan.splits.push_back(loaded.splits[position.split.value]);
    }
    auto trainer = spawn_trainer_actor(self->system(),
                                       {state.options.id, order.routes, state.options.exchange, me,
                                        state.keeper, state.options.warn},
                                       std::move(plan));
    if (!trainer.is_ok()) {
      tell(self, report::AttemptFailed{trainer.status()});
      return;
    }
    state.trainers[assignment.replica] = trainer.value();
  }
  state.is_running = true;
  for (const auto& [stream, entry] : std::exchange(state.early_entries, {})) {
    take_entry(self, entry);
  }
  tell(self, report::AttemptStarted{});
}

void trigger_cut(Self self, const order::TriggerCut& order) {
  auto& state = self->state;
  if (order.attempt != state.attempt || !state.is_running || order.cut < state.cut) return;
  if (order.cut == state.cut) {
    for (const auto& report : state.cut_reports) send_report(self, report);
    return;
  }
  state.cut = order.cut;
  // A barrier of another worker's replica may have closed the cut here before this order came.
  std::erase_if(state.cut_reports, [&](const WorkerReport& said) {
    const auto* shard = std::get_if<report::ShardCut>(&said.what);
    return shard == nullptr || shard->cut != order.cut;
  });
  self->send(state.keeper,
             ExpectCut{order.attempt, order.cut, state.trainers.size() + state.shards.size()});
  for (auto& [shard, actor] : state.shards) self->send(actor, order);
  for (auto& [replica, trainer] : state.trainers) self->send(trainer, order);
}

void abort_cut(Self self, const order::AbortCut& order) {
  auto& state = self->state;
  if (order.attempt != state.attempt || !state.is_running) return;
  for (auto& [shard, actor] : state.shards) self->send(actor, order);
  for (auto& [replica, trainer] : state.trainers) self->send(trainer, order);
  self->send(state.keeper, order);
}

void hand_on(Self self, const LocalReport& local) {
  auto& state = self->state;
  if (local.report.attempt != state.attempt) return;
  const auto& what = local.report.what;
  if (std::holds_alternative<report::ReplicaCut>(what) ||
      std::holds_alternative<report::ShardCut>(what) ||
      std::holds_alternative<report::PartDurable>(what)) {
    state.cut_reports.push_back(local.report);
  }
  send_report(self, local.report);
}

worker_actor::behavior_type behavior(Self self, WorkerOptions options) {
  self->state.options = std::move(options);
  auto& state = self->state;
  state.port.emplace(state.options.id);
  state.keeper = spawn_state_actor(self->system(), state.options.id, state.options.scratch,
                                   caf::actor_cast<worker_actor>(self->ctrl()));
  self->link_to(state.keeper);
  self->set_exit_handler([self](const caf::exit_msg& message) {
    stop_attempt(self);
    self->quit(message.reason);
  });
  return {[self](const order::StartAttempt& order) { start(self, order); },
          [self](const order::StopAttempt& order) {
            if (order.attempt < self->state.attempt) return;
            stop_attempt(self);
            self->state.port->begin_attempt(self, order.attempt.next());
          },
          [self](const order::TriggerCut& order) { trigger_cut(self, order); },
          [self](const order::AbortCut& order) { abort_cut(self, order); },
          [self](const order::SendShards& order) { self->send(self->state.keeper, order); },
          [self](const Entry& entry) { take_entry(self, entry); },
          [self](const Answer& answer) { take_answer(self, answer); },
          [self](const Chunk& chunk) { take_chunk(self, chunk); },
          [self](const ChunkAck& ack) { self->state.port->on_ack(self, ack); },
          [self](const OutgoingBulk& out) { send_out(self, out); },
          [self](const LocalReport& report) { hand_on(self, report); },
          [self](const AttemptLoaded& message) { run(self, message); }};
}

}  // namespace

worker_actor spawn_worker(caf::actor_system& system, WorkerOptions options) {
  return system.spawn(behavior, std::move(options));
}

}  // namespace millrace
