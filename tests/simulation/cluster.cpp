#include "tests/simulation/cluster.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace millrace::sim {

namespace {

// After all faults have ended the job must end within this much simulated time.
constexpr Time kLivenessPhase = 240 * kSecond;
constexpr Time kSettlingPhase = 5 * kSecond;
constexpr std::uint64_t kEventsMax = 3'000'000;

Time upto(World& world, Time most) {
  return static_cast<Time>(world.random().below(static_cast<std::uint64_t>(most) + 1));
}

}  // namespace

Cluster::Cluster(const SimOptions& options, bool keeps_trace)
    : world_(options, keeps_trace),
      truth_(options),
      store_(world_),
      broker_(world_),
      checkers_(world_, truth_, store_),
      serving_(world_, checkers_),
      sizes_{options.replicas, options.shards} {
  for (int i = 0; i < 2; ++i) {
    const ProcessId id = store_.process() + 1 + static_cast<ProcessId>(i);
    coordinator_ids_.push_back(world_.add_process([this, id] {
      note_crash(id);
      dead_coordinators_.push_back(std::move(coordinators_[id]));
      restart_later(id);
    }));
  }
  for (std::uint32_t i = 0; i < options.workers; ++i) {
    const ProcessId id = coordinator_ids_.back() + 1 + i;
    worker_ids_.push_back(world_.add_process([this, id] {
      dead_workers_.push_back(std::move(workers_[id]));
      restart_later(id);
    }));
  }
  broker_.watch(
      [this](const OutputRecords& records, CutId cut) { checkers_.put_out(records, cut); });
  store_.on_takeover = [this] {
    if (!coordinators_[coordinator_ids_[1]]) start_coordinator(coordinator_ids_[1]);
  };
  start_coordinator(coordinator_ids_[0]);
  for (const ProcessId id : worker_ids_) start_worker(id);
  plan_faults();
  plan_client();
  plan_script();
  serving_.plan(worker_ids_);
}

void Cluster::note_crash(ProcessId process) {
  if (process != kFirstCoordinator) return;
  wanted_.reset();
  const bool is_running = coordinators_[process]->machine().state() == JobState::running;
  was_running_at_crash_ = was_running_at_crash_ || is_running;
  if (!world_.options().directed.cuts_off_a_worker) return;
  world_.block(worker_ids_.front(), kFirstCoordinator, world_.now() + 250 * kMillisecond);
}

bool Cluster::is_coordinator(ProcessId process) const {
  return process <= coordinator_ids_.back();
}

void Cluster::start_worker(ProcessId process) {
  world_.revive(process);
  const WorkerId id(next_worker_++);
  addresses_[id] = world_.address(process);
  serving_.server_started(world_.address(process));
  workers_[process] = std::make_unique<Worker>(*this, world_, process, id);
}

void Cluster::start_coordinator(ProcessId process) {
  world_.revive(process);
  const std::string writer = "coordinator-" + std::to_string(++coordinator_lives_);
  coordinators_[process] = std::make_unique<Coordinator>(*this, world_, process, writer);
  serving_.coordinator_started(world_.address(process));
  coordinators_[process]->start();
}

// A supervisor starts dead processes again; a second coordinator only comes by a takeover.
void Cluster::restart_later(ProcessId process) {
  const Time delay = world_.is_healed() ? 100 * kMillisecond : upto(world_, 1500 * kMillisecond);
  world_.outside(delay, [this, process] {
    if (world_.is_up(process) && (coordinators_[process] || workers_[process])) return;
    if (process == coordinator_ids_[1] && (world_.is_healed() || world_.random().below(2) == 0)) {
      return;
    }
    is_coordinator(process) ? start_coordinator(process) : start_worker(process);
  });
}

ProcessId Cluster::any_process() {
  const std::uint64_t count = coordinator_ids_.size() + worker_ids_.size();
  return coordinator_ids_[0] + static_cast<ProcessId>(world_.random().below(count));
}

