// A listening TCP socket for HttpServer, under the rule of who may reach it.
//
// Place: only http_server.cpp uses it. The rule is checked against the address that the name
// resolved to, so that no name can lead elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.hpp"

namespace millrace {

// Closes what it holds.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  int number() const { return number_; }

 private:
  int number_ = -1;
};

struct Listener {
  Descriptor socket;  // not blocking
  std::string host;   // the address, in brackets where it is one of IPv6
  std::uint16_t port = 0;
};

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  bool may_be_exposed = false;
};

Result<Listener> listen_on(const ListenAddress& address);

}  // namespace millrace
