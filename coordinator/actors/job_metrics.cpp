#include "coordinator/actors/job_metrics.hpp"

#include "common/observe/metric_names.hpp"

namespace millrace {
namespace {

bool is_ending(const std::string& kind) {
  return kind == "finished" || kind == "stopped" || kind == "failed";
}

}  // namespace

void JobMetrics::note(const std::string& job, const JobUpdate& update) {
  const auto records = [&](const char* fate, std::uint64_t count) {
    metrics_.gauge(metric::kJobRecords, {job, fate})->set(static_cast<double>(count));
  };
  // Before the first replica is heard of there are no totals, and no zero to show.
  if (update.totals.read > 0) {
    records("learned", update.totals.records);
    records("quarantined", update.totals.quarantined);
    records("skipped", update.totals.skipped);
  }
  metrics_.gauge(metric::kJobAttempt, {job})->set(static_cast<double>(update.attempt.value));
  if (update.cuts_unreleased) {
    metrics_.gauge(metric::kSinkLag, {job})->set(static_cast<double>(*update.cuts_unreleased));
  }
  {
    const std::lock_guard lock(mutex_);
    auto counter = metrics_.counter(metric::kCheckpointsAborted, {job});
    aborted_.try_emplace(job, std::move(counter))
        .first->second.advance_to(static_cast<double>(update.cuts_aborted));
  }
  if (update.kind == "checkpoint") {
    metrics_.counter(metric::kCheckpointsCompleted, {job})->add();
    metrics_.counter(metric::kCheckpointBytes, {job})
        ->add(static_cast<double>(update.checkpoint_bytes));
    metrics_.histogram(metric::kCheckpointSeconds, {job})->observe(update.checkpoint_seconds);
    metrics_.gauge(metric::kCheckpointCut, {job})->set(static_cast<double>(update.cut.value));
  }
  if (is_ending(update.kind)) metrics_.counter(metric::kJobEndings, {update.kind})->add();
}

void JobMetrics::forget(const std::string& job) {
  const std::lock_guard lock(mutex_);
  aborted_.erase(job);
  metrics_.forget("job", job);
}

}  // namespace millrace
