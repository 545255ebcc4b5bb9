// The parts of JobMachine that concern an attempt that runs on while its coordinator changes.
#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/core/job_machine.hpp"

#include "common/base/mark.hpp"

namespace millrace {

namespace {

std::string name_of(WorkerId worker) {
  return "worker " + std::to_string(worker.value);
}

Status conflict(WorkerId worker, const std::string& what) {
  return Status(Code::conflict, name_of(worker) + " " + what);
}

}  // namespace

// What a worker runs of an attempt that is over ends; what it runs beside the placement of the one
// that is up ends that attempt.
void JobMachine::take_part(WorkerId worker, Effects& effects) {
  const auto part = parts_.find(worker);
  if (part == parts_.end() || !log_.leads()) return;
  if (part->second.attempt < attempt()) {
    MILLRACE_MARK(part_of_an_old_attempt);
    effects.emplace_back(StopAttempt{worker, term(), part->second.attempt});
    return;
  }
  const bool is_up = state_ == JobState::starting || state_ == JobState::running;
  if (!is_up || !is_part_misplaced(worker, part->second)) return;
  MILLRACE_MARK(part_misplaced);
  lose_attempt(conflict(worker, "runs what is placed elsewhere, of attempt " +
                                    std::to_string(part->second.attempt.value)),
               effects);
}

bool JobMachine::is_part_misplaced(WorkerId worker, const RunningPart& part) const {
  if (part.attempt > attempt()) return true;
  const auto is_mine = [&](const std::vector<WorkerId>& hosts, std::uint32_t index) {
    return index < hosts.size() && hosts[index] == worker;
  };
  for (const ReplicaId replica : part.replicas) {
    if (!is_mine(placement_->replicas, replica.value)) return true;
  }
  for (const ShardId shard : part.shards) {
    if (!is_mine(placement_->shards, shard.value)) return true;
  }
  return false;
}

// Some of its workers could look like all of a smaller attempt. The parallelism changes only behind
// a cut of the attempt that is drained for it: one that has none yet was started as it is wanted
// now.
bool JobMachine::may_run_at_another_size() const {
  const auto& complete = log_.state().complete();
  const bool has_own_cut = std::ranges::any_of(
      complete, [this](const auto& taken) { return taken.second == attempt(); });
  if (has_own_cut && restored_->attempt != attempt()) return true;  // which cannot be read
  if (restored_->parts.empty()) return false;
  return restored_->replicas.size() != options_.parallelism ||
         restored_->shards.size() != options_.shards;
}

void JobMachine::maybe_adopt(Effects& effects) {
  if (state_ != JobState::adopting) return;
  if (may_run_at_another_size()) {
    MILLRACE_MARK(adoption_of_another_size);
    give_up_adoption("it may run with other numbers of replicas and shards", effects);
    return;
  }
  auto found = find_running_attempt();
  if (!found.is_ok()) {
    give_up_adoption(found.status().message(), effects);
  } else if (found.value()) {
    adopt(*std::move(found).value(), effects);
  } else if (now_ - adopting_since_ >= options_.adoption_patience) {
    MILLRACE_MARK(adoption_patience_over);
    give_up_adoption("not all of it reported within " +
                         std::to_string(options_.adoption_patience.count()) + " ms",
                     effects);
  }
}

// The audit of its next cut compares with the newest complete one. That is what the attempt started
// from, or a cut that it took itself since; else its records may lie behind other ones.
Status JobMachine::find_conflict(WorkerId worker, const RunningPart& part) const {
  if (part.attempt > attempt()) {
    return conflict(worker, "runs attempt " + std::to_string(part.attempt.value) +
                                ", which the log does not know");
  }
  const bool follows = restored_->attempt == attempt() || restored_->cut == part.restored;
  if (!follows) {
    return conflict(worker, "started from checkpoint " + std::to_string(part.restored.value) +
                                ", and checkpoint " + std::to_string(restored_->cut.value) +
                                " is none of its own");
  }
  if (part.newest_cut >= log_.state().next_cut()) {
    MILLRACE_MARK(adoption_unknown_cut);
    return conflict(worker, "has heard of checkpoint " + std::to_string(part.newest_cut.value) +
                                ", which the log does not know");
  }
  return {};
}

// Nothing while parts are missing.
Result<std::optional<Placement>> JobMachine::find_running_attempt() const {
  Placement placement;
  placement.replicas.resize(options_.parallelism);
  placement.shards.resize(options_.shards);
  std::set<ReplicaId> replicas;
  std::set<ShardId> shards;
  for (const auto& [worker, part] : parts_) {
    if (part.attempt < attempt()) continue;
    MILLRACE_TRY(find_conflict(worker, part));
    for (const ReplicaId replica : part.replicas) {
      const bool is_known = replica.value < options_.parallelism;
      if (!is_known || !replicas.insert(replica).second) {
        return conflict(worker, "runs replica " + std::to_string(replica.value) +
                                    ", as another does, or which the job does not have");
      }
      placement.replicas[replica.value] = worker;
    }
    for (const ShardId shard : part.shards) {
      if (shard.value >= options_.shards || !shards.insert(shard).second) {
        return conflict(worker, "holds shard " + std::to_string(shard.value) +
                                    ", as another does, or which the job does not have");
      }
      placement.shards[shard.value] = worker;
    }
  }
  const bool is_whole = replicas.size() == options_.parallelism && shards.size() == options_.shards;
  const bool is_enough = options_.mutations.adopt_with_parts_missing && !replicas.empty();
  if (!is_whole && !is_enough) return std::optional<Placement>();
  if (!is_whole) {
    const WorkerId any = placement.replicas[replicas.begin()->value];
    for (auto* hosts : {&placement.replicas, &placement.shards}) {
      std::ranges::replace(*hosts, WorkerId(), any);
    }
  }
  return std::optional(std::move(placement));
}

void JobMachine::adopt(Placement placement, Effects& effects) {
  MILLRACE_MARK(adopted);
  note("attempt " + std::to_string(attempt().value) + " runs on and is adopted", effects);
  placement_ = std::make_shared<const Placement>(std::move(placement));
  assignment_.clear();
  finished_.clear();  // said again by those that have
  released_.clear();
  is_adopted_ = true;
  state_ = JobState::starting;
  starting_since_ = now_;
  last_resend_ = now_;
  const auto hosts = placement_->workers();
  starting_ = {hosts.begin(), hosts.end()};
  for (const WorkerId worker : hosts) send_start(worker, effects);
}

void JobMachine::give_up_adoption(const std::string& why, Effects& effects) {
  MILLRACE_MARK(adoption_given_up);
  note("attempt " + std::to_string(attempt().value) + " is not adopted: " + why, effects);
  may_adopt_ = false;
  if (options_.mutations.restore_unadopted_attempt) {
    state_ = JobState::waiting;
    maybe_start_attempt(effects);
    return;
  }
  restored_.reset();
  stop_workers(effects);
  state_ = JobState::preparing;
  raise_attempt(effects);
}

}  // namespace millrace
