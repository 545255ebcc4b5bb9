// One lane of a sink, as its writer sees it: what a lane is taken over with, and written to.
//
// Place: implemented for Kafka in kafka_channel.cpp; tests have their own. Used by one thread.
// Every call may block, and returns soon after `stop` is requested.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/config/secrets.hpp"
#include "worker/core/release_plan.hpp"
#include "worker/sinks/output_batch.hpp"

namespace millrace {

// What a job puts out; the numbers are stored.
enum class OutputKind : std::uint8_t { predictions = 0, dead_letters = 1 };
const char* to_string(OutputKind kind);

// A sink is written to by lanes that do not know each other: one for each replica.
struct LaneName {
  OutputKind kind = OutputKind::predictions;
  std::uint32_t lane = 0;
  friend auto operator<=>(const LaneName&, const LaneName&) = default;
};

class OutputChannel {
 public:
  virtual ~OutputChannel() = default;
  // Whoever opened the lane before cannot write any more, and what he had not committed is gone.
  // Then the mark beside what was committed.
  virtual Result<std::optional<LaneMark>> open(const std::stop_token& stop) = 0;
  // All messages and the mark, or nothing. After an error either may be the case, and the lane has
  // to be opened again. Precondition: open.
  virtual Status write(const OutputBatch& batch, const LaneMark& mark,
                       const std::stop_token& stop) = 0;
};

using MakeChannel = std::function<std::unique_ptr<OutputChannel>(const LaneName&)>;

// Lanes of the job's sinks on Kafka. Connects when opened.
MakeChannel kafka_channels(const JobSpec& job, const SecretsFolder& secrets);

}  // namespace millrace
