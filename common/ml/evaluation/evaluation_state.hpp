// What an Evaluation holds and how records reach it.
//
// Place: the inside of Evaluation, which checks arguments and encodes; here records are scored.
// Whole-stream sums (integers, or doubles for regression) stand beside one history per split.
#pragma once

#include <map>

#include "common/ml/evaluation/baselines.hpp"
#include "common/ml/evaluation/class_scores.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "common/ml/evaluation/score_kernel.hpp"
#include "common/ml/evaluation/split_history.hpp"
#include "common/ml/evaluation/value_scores.hpp"

namespace millrace {

struct Evaluation::State {
  Task task;
  std::uint32_t classes;  // 0 for regression
  std::uint32_t window;
  ClassScores class_scores;
  ValueScores value_scores;
  Baselines baselines;
  std::map<SplitId, SplitHistory> splits;

  State(Task the_task, std::uint32_t the_classes, std::uint32_t the_window)
      : task(the_task),
        classes(the_task == Task::regression ? 0 : the_classes),
        window(the_window),
        class_scores(the_task == Task::binary, classes) {}

  // The history of the batch's split, with room for the batch.
  SplitHistory& history_of(const MicroBatch& batch);
  void update_classes(const MicroBatch& batch, std::span<const float> predictions,
                      SplitHistory& split);
  void update_values(const MicroBatch& batch, std::span<const float> predictions,
                     SplitHistory& split);
  // Adds another replica's sums, but for what it keeps of each split.
  void add_sums(const State& theirs);
  // Adds another replica's history of a split.
  void adopt(SplitId id, const SplitHistory& theirs);
  MetricsReport report_window() const;

 private:
  std::uint16_t class_of(float label) const;
  void gather(std::span<const float> predictions, std::size_t first, std::size_t count,
              std::span<const std::uint16_t> labels, std::span<std::uint16_t> predicted,
              ScoreChunk& chunk) const;
  void append(SplitHistory& earlier, SplitHistory later);
  void append_values(const SplitHistory& earlier, SplitHistory& later);
};

}  // namespace millrace
