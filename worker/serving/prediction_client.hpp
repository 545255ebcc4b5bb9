// Asks a prediction endpoint and waits for the answer.
//
// Place: `millrace predict --endpoint` and tests. One thread per client. Asking again after an
// error is always safe: predicting changes nothing.
#pragma once

#include <chrono>
#include <memory>

#include "common/base/status.hpp"
#include "common/net/endpoint.hpp"
#include "common/security/curve_keys.hpp"
#include "common/wire/prediction.hpp"

namespace millrace {

struct PredictionClientOptions {
  net::Endpoint endpoint = {};
  // For a server that asks for keys.
  std::shared_ptr<const security::CurveClientKeys> keys = {};
  std::chrono::milliseconds connect_timeout{2'000};  // nobody listens: unreachable
  std::chrono::milliseconds timeout{10'000};  // somebody listens but does not answer: timed_out
};

class PredictionClient {
 public:
  // Returns at once; the first request finds out whether anybody listens.
  static Result<std::unique_ptr<PredictionClient>> connect(const PredictionClientOptions& options);
  ~PredictionClient();
  PredictionClient(const PredictionClient&) = delete;
  PredictionClient& operator=(const PredictionClient&) = delete;

  // unreachable when nobody listens there, permission_denied when keys are missing or refused.
  // The reply, which holds predictions; an error reply becomes a Status (expired: timed_out). The
  // request's id is chosen here. A request of more than limits::kFrameBytesMax bytes or
  // limits::kPredictRowsMax rows is refused: ask in parts.
  Result<wire::PredictReply> predict(wire::PredictRequest& request);

  // For several requests under way at once: `send` returns the id under which `receive` will
  // answer.
  Result<std::uint64_t> send(wire::PredictRequest& request);
  // The next reply, an error reply as it is.
  Result<wire::PredictReply> receive();

 private:
  struct State;
  explicit PredictionClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
