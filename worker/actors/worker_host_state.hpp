// What a worker host keeps, and how it belongs to its cluster.
//
// Place: only worker_host.cpp and its parts include it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/actors/join_gate.hpp"
#include "worker/actors/host_aides.hpp"
#include "worker/actors/interfaces.hpp"
#include "worker/actors/volume_link.hpp"
#include "worker/actors/worker_host.hpp"

namespace millrace {

// The worker of one job.
struct HostedWorker {
  worker_actor worker;
  Term term;
  std::optional<RunningPart> part;
};

struct WorkerHostState {
  ClusterSystem* system = nullptr;
  WorkerHostOptions options;
  HostAides aides;
  std::unique_ptr<Membership> membership;
  std::unique_ptr<JoinProver> prover;
  std::shared_ptr<VolumeLink> volume_link;  // to what the coordinator stores
  std::shared_ptr<StoreVolume> volume;      // the same, as stores are opened with it
  cluster_registry registry;                // null: none is connected
  bool is_challenged = false;               // it has proven to be one
  std::map<std::string, HostedWorker> jobs;
  std::uint64_t workers_made = 0;
  std::size_t preparations = 0;
  std::uint64_t ticks = 0;  // said to the coordinator
  Milliseconds ticked_at{};
  std::optional<std::string> leaving;  // why
  std::string last_warning;
  static inline const char* name = "worker_host";
};
using WorkerHostSelf = worker_host_actor::stateful_pointer<WorkerHostState>;

Milliseconds monotonic_now();
void update_health(WorkerHostState& state);

// What the coordinator says while the host joins, and what becomes of the connection to it.
void on_connected(WorkerHostSelf self, const CoordinatorFound& found);
void on_missing(WorkerHostSelf self, const CoordinatorMissing& message);
void on_challenge(WorkerHostSelf self, const JoinChallenge& challenge);
void on_welcome(WorkerHostSelf self, const Welcome& message);
void on_refused(WorkerHostSelf self, const JoinRefused& message);
void on_offered(WorkerHostSelf self, const VolumeOffered& offered);
void on_down(WorkerHostSelf self, const caf::down_msg& down);
// Lets Membership decide whether to connect, or to give the coordinator up.
void step_membership(WorkerHostSelf self);
void forget_registry(WorkerHostSelf self);

}  // namespace millrace
