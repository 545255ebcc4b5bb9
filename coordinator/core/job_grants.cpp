#include "coordinator/core/job_grants.hpp"

#include <algorithm>
#include <tuple>

namespace millrace {
namespace {

std::string count(std::uint64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

class Chooser {
 public:
  Chooser(std::vector<HostRoom> hosts, const JobDemand& demand, const Grants& held)
      : hosts_(std::move(hosts)), demand_(demand) {
    choice_.grants = held;
    std::ranges::sort(hosts_, [](const HostRoom& a, const HostRoom& b) {
      return std::tie(a.name, a.id) < std::tie(b.name, b.id);
    });
  }

  GrantChoice choose() {
    const WorkerRoom held = sum(choice_.grants);
    const std::uint32_t replicas = demand_.replicas - std::min(demand_.replicas, held.replicas);
    for (std::uint32_t i = 0; i < replicas; ++i) {
      HostRoom* host = best_for_replica();
      if (host == nullptr) return refuse(why_no_replica(replicas));
      --host->free_slots;
      take(*host, demand_.replica_bytes);
      ++granted(*host).replicas;
    }
    const std::uint32_t shards = demand_.shards - std::min(demand_.shards, held.shards);
    for (std::uint32_t i = 0; i < shards; ++i) {
      HostRoom* host = best_for_shard();
      if (host == nullptr) return refuse(why_no_shard(shards));
      take(*host, demand_.shard_bytes);
      ++granted(*host).shards;
    }
    return std::move(choice_);
  }

 private:
  // A room that nobody said is unlimited; what was granted begins with nothing.
  WorkerRoom& granted(const HostRoom& host) {
    return choice_.grants.try_emplace(host.id, WorkerRoom{0, 0}).first->second;
  }
  static void take(HostRoom& host, std::uint64_t bytes) {
    if (host.free_bytes != ~std::uint64_t{0}) host.free_bytes -= bytes;
  }
  // Hosts are sorted by name: the first of equals is chosen.
  HostRoom* best_for_replica() {
    HostRoom* best = nullptr;
    for (auto& host : hosts_) {
      const bool can =
          host.trains && host.free_slots > 0 && host.free_bytes >= demand_.replica_bytes;
      if (can && (best == nullptr || host.free_slots > best->free_slots)) best = &host;
    }
    return best;
  }
  HostRoom* best_for_shard() {
    HostRoom* best = nullptr;
    std::tuple<bool, bool, std::uint32_t> least;
    for (auto& host : hosts_) {
      if (!host.keeps_parameters || host.free_bytes < demand_.shard_bytes) continue;
      const auto granted = choice_.grants.find(host.id);
      const WorkerRoom room = granted == choice_.grants.end() ? WorkerRoom{0, 0} : granted->second;
      const std::tuple cost{host.trains, room.replicas == 0, room.shards};
      if (best != nullptr && cost >= least) continue;
      best = &host;
      least = cost;
    }
    return best;
  }

  GrantChoice refuse(std::string reason) {
    choice_.reason = std::move(reason);
    return std::move(choice_);
  }
  // Counted before anything was taken for this job, so that the figures are those of `workers`.
  std::string why_no_replica(std::uint32_t needed) const {
    if (std::ranges::none_of(hosts_, &HostRoom::trains))
      return "needs " + count(needed, "slot") + ", but no worker that trains has joined";
    std::uint64_t taken = 0;
    for (const auto& [worker, room] : choice_.grants) taken += room.replicas;
    taken -= demand_.replicas - needed;
    std::uint64_t free = taken;
    for (const auto& host : hosts_) {
      if (host.trains) free += host.free_slots;
    }
    std::string text = "needs " + count(needed, "slot") + ", " + std::to_string(free) + " free";
    if (free >= needed)
      text += ", but too little memory beside them: a replica takes about " +
              mebibytes(demand_.replica_bytes);
    return text;
  }
  std::string why_no_shard(std::uint32_t needed) const {
    if (std::ranges::none_of(hosts_, &HostRoom::keeps_parameters))
      return "needs a worker with the role parameters, but none has joined";
    return "needs memory for " + count(needed, "parameter shard") + " of about " +
           mebibytes(demand_.shard_bytes) + " each";
  }

  std::vector<HostRoom> hosts_;
  JobDemand demand_;
  GrantChoice choice_;
};

}  // namespace

GrantChoice choose_grants(std::vector<HostRoom> hosts, const JobDemand& demand,
                          const Grants& held) {
  return Chooser(std::move(hosts), demand, held).choose();
}

WorkerRoom sum(const Grants& grants) {
  WorkerRoom all{0, 0};
  for (const auto& [worker, room] : grants) {
    all.replicas += room.replicas;
    all.shards += room.shards;
  }
  return all;
}

}  // namespace millrace
