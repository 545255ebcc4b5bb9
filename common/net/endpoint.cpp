#include "common/net/endpoint.hpp"

#include <charconv>
#include <optional>

namespace millrace::net {
namespace {

Status bad_endpoint(std::string_view text, const char* why) {
  return {Code::invalid_argument, "the endpoint '" + std::string(text.substr(0, 256)) + "' " + why,
          "write it as tcp://host:port, for instance tcp://127.0.0.1:4711"};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text == "*") return 0;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  std::string_view rest = text;
  if (const auto scheme = rest.find("://"); scheme != rest.npos) {
    if (rest.substr(0, scheme) != "tcp") return bad_endpoint(text, "is not a tcp endpoint");
    rest.remove_prefix(scheme + 3);
  }
  const auto colon = rest.rfind(':');
  if (colon == rest.npos) return bad_endpoint(text, "names no port");
  std::string_view host = rest.substr(0, colon);
  const auto port = parse_port(rest.substr(colon + 1));
  if (!port) return bad_endpoint(text, "has a port that is no number from 0 to 65535");
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return bad_endpoint(text, "has an IPv6 address without brackets");
  }
  if (host.empty()) return bad_endpoint(text, "names no host");
  if (host.find_first_of(" /;[]") != host.npos) return bad_endpoint(text, "has no valid host");
  return Endpoint{.host = std::string(host), .port = *port};
}

std::string Endpoint::text() const {
  const bool is_v6 = host.find(':') != host.npos;
  return "tcp://" + (is_v6 ? "[" + host + "]" : host) + ":" +
         (port == 0 ? std::string("*") : std::to_string(port));
}

bool Endpoint::is_loopback() const {
  if (host == "localhost" || host == "::1") return true;
  // Only a dotted number: a name such as 127.example.org may lead anywhere.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
}

Status check_listen_address(const Endpoint& endpoint, const ListenRule& rule) {
  if (rule.has_keys || endpoint.is_loopback()) return {};
  if (rule.plane == Plane::clients) {
    if (rule.is_insecure_accepted) return {};
    return {Code::permission_denied,
            "refusing to listen on " + endpoint.text() +
                ": anybody who reaches this machine could use it, since no keys are configured",
            "listen on 127.0.0.1, make keys with `millrace keygen`, or say --insecure where the "
            "network itself is trusted"};
  }
  return {Code::permission_denied,
          "refusing to let actors listen on " + endpoint.text() +
              " without keys: whoever connects could do anything" +
              (rule.is_insecure_accepted ? ", and --insecure opens 127.0.0.1 only" : ""),
          "make keys with `millrace keygen`, or listen on 127.0.0.1"};
}

}  // namespace millrace::net
