// What `millrace wait --for` waits for: conditions on a job's status.
//
//   state=running, state=finished         the job's state
//   lag.below=1000, records.above=1e6     a number of the job: lag, records, quarantined, version,
//                                         checkpoints, restarts, workers
//   metric.auc.above=0.8                  a prequential figure, over the sliding window where it
//                                         has one: accuracy, log_loss, precision, recall, f1,
//                                         kappa, kappa_temporal, auc, mae, rmse, r2
//
// Pure values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/wire/control_report.hpp"

namespace millrace::cli {

struct WaitCondition {
  enum class Kind : std::uint8_t { state, number, metric };
  enum class Sense : std::uint8_t { equal, above, below };

  std::string text;  // as it was given
  Kind kind = Kind::state;
  Sense sense = Sense::equal;
  control::JobState state = control::JobState::unknown;
  std::string name;  // of the number or the metric
  double bound = 0.0;

  bool holds(const control::JobStatus& status) const;
  // How far it is: "lag is 5,120".
  std::string present(const control::JobStatus& status) const;
};

// Several, separated by commas: all must hold.
Result<std::vector<WaitCondition>> parse_conditions(std::string_view text);
// Whether waiting on is vain: the job has ended and one of them does not hold.
bool is_out_of_reach(const std::vector<WaitCondition>& conditions,
                     const control::JobStatus& status);

}  // namespace millrace::cli
