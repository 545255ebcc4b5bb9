// The checkpoint stores of a cluster that keeps them at its coordinator, as workers reach them.
//
// Place: StoreOptions::volume of a worker's process; the state actor of each job puts its parts
// there, and the loader of versions reads them. Every call blocks, for a bounded time: while the
// coordinator is away it fails as `unreachable`, or as `timed_out` where an object may have been
// created, just like an object store that is away.
#pragma once

#include <memory>

#include "common/store/store_volume.hpp"
#include "worker/actors/volume_link.hpp"

namespace millrace {

std::shared_ptr<StoreVolume> make_remote_volume(std::shared_ptr<VolumeLink> link);

}  // namespace millrace