void Cluster::plan_faults() {
  const Faults& faults = world_.options().faults;
  const Time phase = world_.options().safety_phase;
  for (int i = 0; i < faults.crashes; ++i) {
    world_.outside(upto(world_, phase), [this] {
      const ProcessId process = any_process();
      if (!coordinators_[process] && !workers_[process]) return;
      world_.injected().crashes += 1;
      world_.crash(process);
    });
  }
  for (int i = 0; i < faults.coordinator_crashes; ++i) {
    world_.outside(upto(world_, phase), [this] {
      const ProcessId process = coordinator_ids_[world_.random().below(2)];
      if (!coordinators_[process]) return;
      world_.injected().crashes += 1;
      world_.crash(process);
    });
  }
  for (int i = 0; i < faults.pauses; ++i) {
    world_.outside(upto(world_, phase), [this] {
      world_.injected().pauses += 1;
      world_.pause(any_process(), world_.now() + upto(world_, 3 * kSecond));
    });
  }
  for (int i = 0; i < faults.partitions; ++i) {
    world_.outside(upto(world_, phase), [this] { strike_partition(); });
  }
  for (int i = 0; i < faults.takeovers; ++i) {
    world_.outside(upto(world_, phase), [this] {
      const ProcessId second = coordinator_ids_[1];
      if (coordinators_[second]) return;
      world_.injected().takeovers += 1;
      start_coordinator(second);
    });
  }
  world_.outside(phase, [this] { heal(); });
}

// One process cut off from all others, or one pair; in both directions or one.
void Cluster::strike_partition() {
  world_.injected().partitions += 1;
  const Time until = world_.now() + upto(world_, 2 * kSecond);
  const ProcessId victim = any_process();
  const bool is_alone = world_.random().below(2) == 0;
  const std::uint64_t direction = world_.random().below(3);
  const ProcessId other = any_process();
  for (ProcessId process = coordinator_ids_[0]; process <= worker_ids_.back(); ++process) {
    if (process == victim || (!is_alone && process != other)) continue;
    if (direction != 0) world_.block(victim, process, until);
    if (direction != 1) world_.block(process, victim, until);
  }
}

void Cluster::plan_client() {
  for (int i = 0; i < world_.options().extra_cuts; ++i) {
    world_.outside(upto(world_, world_.options().safety_phase), [this] {
      const ProcessId first = coordinator_ids_[0];
      if (coordinators_[first]) coordinators_[first]->on_event(CutRequested{});
    });
  }
  const Time phase = world_.options().safety_phase;
  plan_savepoints();
  plan_rescales();
  if (world_.options().is_branched) world_.outside(upto(world_, phase), [this] { branch(); });
  if (world_.options().is_cancelled) {
    world_.outside(upto(world_, phase), [this] {
      if (Coordinator* coordinator = leader()) coordinator->on_event(CancelRequested{});
    });
  }
  if (!world_.options().is_stopped_early) return;
  world_.outside(upto(world_, phase), [this] {
    StopRequested stop;
    if (world_.random().below(2) == 0) stop.savepoint = "stop";
    if (Coordinator* coordinator = leader()) coordinator->on_event(stop);
  });
}

Coordinator* Cluster::leader() {
  return coordinators_[coordinator_ids_[0]].get();
}

void Cluster::plan_savepoints() {
  const Time phase = world_.options().safety_phase;
  for (int i = 0; i < world_.options().savepoints; ++i) {
    world_.outside(upto(world_, phase), [this] {
      const std::string name = "s" + std::to_string(next_savepoint_);
      // Now and then the same name again.
      if (world_.random().below(5) != 0) ++next_savepoint_;
      if (Coordinator* coordinator = leader()) {
        world_.remark("savepoint " + name + " is asked for");
        checkers_.requesting(name);
        coordinator->on_event(SavepointRequested{name});
      }
    });
  }
  for (int i = 0; i < world_.options().releases; ++i) {
    world_.outside(upto(world_, phase), [this] {
      const std::string name = "s" + std::to_string(1 + world_.random().below(4));
      if (Coordinator* coordinator = leader()) {
        checkers_.releasing(name);
        coordinator->on_event(ReleaseRequested{name});
      }
    });
  }
}

// The coordinator is started again, to go on from one of the cuts that are kept.
void Cluster::branch() {
  Coordinator* coordinator = leader();
  if (coordinator == nullptr || coordinator->machine().complete_cuts().empty()) return;
  const auto& cuts = coordinator->machine().complete_cuts();
  auto chosen = cuts.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(world_.random().below(cuts.size())));
  branch_from(chosen->first);
}

void Cluster::branch_from(CutId cut) {
  start_from_ = StartFrom{cut, "", "request-1"};
  world_.crash(coordinator_ids_[0]);
}

void Cluster::plan_rescales() {
  for (int i = 0; i < world_.options().rescales; ++i) {
    world_.outside(upto(world_, world_.options().safety_phase), [this] { rescale(); });
  }
}

