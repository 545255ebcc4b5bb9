// Spawns the actor that hands requests to the coordinator's volume.
//
// Place: before a thread for the disk, which holds up neither the coordinator's actor nor the
// heartbeats of its connections; reached by workers' processes (VolumeOffered), and told by the
// coordinator which of them host what.
//
// Invariant: objects of a job are changed only by processes that host a part of it.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "common/actors/host_interfaces.hpp"
#include "coordinator/registry/volume_keeper.hpp"

namespace millrace {

// The processes that host a part of the job from now on, all of them.
struct VolumeWriters {
  std::string job;
  std::set<caf::node_id> nodes;
};

using volume_actor = checkpoint_volume::extend<caf::reacts_to<VolumeWriters>>;

volume_actor spawn_volume(caf::actor_system& system, std::shared_ptr<VolumeKeeper> keeper);

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::VolumeWriters)
