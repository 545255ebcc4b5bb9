// Turns requests into replies: reads rows, batches them per version, predicts, writes what was
// predicted.
//
// Place: PredictionServer feeds it frames that arrived together; `millrace predict` without an
// endpoint uses `answer` in process. No socket, thread or clock: time is passed in. One thread per
// engine; it reuses its memory from batch to batch.
//
// Invariant: a reply depends on its request, the catalog and `now`, never on the other requests of
// the batch: forward passes give a row the same bits alone or in any batch.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/ml/model.hpp"
#include "common/wire/prediction.hpp"
#include "worker/serving/model_catalog.hpp"
#include "worker/serving/serving_stats.hpp"

namespace millrace {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// A frame as it arrived; the bytes outlive the call.
struct ArrivedFrame {
  ByteView bytes;
  WallTime arrived_at;
};

class PredictionEngine {
 public:
  explicit PredictionEngine(std::size_t batch_rows_max);
  ~PredictionEngine();

  // One reply per frame, in order; what was done is added to `stats`.
  std::vector<Bytes> answer(const ModelCatalog& catalog, std::span<const ArrivedFrame> frames,
                            WallTime now, ServingStats& stats);
  // The same for one request that is already a value.
  wire::PredictReply answer(const ModelCatalog& catalog, const wire::PredictRequest& request,
                            WallTime now, ServingStats& stats);

  // The reply to a request that was not looked at because too many wait.
  static Bytes overloaded(ByteView frame);
  // Likewise because of who asked.
  static Bytes denied(ByteView frame, const Status& status);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace
