// Decides which clients may connect to the sockets of a Context that listen with keys, and what
// each request may do: the ZAP handler of libzmq (ZeroMQ RFC 27), in a thread of its own.
//
// Place: a server starts one in its Context before it binds, and destroys it after its sockets and
// before the Context. libzmq asks it about every connection whose CURVE handshake proved a key; the
// policy says whose key that is. A connection that stands when its key is taken out of the policy
// stays, but says nothing any more that is answered otherwise than by a refusal, since `authorize`
// looks at the policy of the moment.
//
// Threads: `stats` from any; each thread that authorizes has a Guard of its own.
//
// Invariant: fails closed. Without a running gate libzmq refuses everybody; a question that is
// malformed, of another domain or of a mechanism other than CURVE is refused; so is a message whose
// sender is not known.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/status.hpp"
#include "common/net/socket.hpp"
#include "common/security/watched_policy.hpp"

namespace millrace::net {

struct GateOptions {
  // So often the policy's file is looked at: a key that is taken out is refused within this time.
  std::chrono::milliseconds refresh{1'000};
  // Of connections and requests refused; more are counted and told of together.
  std::uint32_t log_lines_per_second = 10;
};

// Counters that only grow.
struct GateStats {
  std::uint64_t admitted = 0;         // connections
  std::uint64_t unknown_keys = 0;     // connections refused: their key is not in the policy
  std::uint64_t malformed = 0;        // questions of libzmq that no server of ours asks
  std::uint64_t denied_requests = 0;  // of clients that may connect but not do this
  std::uint64_t reloads = 0;          // of the policy
  std::uint64_t failed_reloads = 0;   // the policy before stayed in force
};

class ClientGate {
 public:
  // conflict when the Context has one already.
  static Result<std::unique_ptr<ClientGate>> start(Context& context,
                                                   std::shared_ptr<security::WatchedPolicy> policy,
                                                   const GateOptions& options = {});
  ~ClientGate();
  ClientGate(const ClientGate&) = delete;
  ClientGate& operator=(const ClientGate&) = delete;

  GateStats stats() const;

  // Asks the gate for one thread.
  class Guard {
   public:
    // The gate outlives it.
    explicit Guard(ClientGate& gate);
    // permission_denied unless the sender of `message` may do what one of the roles stands for.
    Status authorize(const Message& message, const security::ClientRoles& any_of);
    // Who sent it, as the policy of the moment says; null when it names nobody. Valid until the
    // next call.
    const security::PolicyClient* sender(const Message& message);

   private:
    ClientGate& gate_;
    security::PolicyView policy_;
  };

 private:
  struct State;
  explicit ClientGate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::net
