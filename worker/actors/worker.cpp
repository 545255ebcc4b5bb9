#include "worker/actors/worker.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/limits.hpp"
#include "worker/actors/attempt_parts.hpp"
#include "worker/actors/bulk_port.hpp"
#include "worker/actors/peer_watch.hpp"
#include "worker/actors/state_actor.hpp"
#include "worker/core/early_entries.hpp"

namespace millrace {
namespace {

struct State {
  WorkerOptions options;
  state_actor keeper;
  report_sink reports;
  Term term;        // highest heard; orders of lower ones change nothing
  Attempt attempt;  // newest asked for; older orders and reports change nothing
  bool is_running = false;
  CutId restored;  // what the attempt was started from
  // Said to a coordinator that may be gone, so to be said again to the next one.
  std::optional<Status> failure;
  std::set<ReplicaId> finished;
  AttemptParts parts;
  EarlyEntries early_entries;
  // What was said about the cut in flight, to be said again when the order comes again.
  CutId cut;
  std::vector<WorkerReport> cut_reports;
  std::optional<BulkPort> port;             // to workers in other processes
  std::set<caf::actor_addr> peers;          // workers in other processes that the attempt needs
  std::map<ReplicaId, std::uint64_t> read;  // records, as last reported
  static inline const char* name = "worker";
};
using Self = worker_actor::stateful_pointer<State>;

void stop_attempt(Self self) {
  auto& state = self->state;
  for (auto& [replica, trainer] : state.parts.trainers) {
    self->send_exit(trainer, caf::exit_reason::user_shutdown);
  }
  for (auto& [shard, actor] : state.parts.shards) {
    self->send_exit(actor, caf::exit_reason::user_shutdown);
  }
  auto& finder = state.parts.finder;
  if (finder) self->send_exit(finder, caf::exit_reason::user_shutdown);
  state.parts = {};
  state.is_running = false;
  state.early_entries.clear();
  state.cut_reports.clear();
  state.failure.reset();
  state.finished.clear();
}

void send_report(Self self, const WorkerReport& report) {
  auto& state = self->state;
  if (report.attempt == state.attempt) {
    const auto* finished = std::get_if<report::ReplicaFinished>(&report.what);
    const auto* failed = std::get_if<report::AttemptFailed>(&report.what);
    if (finished != nullptr) state.finished.insert(finished->replica);
    if (failed != nullptr && !state.failure) state.failure = failed->status;
  }
  const auto& sink = state.reports;
  const bool is_elsewhere = sink.node() != self->node();
  self->send(sink, is_elsewhere ? without_bulk(report) : report);
}

template <typename What>
void tell(Self self, What what) {
  auto& state = self->state;
  send_report(self, WorkerReport{state.options.id, state.attempt, std::move(what)});
}

// Whether the order comes from a coordinator that may lead, as far as is known here. Embedded runs
// have one coordinator, whose term rises with every run.
bool admit_term(Self self, Term term) {
  auto& state = self->state;
  if (term >= state.term) {
    state.term = term;
    return true;
  }
  if (state.options.health != nullptr) ++state.options.health->stale_terms_rejected;
  return false;
}

// Whether the order is about the newest attempt that was heard of, or a newer one.
bool admit_attempt(Self self, Attempt attempt) {
  auto& state = self->state;
  if (attempt >= state.attempt) return true;
  if (state.options.health != nullptr) ++state.options.health->stale_attempts_rejected;
  return false;
}

// Says which term and attempt are obeyed here.
void refuse(Self self, const report_sink& to) {
  const auto& state = self->state;
  self->send(to, WorkerReport{state.options.id, state.attempt, report::OrderRefused{state.term}});
}

// What it runs of the newest attempt, told to its host: another coordinator may have to know.
void tell_part(Self self) {
  auto& state = self->state;
  if (!state.options.on_part) return;
  std::optional<RunningPart> part;
  if (state.is_running) {
    part.emplace();
    part->attempt = state.attempt;
    for (const auto& [replica, trainer] : state.parts.trainers) part->replicas.push_back(replica);
    for (const auto& [shard, actor] : state.parts.shards) part->shards.push_back(shard);
    part->newest_cut = state.cut;
    part->restored = state.restored;
  }
  state.options.on_part(state.term, std::move(part));
}

void lose_peer(Self self, const caf::down_msg& down) {
  if (self->state.peers.erase(down.source) == 0) return;
  tell(self, report::AttemptFailed{Status(
                 Code::unreachable,
                 "worker " + std::to_string(self->state.options.id.value) +
                     " has lost its connection to a worker with another part of the job",
                 "see whether that process runs, and whether workers can reach each other")});
}

void note_progress(State& state, const report::ReplicaProgress& progress) {
  const auto now = progress.totals.read;
  const auto [known, is_first] = state.read.try_emplace(progress.replica, now);
  const auto before = std::exchange(known->second, now);
  if (state.options.health == nullptr || (now == before && !is_first)) return;
  state.options.health->note_progress();
  // What a replica says first was partly read before, by a replica of an older attempt.
  if (now > before) state.options.health->records_read += now - before;
}

void start(Self self, const order::StartAttempt& order) {
  auto& state = self->state;
  if (!admit_attempt(self, order.attempt)) return refuse(self, order.routes->reports);
  if (order.attempt == state.attempt) {
    if (state.is_running) tell(self, report::AttemptStarted{});
    return;  // being loaded: the answer comes by itself
  }
  stop_attempt(self);
  state.attempt = order.attempt;
  state.reports = order.routes->reports;
  state.port->begin_attempt(self, order.attempt);
  state.cut = order.restored->cut;
  state.restored = state.cut;
  watch_peers(self, *order.routes, state.peers);
  self->send(state.keeper, order);
}

// An entry that is not taken comes again: replicas resend until they are answered.
void take_entry(Self self, const Entry& entry) {
  auto& state = self->state;
  if (!admit_attempt(self, entry.attempt)) return;
  const auto found = state.parts.shards.find(entry.shard);
  if (found != state.parts.shards.end()) {
    self->send(found->second, entry);
  } else {
    state.early_entries.keep(entry);
  }
}

void take_answer(Self self, const Answer& answer) {
  const auto found = self->state.parts.trainers.find(answer.replica);
  if (found != self->state.parts.trainers.end()) self->send(found->second, answer);
}

void take_chunk(Self self, const Chunk& chunk) {
  auto& port = *self->state.port;
  const auto refused_before = port.chunks_refused();
  const auto message = port.on_chunk(self, chunk);
  if (const auto& health = self->state.options.health; health != nullptr) {
    health->bulk_chunks_refused += port.chunks_refused() - refused_before;
  }
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
  const worker_actor me = caf::actor_cast<worker_actor>(self->ctrl());
  const auto status = spawn_parts({self->system(), state.options, me, state.keeper}, order,
                                  *message.loaded, state.parts);
  if (!status.is_ok()) return tell(self, report::AttemptFailed{status});
  state.is_running = true;
  tell_part(self);
  for (const auto& entry : state.early_entries.take()) take_entry(self, entry);
  tell(self, report::AttemptStarted{});
}

void trigger_cut(Self self, const order::TriggerCut& order) {
  auto& state = self->state;
  if (!admit_attempt(self, order.attempt)) return;
  if (order.attempt != state.attempt || !state.is_running || order.cut < state.cut) return;
  if (order.cut == state.cut) {
    for (const auto& report : state.cut_reports) send_report(self, report);
    return;
  }
  state.cut = order.cut;
  tell_part(self);
  // A barrier of another worker's replica may have closed the cut here before this order came.
  std::erase_if(state.cut_reports, [&](const WorkerReport& said) {
    const auto* shard = std::get_if<report::ShardCut>(&said.what);
    return shard == nullptr || shard->cut != order.cut;
  });
  self->send(state.keeper, ExpectCut{order.attempt, order.cut,
                                     state.parts.trainers.size() + state.parts.shards.size()});
  for (auto& [shard, actor] : state.parts.shards) self->send(actor, order);
  for (auto& [replica, trainer] : state.parts.trainers) self->send(trainer, order);
}

void abort_cut(Self self, const order::AbortCut& order) {
  auto& state = self->state;
  if (!admit_attempt(self, order.attempt)) return;
  if (order.attempt != state.attempt || !state.is_running) return;
  for (auto& [shard, actor] : state.parts.shards) self->send(actor, order);
  for (auto& [replica, trainer] : state.parts.trainers) self->send(trainer, order);
  self->send(state.keeper, order);
}

void release_outputs(Self self, const order::ReleaseOutputs& order) {
  const bool is_admitted = admit_term(self, order.term) && admit_attempt(self, order.attempt);
  if (!is_admitted || order.attempt != self->state.attempt) return;
  for (auto& [replica, trainer] : self->state.parts.trainers) self->send(trainer, order);
}

// Trainers tell who sent what the cut holds.
void take_complete(Self self, const order::SendShards& order) {
  auto& state = self->state;
  self->send(state.keeper, order);
  if (order.attempt != state.attempt) return;
  for (auto& [replica, trainer] : state.parts.trainers) self->send(trainer, order);
}

// A new coordinator leads what runs here. What it may have to know is said before AttemptStarted:
// after that it may begin a cut, or end the job.
void adopt(Self self, const AdoptAttempt& order) {
  auto& state = self->state;
  if (order.attempt < state.attempt) return refuse(self, order.reports);
  if (order.attempt > state.attempt || !state.is_running) {
    const std::string id = std::to_string(state.options.id.value);
    const std::string attempt = std::to_string(order.attempt.value);
    self->send(order.reports,
               WorkerReport{state.options.id, order.attempt,
                            report::AttemptFailed{Status(Code::unreachable,
                                                         "worker " + id + " does not run attempt " +
                                                             attempt + " any more")}});
    return;
  }
  if (state.reports != order.reports) {
    state.reports = order.reports;
    state.cut_reports.clear();
    take_complete(self, order::SendShards{order.attempt, order.complete, order.term});
    abort_cut(self, order::AbortCut{order.attempt, order.closed, order.term});
    state.cut = std::max(state.cut, order.closed);
    for (const auto replica : state.finished) tell(self, report::ReplicaFinished{replica});
  }
  if (state.failure) {
    tell(self, report::AttemptFailed{*state.failure});
  } else {
    tell(self, report::AttemptStarted{});
  }
  tell_part(self);
}

void hand_on(Self self, const LocalReport& local) {
  auto& state = self->state;
  if (local.report.attempt != state.attempt) return;
  const auto& what = local.report.what;
  if (const auto* progress = std::get_if<report::ReplicaProgress>(&what)) {
    note_progress(state, *progress);
  }
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
  state.keeper = spawn_state_actor(
      self->system(),
      {state.options.id, state.options.scratch, caf::actor_cast<worker_actor>(self->ctrl()),
       state.options.roots,
       StoreOptions{.secrets = state.options.secrets, .volume = state.options.volume},
       state.options.link_peers});
  self->link_to(state.keeper);
  self->set_down_handler([self](const caf::down_msg& down) { lose_peer(self, down); });
  self->set_exit_handler([self](const caf::exit_msg& message) {
    stop_attempt(self);
    self->quit(message.reason);
  });
  return {[self](const order::StartAttempt& order) {
            if (!admit_term(self, order.term)) return refuse(self, order.routes->reports);
            start(self, order);
          },
          [self](const order::StopAttempt& order) {
            if (!admit_term(self, order.term) || !admit_attempt(self, order.attempt)) return;
            stop_attempt(self);
            self->state.port->begin_attempt(self, order.attempt.next());
            tell_part(self);
          },
          [self](const order::TriggerCut& order) {
            if (admit_term(self, order.term)) trigger_cut(self, order);
          },
          [self](const order::AbortCut& order) {
            if (admit_term(self, order.term)) abort_cut(self, order);
          },
          [self](const order::SendShards& order) {
            if (admit_term(self, order.term)) take_complete(self, order);
          },
          [self](const order::ReleaseOutputs& order) { release_outputs(self, order); },
          [self](const AdoptAttempt& order) {
            if (!admit_term(self, order.term)) return refuse(self, order.reports);
            adopt(self, order);
          },
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
