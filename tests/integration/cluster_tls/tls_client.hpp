// A peer that is none of CAF's: a TCP connection with any TLS settings, or none.
#pragma once

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>

namespace millrace::test {

struct TlsSettings {
  std::string certificate;  // files; empty: none is shown
  std::string key;
  int newest_version = 0;  // 0: whatever OpenSSL can
};

class PlainPeer {
 public:
  explicit PlainPeer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~PlainPeer() {
    SSL_free(session_);
    SSL_CTX_free(context_);
    ::close(socket_);
  }
  PlainPeer(const PlainPeer&) = delete;
  PlainPeer& operator=(const PlainPeer&) = delete;

  // Whether the other side speaks to whoever comes like this: a listening node of CAF speaks first.
  bool is_admitted(const TlsSettings& settings) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (settings.newest_version != 0) {
      SSL_CTX_set_security_level(context_, 0);
      BOOST_REQUIRE(SSL_CTX_set_min_proto_version(context_, TLS1_VERSION) == 1);
      BOOST_REQUIRE(SSL_CTX_set_max_proto_version(context_, settings.newest_version) == 1);
    }
    if (!settings.certificate.empty()) {
      BOOST_REQUIRE(SSL_CTX_use_certificate_chain_file(context_, settings.certificate.c_str()) ==
                    1);
      BOOST_REQUIRE(SSL_CTX_use_PrivateKey_file(context_, settings.key.c_str(), SSL_FILETYPE_PEM) ==
                    1);
    }
    session_ = SSL_new(context_);
    SSL_set_fd(session_, socket_);
    if (SSL_connect(session_) != 1) return false;
    char byte = 0;
    return SSL_read(session_, &byte, 1) == 1;
  }
  // Whether anything but the end, or an alert of TLS, comes back for these plain bytes.
  bool is_answered(const std::string& bytes) {
    BOOST_REQUIRE(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(bytes.size()));
    constexpr char kAlert = 21;
    char buffer[512];
    ssize_t count = 0;
    bool is_answered = false;
    while ((count = ::recv(socket_, buffer, sizeof buffer, 0)) > 0) {
      if (buffer[0] != kAlert) is_answered = true;
    }
    BOOST_TEST((count == 0 || errno == ECONNRESET), "the connection stays open");
    return is_answered;
  }

 private:
  int socket_;
  SSL_CTX* context_ = nullptr;
  SSL* session_ = nullptr;
};

}  // namespace millrace::test
