// Where a ZeroMQ socket listens or connects: `tcp://host:port`.
//
// Place: read from flags and options, checked by the exposure rule before anything is bound. A
// value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.hpp"

namespace millrace::net {

struct Endpoint {
  std::string host = "127.0.0.1";  // a name, an address, an IPv6 address without brackets, or * for
                                   // every interface
  std::uint16_t port = 0;          // 0: any free one (bind only)

  // Accepts "tcp://host:port", "host:port", "[::1]:port"; a port of "*" or "0" is any free one.
  static Result<Endpoint> parse(std::string_view text);
  // "tcp://host:port", with "*" for any free port.
  std::string text() const;
  // True when only this machine can reach it: localhost, 127.0.0.0/8, ::1.
  bool is_loopback() const;
};

// Who speaks at an address: clients over ZeroMQ, or the actors of a cluster over CAF.
enum class Plane { clients, cluster };

struct ListenRule {
  Plane plane = Plane::clients;
  bool has_keys = false;              // complete and checked: whoever connects must prove who it is
  bool is_insecure_accepted = false;  // --insecure
};

// What only this machine can reach may listen without keys. Elsewhere keys are needed, or
// `--insecure`, which opens the plane of clients only: CAF trusts whatever its peers send, so
// without keys actors stay on this machine. permission_denied otherwise.
Status check_listen_address(const Endpoint& endpoint, const ListenRule& rule);

}  // namespace millrace::net
