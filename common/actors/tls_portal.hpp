// Opens and accepts the connections of actors over TLS: CAF's sessions, each kept from the errors
// of the others.
//
// Place: spawned by ClusterSystem when there are keys, in place of the portal that CAF's TLS module
// brings. OpenSSL keeps the errors of a thread in one queue, and looks there to tell "try again"
// from "failed" (SSL_get_error, "the current thread's error queue must be empty"); all connections
// of a process share a thread, and CAF 0.17 does not empty the queue. So a peer that was killed, or
// a stranger that was refused, would end connections that are well.
#pragma once

#include <caf/all.hpp>
#include <caf/io/middleman_actor.hpp>

namespace millrace {

// The system must have loaded CAF's middleman and TLS module, with certificates. To be ended with
// stop_tls_portal before the system ends.
caf::io::middleman_actor spawn_tls_portal(caf::actor_system& system);
// Blocks until it has ended; connections stay.
void stop_tls_portal(caf::actor_system& system, const caf::io::middleman_actor& portal);

}  // namespace millrace
