// The detached actors of a worker host, one for each thing that blocks.
//
// Place: spawned by the host, which they answer, and linked to it.
#pragma once

#include "common/store/store_volume.hpp"
#include "worker/actors/worker_host.hpp"

namespace millrace {

struct FindCoordinator {
  std::size_t address = 0;  // of WorkerHostOptions::coordinators
};

using coordinator_finder = caf::typed_actor<caf::reacts_to<FindCoordinator>>;
using job_preparer = caf::typed_actor<caf::reacts_to<PrepareJob>>;
using version_loader = caf::typed_actor<caf::reacts_to<ServeVersion>>;

struct HostAides {
  coordinator_finder finder;  // says CoordinatorFound or CoordinatorMissing
  job_preparer preparer;      // says JobPrepared
  version_loader loader;      // says ServingNews
};

HostAides spawn_host_aides(ClusterSystem& system, const worker_host_actor& host,
                           const WorkerHostOptions& options,
                           const std::shared_ptr<StoreVolume>& volume);

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::FindCoordinator)
