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

// How a socket is protected. Keys for encrypted and authenticated connections belong here.
struct SocketSecurity {
  bool is_insecure_accepted =
      false;  // listen beyond this machine although anybody there may then ask
};

// Fails with permission_denied when `endpoint` can be reached from elsewhere and nothing protects
// it.
Status check_exposure(const Endpoint& endpoint, const SocketSecurity& security);

}  // namespace millrace::net
