// The options that every daemon has, and what is made of them.
//
// Place: coordinator/daemon and worker/daemon begin with them and add their own, before anything is
// opened. Pure.
#pragma once

#include <string>

#include "common/config/node_options.hpp"
#include "common/net/endpoint.hpp"
#include "common/observe/http_server.hpp"
#include "common/observe/log.hpp"

namespace millrace {

struct DaemonOptions {
  net::Endpoint listen;   // of actors
  net::Endpoint metrics;  // of metrics and health
  std::string state;      // folder, absolute
  std::string secrets;    // folder; empty: none
  std::string keys;       // folder; empty: none
  bool is_insecure = false;
  LogOptions log;

  bool has_keys() const { return !keys.empty(); }
};

// Of the keys listen, metrics, state and secrets, and of shared_node_keys. invalid_argument names
// the key and where it was said; permission_denied where the actors would be open to others.
Result<DaemonOptions> read_daemon_options(const NodeValues& values);
// Where clients are answered: checked like the above, by the same keys.
Result<net::Endpoint> read_client_endpoint(const NodeValues& values, const std::string& name,
                                           const DaemonOptions& options);
HttpServerOptions monitoring_options(const DaemonOptions& options);

}  // namespace millrace
