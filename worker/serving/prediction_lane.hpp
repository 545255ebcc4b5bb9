// Rows of one version on their way through the model: collected from many requests, predicted
// together.
//
// Place: the prediction engine has one per version that is asked for. One thread.
//
// Invariant: a reply gets the same bits whatever else is in the batch, and at whichever row a batch
// is full.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/ml/published_model.hpp"
#include "common/wire/prediction.hpp"
#include "worker/serving/feature_reader.hpp"
#include "worker/serving/serving_stats.hpp"

namespace millrace {

class PredictionLane {
 public:
  PredictionLane(std::shared_ptr<const PublishedModel> model, std::size_t rows_max);

  const PublishedModel& model() const { return *model_; }
  bool is_last_owner() const { return model_.use_count() == 1; }

  // Takes the rows of a request. `request` and `reply` stay where they are until `flush`; on
  // failure rows of the request may be predicted, and the reply is to be replaced by an error.
  Status add(const wire::PredictRequest& request, wire::PredictReply& reply, ServingStats& stats);
  // Predicts what was collected and writes it into the replies.
  void flush(ServingStats& stats);

 private:
  struct Target {
    wire::PredictReply* reply = nullptr;
    std::uint32_t row = 0;
    bool wants_probabilities = false;
  };

  Status add_rows(const wire::PredictRequest& request, wire::PredictReply& reply,
                  ServingStats& stats);
  Status add_numeric_rows(const wire::PredictRequest& request, wire::PredictReply& reply,
                          ServingStats& stats);
  void write(const float* output, const Target& target) const;
  std::string class_name(std::size_t id) const;

  std::shared_ptr<const PublishedModel> model_;
  FeatureReader reader_;
  MicroBatch batch_;
  Workspace workspace_;
  std::vector<float> outputs_;
  std::vector<Target> targets_;
};

}  // namespace millrace
