// The options of the program millrace-coordinator.
//
// Place: made by its main from flags, environment and file (common/config/node_options.hpp), before
// anything is opened. Pure.
#pragma once

#include <span>
#include <string>

#include "common/daemon/daemon_options.hpp"
#include "coordinator/registry/volume_keeper.hpp"

namespace millrace {

std::span<const NodeKey> coordinator_keys();

struct CoordinatorDaemonOptions : DaemonOptions {
  net::Endpoint control;    // of clients
  std::string checkpoints;  // base URL of the jobs' stores
  VolumeOptions volume;     // what is stored here; always there, for jobs of earlier settings
  std::string policy;       // file; empty: where the keys have it
};

// invalid_argument names the key and where it was said; permission_denied where the addresses would
// be open to others without keys.
Result<CoordinatorDaemonOptions> make_coordinator_options(const NodeValues& values);

}  // namespace millrace
