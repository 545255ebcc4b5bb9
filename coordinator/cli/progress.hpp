// Shows how a run goes: one redrawn line on a terminal, a plain line every few seconds otherwise,
// JSON objects under `--output json`; always on stderr.
//
// Place: `run` makes one; the cluster calls it from one thread at a time. It has no clock: events
// carry theirs.
#pragma once

#include <string>

#include "coordinator/cli/embedded_cluster.hpp"
#include "coordinator/cli/output.hpp"

namespace millrace::cli {

class ProgressPrinter final : public ProgressSink {
 public:
  // `output` outlives the printer.
  explicit ProgressPrinter(Output& output) : output_(output) {}
  void on_event(const ProgressEvent& event) override;

 private:
  void print_progress(const ProgressEvent& event);

  Output& output_;
  double drawn_at_ = -1e9;  // seconds of the run
  std::uint64_t cut_ = 0;   // newest complete checkpoint
};

// "45,312 records  377,600/s  log loss 0.2646  accuracy 0.9012  lag 0 B  checkpoint 3"
std::string progress_line(const ProgressEvent& event);

}  // namespace millrace::cli
