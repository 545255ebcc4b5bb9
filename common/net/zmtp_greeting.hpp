// What a ZeroMQ server says of itself before anything else: its security mechanism.
//
// Place: the handshake probe asks, where the handshake itself was cut off without a reason. ZeroMQ
// Message Transport Protocol 3.1, greeting.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/net/endpoint.hpp"

namespace millrace::net {

// "NULL" or "CURVE"; none where nobody answers so within `patience` for each step.
std::optional<std::string> ask_mechanism(const Endpoint& endpoint,
                                         std::chrono::milliseconds patience);

}  // namespace millrace::net
