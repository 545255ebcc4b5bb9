// Shows the metrics of a prediction server and of a job through the port of a daemon, until its
// standard input ends; prints where.
#include <cstdio>

#include "common/observe/monitoring.hpp"
#include "coordinator/actors/job_metrics.hpp"
#include "worker/actors/worker_metrics.hpp"
#include "worker/serving/serving_metrics.hpp"

namespace millrace {
namespace {

void note_a_job(JobMetrics& jobs) {
  JobUpdate update;
  update.kind = "checkpoint";
  update.cut = CutId(7);
  update.checkpoint_seconds = 0.25;
  update.checkpoint_bytes = 4'096;
  update.totals = {.read = 1'003, .records = 1'000, .quarantined = 2, .skipped = 1};
  update.cuts_unreleased = 1;
  // A name as bad as any: what shows it must stay valid.
  for (const char* job : {"clicks", "a\"b\\c\n{}\xff"}) jobs.note(job, update);
  update.kind = "finished";
  jobs.note("clicks", update);
}

int show() {
  MetricRegistry metrics;
  Health health;
  auto check = health.add({.name = "training/clicks"});
  auto server = PredictionServer::start({});
  auto monitoring = Monitoring::start({}, metrics, health);
  for (const Status& status : {check.status(), server.status(), monitoring.status()}) {
    if (status.is_ok()) continue;
    std::fprintf(stderr, "metrics_page: %s\n", status.message().c_str());
    return 1;
  }
  health.set_started();
  const auto serving = show_serving(metrics, *server.value());
  const auto worker = show_worker(metrics, std::make_shared<WorkerHealth>());
  JobMetrics jobs(metrics);
  note_a_job(jobs);
  std::printf("%s\n", monitoring.value().server().url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace millrace

int main() {
  return millrace::show();
}
