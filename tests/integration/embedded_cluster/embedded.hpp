// A whole run inside the test, and what it left in its state folder.
#pragma once

#include <atomic>
#include <boost/test/unit_test.hpp>

#include "common/config/job_file.hpp"
#include "coordinator/cli/embedded_cluster.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace::test {

class Silence final : public ProgressSink {
 public:
  void on_event(const ProgressEvent&) override {}
};

inline RunSummary run(const std::string& yaml, RunOptions options) {
  const auto spec = parse_job(yaml, "job.yaml", {});
  BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
  Silence silence;
  const std::atomic<int> no_signal = 0;
  auto summary = run_embedded(spec.value(), options, silence, no_signal);
  BOOST_REQUIRE_MESSAGE(summary.is_ok(), summary.status().message());
  return std::move(summary).value();
}

inline std::uint64_t counted(const EvaluationReport& report) {
  std::uint64_t sum = 0;
  for (const auto& row : report.prequential.confusion_matrix) {
    for (const auto count : row) sum += count;
  }
  return sum;
}

}  // namespace millrace::test
