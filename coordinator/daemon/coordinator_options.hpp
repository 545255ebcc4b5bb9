// The options of the program millrace-coordinator.
//
// Place: made by its main from flags, environment and file (common/config/node_options.hpp), before
// anything is opened. Pure.
#pragma once

#include <span>
#include <string>

#include "common/config/node_options.hpp"
#include "common/net/endpoint.hpp"
#include "common/observe/log.hpp"

namespace millrace {

std::span<const NodeKey> coordinator_keys();

struct CoordinatorDaemonOptions {
  net::Endpoint listen;     // of actors
  net::Endpoint control;    // of clients
  net::Endpoint metrics;    // of metrics and health
  bool has_http = false;    // somebody asked for the dashboard
  std::string state;        // folder
  std::string checkpoints;  // base URL of the jobs' stores
  std::string secrets;      // folder; empty: none
  std::string keys;         // folder; empty: none
  std::string policy;       // file; empty: where the keys have it
  bool is_insecure = false;
  LogOptions log;
};

// invalid_argument names the key and where it was said; permission_denied where the addresses would
// be open to others without keys.
Result<CoordinatorDaemonOptions> make_coordinator_options(const NodeValues& values);

}  // namespace millrace