void Cluster::rescale() {
  const auto draw = [this] { return 1 + static_cast<std::uint32_t>(world_.random().below(4)); };
  if (leader() != nullptr && !wanted_) rescale(Sizes{draw(), draw()});
}

// The job is drained with a savepoint. Until it has ended so, the old sizes are what is wanted.
void Cluster::rescale(Sizes sizes) {
  Coordinator* coordinator = leader();
  if (coordinator == nullptr || wanted_) return;
  wanted_ = sizes;
  const std::string name = std::string(kPassingSavepoints) + std::to_string(next_rescale_++);
  world_.remark(name + " to " + std::to_string(wanted_->replicas) + " replicas and " +
                std::to_string(wanted_->shards) + " shards");
  checkers_.requesting(name);
  checkers_.releasing(name);  // by itself, after the first checkpoint at the new sizes
  coordinator->on_event(StopRequested{name});
}

// Whoever leads the job from now on does so at the new sizes.
void Cluster::begin_rescaled(Sizes sizes) {
  sizes_ = sizes;
  wanted_.reset();
  world_.injected().rescales += 1;
  if (coordinators_[coordinator_ids_[1]]) world_.crash(coordinator_ids_[1]);
  world_.crash(coordinator_ids_[0]);
}

void Cluster::heal() {
  world_.heal();
  if (coordinators_[coordinator_ids_[1]]) world_.crash(coordinator_ids_[1]);
}

void Cluster::register_worker(Address from, WorkerId worker, std::optional<RunningPart> running) {
  for (const ProcessId id : coordinator_ids_) {
    if (!coordinators_[id]) continue;
    world_.send(from, world_.address(id), "register", worker.value,
                [this, from, id, worker, running] {
                  if (coordinators_[id]) coordinators_[id]->on_register(from, worker, running);
                });
  }
}

void Cluster::send_to_master(Address from, Address master, const char* what, JobEvent event) {
  const std::size_t kind = event.index();
  world_.send(from, master, what, kind, [this, master, event = std::move(event)] {
    if (coordinators_[master.process]) coordinators_[master.process]->on_event(event);
  });
}

void Cluster::send_entry(Address from, WorkerId to, const Entry& entry) {
  send_to_worker(from, to, entry.payload != nullptr ? "push" : "entry", entry,
                 [](Worker& worker, const Entry& message) { worker.on_entry(message); });
}

void Cluster::send_answer(Address from, WorkerId to, const Answer& answer) {
  send_to_worker(from, to, "answer", answer,
                 [](Worker& worker, const Answer& message) { worker.on_answer(message); });
}

void Cluster::job_finished(const JobFinished& finished) {
  checkers_.finished(*finished.contents, finished.was_stopped);
  if (wanted_ && finished.was_stopped) {
    begin_rescaled(*wanted_);
    return;
  }
  has_ended_ = true;
}

void Cluster::job_failed(const Status& status) {
  // With every kept checkpoint rotten there is nothing right to do but to say so.
  const bool is_rotten = status.code() == Code::corrupted && world_.injected().rotten > 0;
  const bool is_gone =
      status.code() == Code::not_found && start_from_ && !checkers_.is_kept(*start_from_->cut);
  if (!is_rotten && !is_gone) checkers_.report("the job failed: " + status.message());
  has_ended_ = true;
}

void Cluster::job_cancelled() {
  world_.injected().cancelled += 1;
  has_ended_ = true;
}

void Cluster::run() {
  const Time end = world_.options().safety_phase + kLivenessPhase;
  while (!has_ended_ && !world_.violated()) {
    if (!world_.step()) break;
    dead_workers_.clear();
    dead_coordinators_.clear();
    if (world_.now() > end) checkers_.report("not finished long after all faults ended");
    if (world_.events() > kEventsMax) checkers_.report("a storm: too many events");
  }
  if (!world_.violated()) checkers_.at_end();
  if (serving_.is_on() && world_.is_healed()) settle();
}

// The job has ended; what it published comes to all servers.
void Cluster::settle() {
  const Time until = world_.now() + kSettlingPhase;
  while (world_.now() < until && !world_.violated() && world_.step()) {
    dead_workers_.clear();
    dead_coordinators_.clear();
  }
  if (!world_.violated()) serving_.check_settled();
}

}  // namespace millrace::sim
