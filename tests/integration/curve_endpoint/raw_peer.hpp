// A TCP connection that says whatever it is told to, and CURVE's handshake by hand up to the point
// where it goes wrong (ZeroMQ RFC 23 and 26).
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <string>

#include "common/net/endpoint.hpp"
#include "common/security/curve_keys.hpp"

namespace millrace::test {

class RawPeer {
 public:
  explicit RawPeer(const net::Endpoint& endpoint)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    BOOST_REQUIRE(::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) == 1);
    BOOST_REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~RawPeer() { ::close(socket_); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  // The other side may have closed already; that is for `is_closed` to find out.
  void send(const std::string& bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Exactly so many bytes, or fewer when the connection ends or nothing comes any more.
  std::string receive(std::size_t count) {
    std::string bytes;
    char buffer[512];
    while (bytes.size() < count && wait()) {
      const auto got = ::recv(socket_, buffer, std::min(sizeof(buffer), count - bytes.size()), 0);
      if (got <= 0) break;
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
    return bytes;
  }
  // Reads on until the other side closes; false when it does not.
  bool is_closed() {
    char buffer[512];
    for (int i = 0; i < 1'000 && wait(); ++i) {
      if (::recv(socket_, buffer, sizeof(buffer), 0) <= 0) return true;
    }
    return false;
  }

 private:
  bool wait() const {
    pollfd item = {socket_, POLLIN, 0};
    return ::poll(&item, 1, 30'000) == 1;
  }
  int socket_;
};

inline std::string zeros(std::size_t count) {
  return std::string(count, '\0');
}

inline std::string greeting(const std::string& mechanism, char minor = 1) {
  return "\xFF" + zeros(7) + "\x01\x7F\x03" + std::string(1, minor) + mechanism +
         zeros(20 - mechanism.size()) + zeros(32);
}

// `flags` of ZMTP 3.0: 4 for a command; 2, here, for a length of eight bytes.
inline std::string frame(char flags, const std::string& body) {
  if (body.size() < 256) return flags + std::string(1, static_cast<char>(body.size())) + body;
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    length[7 - i] = static_cast<char>(body.size() >> (8 * i) & 0xFF);
  }
  return static_cast<char>(flags | 2) + length + body;
}

inline std::string command_frame(const std::string& body) {
  return frame('\x04', body);
}

inline std::string message_frame(const std::string& body) {
  return frame('\0', body);
}

// The client's half of a handshake with a server whose key it knows.
class RawHandshake {
 public:
  explicit RawHandshake(const security::CurvePublicKey& server) {
    BOOST_REQUIRE(sodium_init() >= 0);
    std::copy_n(reinterpret_cast<const unsigned char*>(server.bytes().data()), server_.size(),
                server_.begin());
    crypto_box_keypair(public_.data(), secret_.data());
  }
  // The body of a HELLO that is as it should be, 200 bytes.
  std::string hello() const {
    const std::string nonce = "CurveZMQHELLO---" + zeros(7) + "\x01";
    const std::string plain = zeros(64);
    std::string box(plain.size() + crypto_box_MACBYTES, '\0');
    BOOST_REQUIRE(crypto_box_easy(raw(box), raw(plain), plain.size(), raw(nonce), server_.data(),
                                  secret_.data()) == 0);
    return "\x05HELLO" + std::string("\x01\0", 2) + zeros(72) + public_text() + nonce.substr(16) +
           box;
  }
  // The cookie that a WELCOME holds.
  std::string cookie(const std::string& welcome) const {
    BOOST_REQUIRE(welcome.size() == 168 && welcome.substr(0, 8) == "\x07WELCOME");
    const std::string nonce = "WELCOME-" + welcome.substr(8, 16), box = welcome.substr(24);
    std::string plain(box.size() - crypto_box_MACBYTES, '\0');
    BOOST_REQUIRE(crypto_box_open_easy(raw(plain), raw(box), box.size(), raw(nonce), server_.data(),
                                       secret_.data()) == 0);
    return plain.substr(32);
  }
  // An INITIATE with a box of the right length that nobody sealed.
  static std::string initiate(const std::string& cookie) {
    return "\x08INITIATE" + cookie + zeros(7) + "\x02" + std::string(144, 'x');
  }

 private:
  static unsigned char* raw(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
  }
  static const unsigned char* raw(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  std::string public_text() const {
    return std::string(reinterpret_cast<const char*>(public_.data()), public_.size());
  }
  std::array<unsigned char, crypto_box_PUBLICKEYBYTES> server_{}, public_{};
  std::array<unsigned char, crypto_box_SECRETKEYBYTES> secret_{};
};

}  // namespace millrace::test
