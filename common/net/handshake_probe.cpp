#include "common/net/handshake_probe.hpp"

#include <zmq.h>

#include <atomic>
#include <cstring>
#include <optional>

#include "common/net/zmtp_greeting.hpp"

namespace millrace::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                        ZMQ_EVENT_CONNECT_RETRIED;
// libzmq stops at a full queue of events; the probe ends at the first one that tells something.
constexpr int kEventsMax = 64;
// A server that closes with bytes unread resets the connection, and what it said before may be lost
// with it: the next try often hears more. On a busy machine none may: then its greeting tells.
constexpr int kSilentEndsMax = 12;
constexpr std::chrono::milliseconds kGreetingPatience{1'000};

struct Event {
  std::uint16_t kind = 0;
  std::uint32_t value = 0;
};

// The next event that has come.
std::optional<Event> next_event(void* monitor) {
  Message content, address;
  auto* raw = static_cast<zmq_msg_t*>(content.handle());
  if (zmq_msg_recv(raw, monitor, ZMQ_DONTWAIT) < 0) return {};
  Event event;
  const auto bytes = content.bytes();
  if (bytes.size() >= sizeof(event.kind) + sizeof(event.value)) {
    std::memcpy(&event.kind, bytes.data(), sizeof(event.kind));
    std::memcpy(&event.value, bytes.data() + sizeof(event.kind), sizeof(event.value));
  }
  zmq_msg_recv(static_cast<zmq_msg_t*>(address.handle()), monitor, ZMQ_DONTWAIT);
  return event;
}

// Whether the event says why, and not only that the connection has ended.
bool tells_why(const Event& event) {
  return event.kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ||
         event.kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
         (event.kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
          event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
}

Status explain_mismatch(const std::string& where, bool has_keys) {
  if (has_keys) {
    return {Code::permission_denied, where + " does not use keys, and this client insists on it",
            "start the server with --keys, or ask without, where the network is trusted"};
  }
  return {Code::permission_denied, where + " admits only clients with keys",
          "name this client's keys, for instance --keys keys/clients/NAME"};
}

Status explain(const Event& event, const std::string& where, bool has_keys) {
  switch (event.kind) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return {Code::unreachable, where + " was busy and accepts connections again", "ask again"};
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return {Code::permission_denied, where + " refuses the key of this client",
              "see that the server's policy.json names the key in curve.public; a server reads it "
              "again within seconds"};
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      if (event.value != ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) break;
      return explain_mismatch(where, has_keys);
    default:
      break;
  }
  return {Code::unreachable, where + " ended the connection before it was made",
          has_keys ? "see that the server's public key among this client's keys is the right one"
                   : "see whether a Millrace server of this version listens there"};
}

}  // namespace

Status explain_unreachable(Context& context, const Endpoint& endpoint, const SocketOptions& options,
                           std::chrono::milliseconds patience) {
  const auto where = endpoint.text();
  Status found(
      Code::unreachable, "nobody takes requests at " + where,
      "start the server there (`millrace serve` answers predictions, `millrace-coordinator` "
      "steers a cluster), or name another endpoint");
  MILLRACE_ASSIGN(Socket probe,
                  Socket::open_to_connect(context, SocketKind::dealer, endpoint, options));
  // Tries follow each other without growing pauses.
  const int no_growth = 0;
  zmq_setsockopt(probe.handle_, ZMQ_RECONNECT_IVL_MAX, &no_growth, sizeof(no_growth));
  // The name of a probe that has just ended may not be free yet.
  static std::atomic<std::uint64_t> probes = 0;
  const std::string address = "inproc://millrace-handshake-probe-" + std::to_string(++probes);
  if (zmq_socket_monitor(probe.handle_, address.c_str(), kEvents) != 0) return found;
  void* monitor = zmq_socket(context.handle(), ZMQ_PAIR);
  if (monitor == nullptr) return found;
  if (zmq_connect(monitor, address.c_str()) == 0 && probe.start_connecting().is_ok()) {
    const auto until = Clock::now() + patience;
    int silent_ends = 0;
    for (int i = 0; i < kEventsMax; ++i) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
      if (left <= 0 || zmq_poll(&item, 1, static_cast<long>(left)) <= 0) break;
      const auto event = next_event(monitor);
      if (!event) continue;
      if (event->kind == ZMQ_EVENT_CONNECT_RETRIED) {
        if (silent_ends == 0) break;  // nobody answered the call at all
        continue;
      }
      found = explain(*event, where, options.security.client != nullptr);
      if (tells_why(*event)) break;
      if (++silent_ends < kSilentEndsMax) continue;
      const auto mechanism = ask_mechanism(endpoint, kGreetingPatience);
      const bool has_keys = options.security.client != nullptr;
      if (mechanism && (*mechanism == "CURVE") != has_keys)
        found = explain_mismatch(where, has_keys);
      break;
    }
  }
  zmq_socket_monitor(probe.handle_, nullptr, 0);
  zmq_close(monitor);
  return found;
}

}  // namespace millrace::net
