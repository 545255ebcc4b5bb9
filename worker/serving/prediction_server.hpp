// Answers predictions over ZeroMQ from the versions in memory.
//
// Place: a worker with the `serve` role, `millrace run --serve` and `millrace serve` own one. The
// shell of PredictionEngine: it moves frames between a ROUTER socket and the engine in one thread
// of its own.
//
// `publish`, `move_alias` and `stats` may be called from any thread. The serving thread holds its
// own reference to the versions and looks at one atomic number per round: answering never takes a
// lock.
//
// With keys, nobody is answered whom the policy of the moment does not let predict: a stranger does
// not get a connection, and who is known but may not gets an error.
//
// Invariant: every request that arrives is answered once, by predictions or by a structured error,
// unless its sender has gone or does not read (counted as `undeliverable`).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/ml/published_model.hpp"
#include "common/net/guarded_socket.hpp"
#include "worker/serving/model_catalog.hpp"
#include "worker/serving/serving_stats.hpp"

namespace millrace {

// With keys, a client needs the role predict.
struct PredictionServerOptions : net::GuardedSocketOptions {
  std::uint32_t versions_kept = 4;  // per model, beside those an alias names; addressable by number
  std::size_t queue_requests_max =
      8'192;  // waiting; later ones are answered with resource_exhausted
  std::size_t queue_bytes_max = 64u << 20;  // waiting; likewise
  std::size_t batch_rows_max = 1'024;       // rows predicted before the first of them is answered
};

class PredictionServer {
 public:
  // Listens and starts its thread. `conflict` when the port is taken, `permission_denied` when the
  // endpoint would be open to others without protection; an error when the policy cannot be used.
  static Result<std::unique_ptr<PredictionServer>> start(const PredictionServerOptions& options);
  // Answers what has arrived, then ends the thread.
  ~PredictionServer();
  PredictionServer(const PredictionServer&) = delete;
  PredictionServer& operator=(const PredictionServer&) = delete;

  // Serves the version under its job's name (Lineage::job). The same version again with the same
  // digest changes nothing; with another digest it is a conflict.
  Status publish(std::shared_ptr<const PublishedModel> model);
  // Points an alias to a version that was published. A revision that is not above the present one
  // is a conflict, unless it repeats it exactly.
  Status move_alias(const std::string& model, const ModelAlias& alias);
  // Both at once, for requests that come meanwhile. `model` null: only aliases move. Those that
  // have gone further since stay.
  Status serve(const std::string& name, std::shared_ptr<const PublishedModel> model,
               const std::vector<ModelAlias>& aliases);

  // With the port that was chosen: "tcp://127.0.0.1:4711".
  std::string endpoint() const;
  // Names and versions served at this moment.
  std::vector<ServedModel> models() const;
  ServingStats stats() const;
  // All zero without keys.
  net::GateStats gate_stats() const;

  // Stops taking requests, answers those taken, ends the thread. Idempotent.
  void stop();

 private:
  struct State;
  explicit PredictionServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
