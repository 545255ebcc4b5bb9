// What happens in a cluster, and what the coordinator is to do about it: the alphabet of
// ClusterState.
//
// Place: the coordinator actor turns messages and timers into events and executes effects in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "coordinator/core/job_grants.hpp"

namespace millrace {

// What a worker process offers; `id` names one life of it.
struct HostOffer {
  WorkerId id;
  std::string name;
  bool trains = true;            // hosts replicas
  bool keeps_parameters = true;  // hosts shards
  bool serves = true;            // answers predictions
  std::uint32_t slots = 0;
  std::uint64_t memory_bytes = 0;  // 0: not said, and not accounted
};

// ---- Events

// Again under the same id: the same life, whose connection was lost. `hosted` is what runs there.
struct HostJoined {
  HostOffer host;
  std::map<std::string, WorkerRoom> hosted;
};
struct HostLost {
  WorkerId worker;
};
// A job is to run. One that a former coordinator ran (`is_recovered`) is left where it is found,
// and placed anew only where it is not.
struct JobWanted {
  std::string job;
  JobDemand demand;
  bool is_recovered = false;
};
// Its run has ended, and the next one needs so much. What it held is free for that before it is for
// others; JobWanted says when it runs.
struct JobResized {
  std::string job;
  JobDemand demand;
};
// It ended, or nobody wants it any more.
struct JobUnwanted {
  std::string job;
};
// A host could not open a job. It is not asked again for a while.
struct HostRefused {
  std::string job;
  WorkerId worker;
};
// Nothing new is placed there, and what is there moves away after a checkpoint.
struct DrainRequested {
  WorkerId worker;
};
// A checkpoint of the job was completed, or none can be taken now.
struct JobSaved {
  std::string job;
};
struct ClusterTick {
  std::chrono::milliseconds now;  // since any fixed moment, never going back
};
using ClusterEvent = std::variant<HostJoined, HostLost, JobWanted, JobResized, JobUnwanted,
                                  HostRefused, DrainRequested, JobSaved, ClusterTick>;

// ---- Effects

// The job may use so much of this host, in place of what it was granted before: open it there, and
// tell its master.
struct GrantRoom {
  std::string job;
  WorkerId worker;
  WorkerRoom room;
};
// The job may not use this host any more: tell its master, and close it there unless the host is
// lost.
struct RevokeRoom {
  std::string job;
  WorkerId worker;
  bool is_lost = false;
};
// The host runs a part of a job that is not wanted there.
struct ClosePart {
  std::string job;
  WorkerId worker;
};
struct TakeCheckpoint {
  std::string job;
};
// For people; said once for each new reason.
struct JobWaits {
  std::string job;
  std::string reason;
};
struct HostDrained {
  WorkerId worker;
};
using ClusterEffect =
    std::variant<GrantRoom, RevokeRoom, ClosePart, TakeCheckpoint, JobWaits, HostDrained>;

}  // namespace millrace
