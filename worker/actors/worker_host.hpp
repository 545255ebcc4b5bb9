// The one actor of a worker's process that the cluster knows: it joins the coordinator and goes on
// joining, hosts a worker for each job that it is told to, prepares jobs and serves versions.
//
// Place: spawned and published by the program before it listens to anything else. Its decisions
// about belonging are Membership's; what blocks is done by actors of their own: one that connects,
// one that prepares jobs, one that loads versions.
//
// Invariant: workers of jobs live on whatever becomes of the coordinator, until a coordinator ends
// them with a term that is not below the highest heard. Whoever is not proven to be a coordinator
// of this cluster, where there are keys, is not told what runs here and is not obeyed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/actors/cluster_system.hpp"
#include "common/actors/host_interfaces.hpp"
#include "common/config/secrets.hpp"
#include "worker/actors/volume_link.hpp"
#include "worker/actors/worker_health.hpp"
#include "worker/core/membership.hpp"
#include "worker/serving/prediction_server.hpp"
#include "worker/sources/data_roots.hpp"

namespace millrace {

struct WorkerHostOptions {
  WorkerOutline outline;                  // the port of its address comes with HostListens
  std::vector<NodeAddress> coordinators;  // at least one, tried in turn
  std::filesystem::path scratch;          // a folder for each job; emptied at will
  SecretsFolder secrets;
  DataRoots roots;
  net::GuardedSocketOptions ingest = {};     // how sources that producers send to are protected
  std::shared_ptr<PredictionServer> server;  // null: serves nothing
  std::shared_ptr<WorkerHealth> health = std::make_shared<WorkerHealth>();
  // What people should know, for the log; called from several threads, may be empty.
  std::function<void(std::string)> warn = {};
  MembershipOptions membership = {};  // `addresses` is taken from coordinators
  Milliseconds connect_max{5'000};    // for the coordinator and for peers
  VolumeLinkOptions volume = {};      // how what the coordinator stores is asked for
};

// Said by the program when the process is to end: nothing new is hosted, the coordinator is asked
// to do without it, and WorkerHealth::is_released becomes true when it does, or when there is none.
struct LeaveRequested {
  std::string reason;
};
struct CoordinatorFound {
  cluster_registry registry;
};
struct CoordinatorMissing {
  Status status;
};
// What the worker of a job runs now.
struct PartChanged {
  std::string job;
  Term term;
  std::optional<RunningPart> part;
};
// The host is published, at this port of its outline's address: it begins to join.
struct HostListens {
  std::uint16_t port = 0;
};
struct HostTick {};

using worker_host_actor =
    worker_host::extend<caf::reacts_to<LeaveRequested>, caf::reacts_to<CoordinatorFound>,
                        caf::reacts_to<CoordinatorMissing>, caf::reacts_to<PartChanged>,
                        caf::reacts_to<JobPrepared>, caf::reacts_to<ServingNews>,
                        caf::reacts_to<HostListens>, caf::reacts_to<HostTick>>;

// `system` outlives the actor, which begins to join when it hears HostListens.
worker_host_actor spawn_worker_host(ClusterSystem& system, WorkerHostOptions options);

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::LeaveRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::CoordinatorFound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::CoordinatorMissing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PartChanged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::HostListens)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::HostTick)
