// Which hosts a job may use, and how much of each.
//
// Place: ClusterState asks whenever a job lacks room. Pure: the same hosts, demand and grants
// always give the same answer, whatever the order in which the hosts joined.
//
// Replicas go where most slots are free, so that jobs spread over the cores, disks and links of the
// cluster; shards go to hosts that keep parameters only, else to those that run the job's replicas.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "coordinator/core/placement.hpp"

namespace millrace {

// What a job needs; job_memory.hpp estimates the bytes.
struct JobDemand {
  std::uint32_t replicas = 1;  // one slot each
  std::uint32_t shards = 1;
  std::uint64_t replica_bytes = 0;
  std::uint64_t shard_bytes = 0;
  friend bool operator==(const JobDemand&, const JobDemand&) = default;
};

// What a host has to give.
struct HostRoom {
  WorkerId id;
  std::string name;
  bool trains = true;
  bool keeps_parameters = true;
  std::uint32_t free_slots = 0;
  std::uint64_t free_bytes = ~std::uint64_t{0};  // all ones: unknown, and not accounted
};

using Grants = WorkerRooms;

struct GrantChoice {
  Grants grants;       // `held` and what was added to it
  std::string reason;  // why it does not fit, for people; empty: it fits
  bool fits() const { return reason.empty(); }
};

// Completes `held`, whose slots and bytes the hosts' free ones do not contain. Hosts that are not
// listed keep what is held of them.
GrantChoice choose_grants(std::vector<HostRoom> hosts, const JobDemand& demand, const Grants& held);

// Of all its hosts together.
WorkerRoom sum(const Grants& grants);

}  // namespace millrace
