#include "coordinator/core/cluster_state.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/limits.hpp"

namespace millrace {

std::vector<ClusterEffect> ClusterState::on_event(const ClusterEvent& event) {
  Effects effects;
  std::visit([&](const auto& e) { on(e, effects); }, event);
  place_jobs(effects);
  report_drained(effects);
  return effects;
}

// ---- Hosts

void ClusterState::on(const HostJoined& event, Effects& effects) {
  Host& host = hosts_[event.host.id];
  host.offer = event.host;
  host.is_lost = false;
  for (const auto& [name, job] : jobs_) {
    // What was granted before the connection was lost is still granted: said again, since the
    // messages that were under way are gone.
    const auto grant = job.grants.find(event.host.id);
    if (grant != job.grants.end())
      effects.emplace_back(GrantRoom{name, grant->first, grant->second});
  }
  take_hosted(event, effects);
}

void ClusterState::take_hosted(const HostJoined& event, Effects& effects) {
  for (const auto& [name, room] : event.hosted) {
    const auto job = jobs_.find(name);
    if (job != jobs_.end() && job->second.grants.contains(event.host.id)) continue;
    if (job != jobs_.end() && adopt_part(job->second, event, room)) {
      effects.emplace_back(GrantRoom{name, event.host.id, room});
    } else {
      effects.emplace_back(ClosePart{name, event.host.id});
    }
  }
}

// Only while the job is looked for after a restart of the coordinator: else it has been placed.
bool ClusterState::adopt_part(Job& job, const HostJoined& event, const WorkerRoom& room) {
  if (!job.adopts_until || hosts_.at(event.host.id).is_draining) return false;
  if (room.replicas == 0 && room.shards == 0) return false;
  const WorkerRoom held = sum(job.grants);
  if (held.replicas + room.replicas > job.demand.replicas) return false;
  if (held.shards + room.shards > job.demand.shards) return false;
  if (room.replicas > room_of(hosts_.at(event.host.id)).free_slots) return false;
  job.grants[event.host.id] = room;
  return true;
}

void ClusterState::on(const HostLost& event, Effects& effects) {
  const auto host = hosts_.find(event.worker);
  if (host == hosts_.end() || host->second.is_lost) return;
  host->second.is_lost = true;
  host->second.lost_order = ++next_order_;
  for (auto& [name, job] : jobs_) {
    job.refused_until.erase(event.worker);
    if (job.grants.contains(event.worker)) revoke(name, job, event.worker, true, effects);
  }
  forget_old_hosts();
}

void ClusterState::forget_old_hosts() {
  std::vector<std::pair<std::uint64_t, WorkerId>> lost;
  for (const auto& [id, host] : hosts_) {
    if (host.is_lost) lost.emplace_back(host.lost_order, id);
  }
  std::ranges::sort(lost);
  const std::size_t kept = std::min(lost.size(), limits::kLostWorkersKept);
  for (std::size_t i = 0; i + kept < lost.size(); ++i) hosts_.erase(lost[i].second);
}

void ClusterState::on(const HostRefused& event, Effects& effects) {
  const auto job = jobs_.find(event.job);
  if (job == jobs_.end() || !job->second.grants.contains(event.worker)) return;
  job->second.refused_until[event.worker] = now_ + options_.refusal_pause;
  revoke(event.job, job->second, event.worker, false, effects);
}

// ---- Jobs

void ClusterState::on(const JobWanted& event, Effects& effects) {
  const auto [job, is_new] = jobs_.try_emplace(event.job);
  if (!is_new) return on(JobResized{event.job, event.demand}, effects);
  job->second.demand = event.demand;
  job->second.order = ++next_order_;
  if (event.is_recovered) job->second.adopts_until = now_ + options_.adoption_patience;
}

// It keeps its place among those that wait.
void ClusterState::on(const JobResized& event, Effects& effects) {
  const auto found = jobs_.find(event.job);
  if (found == jobs_.end() || found->second.demand == event.demand) return;
  Job& job = found->second;
  revoke_all(event.job, job, effects);
  job.demand = event.demand;
  job.adopts_until.reset();
  job.moves_at.reset();
  GrantChoice choice = choose_grants(rooms_for(job), job.demand, {});
  if (choice.fits()) grant(event.job, job, std::move(choice.grants), {}, effects);
}

void ClusterState::on(const JobUnwanted& event, Effects& effects) {
  const auto job = jobs_.find(event.job);
  if (job == jobs_.end()) return;
  revoke_all(event.job, job->second, effects);
  jobs_.erase(job);
}

void ClusterState::revoke_all(const std::string& name, Job& job, Effects& effects) {
  while (!job.grants.empty()) revoke(name, job, job.grants.begin()->first, false, effects);
}

void ClusterState::revoke(const std::string& name, Job& job, WorkerId worker, bool is_lost,
                          Effects& effects) {
  job.grants.erase(worker);
  effects.emplace_back(RevokeRoom{name, worker, is_lost});
}

// What jobs hold that lack the rest is free for those before them: an earlier job never waits for a
// part that a later one cannot use either.
void ClusterState::place_jobs(Effects& effects) {
  std::vector<std::pair<std::uint64_t, std::string>> in_order;
  std::map<std::string, Grants> held;
  for (auto& [name, job] : jobs_) {
    in_order.emplace_back(job.order, name);
    if (!is_whole(job) && !is_adopting(job)) held[name] = std::exchange(job.grants, {});
  }
  std::ranges::sort(in_order);
  Effects granted;
  for (const auto& [order, name] : in_order) {
    Job& job = jobs_.at(name);
    place(name, job, held[name], granted);
    for (const auto& [worker, room] : held[name]) {
      if (!job.grants.contains(worker)) effects.emplace_back(RevokeRoom{name, worker, false});
    }
  }
  std::ranges::move(granted, std::back_inserter(effects));
}

bool ClusterState::is_whole(const Job& job) {
  const WorkerRoom room = sum(job.grants);
  return room.replicas >= job.demand.replicas && room.shards >= job.demand.shards;
}

bool ClusterState::is_adopting(const Job& job) const {
  return job.adopts_until && now_ < *job.adopts_until;
}

void ClusterState::place(const std::string& name, Job& job, const Grants& held, Effects& effects) {
  if (is_whole(job)) {
    job.adopts_until.reset();
    job.waits_for.clear();
    return;
  }
  std::string reason;
  if (is_adopting(job)) {
    reason = "looks for the workers that ran it before the coordinator was started again";
  } else {
    job.adopts_until.reset();
    GrantChoice choice = choose_beside(job, held);
    if (choice.fits()) return grant(name, job, std::move(choice.grants), held, effects);
    reason = std::move(choice.reason);
  }
  if (job.waits_for == reason) return;
  job.waits_for = reason;
  effects.emplace_back(JobWaits{name, reason});
}

// What it held stays where it is, if it is still free and the rest fits beside it.
GrantChoice ClusterState::choose_beside(Job& job, const Grants& held) const {
  if (!held.empty() && is_free(job, held)) {
    job.grants = held;
    GrantChoice choice = choose_grants(rooms_for(job), job.demand, held);
    job.grants.clear();
    if (choice.fits()) return choice;
  }
  return choose_grants(rooms_for(job), job.demand, {});
}

bool ClusterState::is_free(const Job& job, const Grants& held) const {
  return std::ranges::all_of(held, [&](const auto& grant) {
    const auto host = hosts_.find(grant.first);
    if (host == hosts_.end()) return false;
    const HostRoom room = room_of(host->second);
    const auto& [replicas, shards] = std::pair(grant.second.replicas, grant.second.shards);
    const std::uint64_t bytes =
        replicas * job.demand.replica_bytes + shards * job.demand.shard_bytes;
    return replicas <= room.free_slots && bytes <= room.free_bytes;
  });
}

void ClusterState::grant(const std::string& name, Job& job, Grants grants, const Grants& held,
                         Effects& effects) {
  for (const auto& [worker, room] : grants) {
    const auto before = held.find(worker);
    if (before != held.end() && before->second == room) continue;
    effects.emplace_back(GrantRoom{name, worker, room});
  }
  job.grants = std::move(grants);
  job.waits_for.clear();
}

// ---- Draining

void ClusterState::on(const DrainRequested& event, Effects& effects) {
  const auto host = hosts_.find(event.worker);
  if (host == hosts_.end()) return;
  host->second.is_draining = true;
  drains_[event.worker] = true;
  for (auto& [name, job] : jobs_) {
    if (!job.grants.contains(event.worker) || job.moves_at) continue;
    job.moves_at = now_ + options_.drain_patience;
    effects.emplace_back(TakeCheckpoint{name});
  }
}

void ClusterState::on(const JobSaved& event, Effects& effects) {
  const auto job = jobs_.find(event.job);
  if (job != jobs_.end() && job->second.moves_at) leave_draining(event.job, job->second, effects);
}

void ClusterState::leave_draining(const std::string& name, Job& job, Effects& effects) {
  job.moves_at.reset();
  for (const auto& [id, host] : hosts_) {
    if (host.is_draining && job.grants.contains(id)) revoke(name, job, id, false, effects);
  }
}

void ClusterState::report_drained(Effects& effects) {
  std::erase_if(drains_, [&](const auto& drain) {
    if (!jobs_on(drain.first).empty()) return false;
    effects.emplace_back(HostDrained{drain.first});
    return true;
  });
}

void ClusterState::on(const ClusterTick& event, Effects& effects) {
  now_ = std::max(now_, event.now);
  for (auto& [name, job] : jobs_) {
    std::erase_if(job.refused_until, [&](const auto& refusal) { return refusal.second <= now_; });
    if (job.moves_at && *job.moves_at <= now_) leave_draining(name, job, effects);
  }
}

// ---- What is free

HostRoom ClusterState::room_of(const Host& host) const {
  const HostOffer& offer = host.offer;
  HostRoom room{offer.id, offer.name, offer.trains, offer.keeps_parameters, 0, ~std::uint64_t{0}};
  const std::uint32_t used = slots_used(offer.id);
  room.free_slots = offer.slots - std::min(offer.slots, used);
  if (offer.memory_bytes == 0) return room;
  std::uint64_t bytes = 0;
  for (const auto& [name, job] : jobs_) {
    const auto grant = job.grants.find(offer.id);
    if (grant == job.grants.end()) continue;
    bytes += grant->second.replicas * job.demand.replica_bytes +
             grant->second.shards * job.demand.shard_bytes;
  }
  room.free_bytes = offer.memory_bytes - std::min(offer.memory_bytes, bytes);
  return room;
}

std::vector<HostRoom> ClusterState::rooms_for(const Job& job) const {
  std::vector<HostRoom> rooms;
  for (const auto& [id, host] : hosts_) {
    if (host.is_lost || host.is_draining || job.refused_until.contains(id)) continue;
    rooms.push_back(room_of(host));
  }
  return rooms;
}

std::string ClusterState::reason_to_wait(const std::string& job, const JobDemand& demand) const {
  ClusterState without = *this;
  without.jobs_.erase(job);
  return choose_grants(without.rooms_for(Job{}), demand, {}).reason;
}

std::uint32_t ClusterState::slots_used(WorkerId worker) const {
  std::uint32_t used = 0;
  for (const auto& [name, job] : jobs_) {
    const auto grant = job.grants.find(worker);
    if (grant != job.grants.end()) used += grant->second.replicas;
  }
  return used;
}

std::vector<std::string> ClusterState::jobs_on(WorkerId worker) const {
  std::vector<std::string> names;
  for (const auto& [name, job] : jobs_) {
    if (job.grants.contains(worker)) names.push_back(name);
  }
  return names;
}

std::vector<WorkerId> ClusterState::trainers() const {
  std::vector<std::pair<std::string, WorkerId>> sorted;
  for (const auto& [id, host] : hosts_) {
    if (host.offer.trains && !host.is_lost && !host.is_draining)
      sorted.emplace_back(host.offer.name, id);
  }
  std::ranges::sort(sorted);
  std::vector<WorkerId> workers;
  for (const auto& [name, id] : sorted) workers.push_back(id);
  return workers;
}

}  // namespace millrace
