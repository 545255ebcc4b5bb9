// Asks a coordinator and waits for its answer.
//
// Place: the verbs of the CLI that steer a cluster. One thread per client. An answer that does not
// come is `timed_out`: what was asked for may go on, and may be asked for again, since every
// request that changes something is idempotent (control.hpp).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/base/status.hpp"
#include "common/net/endpoint.hpp"
#include "common/security/curve_keys.hpp"
#include "common/wire/control.hpp"

namespace millrace {

struct ControlClientOptions {
  net::Endpoint endpoint = {};
  // For a coordinator that asks for keys.
  std::shared_ptr<const security::CurveClientKeys> keys = {};
  std::chrono::milliseconds connect_timeout{2'000};  // nobody listens: unreachable
  std::chrono::milliseconds timeout{30'000};         // somebody listens but does not answer
};

class ControlClient {
 public:
  // Returns at once; the first request finds out whether anybody listens.
  static Result<std::unique_ptr<ControlClient>> connect(const ControlClientOptions& options);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // unreachable when nobody listens there, permission_denied when keys are missing or refused. The
  // reply may hold an Error. `timeout` of this request; absent: that of the options.
  Result<control::Reply> ask(control::RequestKind what,
                             std::optional<std::chrono::milliseconds> timeout = {});

  // The answer to this kind of request; an error reply becomes its Status.
  template <typename Answer>
  Result<Answer> ask_for(control::RequestKind what,
                         std::optional<std::chrono::milliseconds> timeout = {}) {
    MILLRACE_ASSIGN(control::Reply reply, ask(std::move(what), timeout));
    if (auto* answer = std::get_if<Answer>(&reply.what)) return std::move(*answer);
    return failure_of(reply);
  }

  const net::Endpoint& endpoint() const;

 private:
  static Status failure_of(const control::Reply& reply);

  struct State;
  explicit ControlClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
