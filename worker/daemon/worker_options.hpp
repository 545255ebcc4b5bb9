// The options of the program millrace-worker.
//
// Place: made by its main from flags, environment and file (common/config/node_options.hpp), before
// anything is opened. Pure but for what the machine is asked: its name, its cores, its memory.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/actors/host_messages.hpp"
#include "common/daemon/daemon_options.hpp"

namespace millrace {

std::span<const NodeKey> worker_keys();

// What the options leave open.
struct Machine {
  std::string name;  // of the host
  std::uint32_t cores = 1;
  std::uint64_t memory_bytes = 0;
};
// Of this process: what its control group leaves it.
Machine this_machine();

struct WorkerDaemonOptions : DaemonOptions {
  std::vector<NodeAddress> coordinators;
  std::string advertise;      // host that other workers connect to
  net::Endpoint predictions;  // of clients; unused without the role `serve`
  std::string name;
  bool is_named = false;  // by the options: must then be the certificate's
  std::uint32_t slots = 1;
  std::uint64_t memory_bytes = 0;
  WorkerRoles roles;
  std::vector<WorkerLabel> labels;
  std::vector<std::string> data_roots;
};

// invalid_argument names the key and where it was said; permission_denied where the addresses would
// be open to others without keys.
Result<WorkerDaemonOptions> make_worker_options(const NodeValues& values, const Machine& machine);

}  // namespace millrace
