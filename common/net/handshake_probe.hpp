// Finds out why a connection does not come about: nobody listens, keys on one side only, the wrong
// server key, a key that the server does not admit.
//
// Place: a client that could not reach its server asks, so that its error says what to do. Tries
// the handshake once more with a socket of its own. One call, one thread.
#pragma once

#include <chrono>

#include "common/net/socket.hpp"

namespace millrace::net {

// unreachable, or permission_denied when the server refuses this client. At most `patience`.
Status explain_unreachable(Context& context, const Endpoint& endpoint, const SocketOptions& options,
                           std::chrono::milliseconds patience);

}  // namespace millrace::net
