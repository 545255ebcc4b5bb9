#include "tests/integration/determinism/life.hpp"

#include <hwy/targets.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "common/config/job_file.hpp"

namespace millrace::test {
namespace {

constexpr std::chrono::minutes kHangs{4};

class Silence final : public ProgressSink {
 public:
  void on_event(const ProgressEvent&) override {}
};

std::string describe(const RunSummary& summary) {
  const auto& report = summary.evaluation.prequential;
  std::ostringstream text;
  text << std::hexfloat << summary.model.digest << ' ' << summary.records << ' ' << report.records;
  for (const auto& figure :
       {report.accuracy, report.log_loss, report.precision, report.recall, report.f1, report.kappa,
        report.kappa_temporal, report.auc, summary.evaluation.baselines.last_label_accuracy,
        summary.evaluation.baselines.majority_accuracy}) {
    text << ' ' << figure.value_or(-1.0);
  }
  for (const auto& row : report.confusion_matrix) {
    for (const auto count : row) text << ' ' << count;
  }
  return text.str();
}

std::string run(const Life& life) {
  hwy::SetSupportedTargetsForTest(life.target);
  hwy::GetChosenTarget().DeInit();
  const auto spec = parse_job(life.yaml, "job.yaml", {});
  if (!spec.is_ok()) return spec.status().message();
  Silence silence;
  const std::atomic<int> no_signal = 0;
  const auto summary = run_embedded(spec.value(), life.run, silence, no_signal);
  return summary.is_ok() ? describe(summary.value()) : summary.status().message();
}

// In the child: nothing of the parent's may end with it.
[[noreturn]] void live_and_end(const Life& life, const std::filesystem::path& outcome) {
  const std::string text = run(life);
  std::ofstream(outcome) << text;
  ::_exit(0);
}

bool has_ended(pid_t child) {
  return ::waitpid(child, nullptr, WNOHANG) == child;
}

}  // namespace

bool has_target(std::int64_t target) {
  hwy::SetSupportedTargetsForTest(0);
  return (hwy::SupportedTargets() & target) != 0;
}

std::optional<std::string> live_until(const Life& life, const std::filesystem::path& outcome,
                                      std::chrono::milliseconds moment) {
  std::filesystem::remove(outcome);
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) live_and_end(life, outcome);
  const auto until = std::chrono::steady_clock::now() + moment;
  while (!has_ended(child)) {
    if (std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return std::nullopt;
  }
  std::ifstream file(outcome);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string live(const Life& life, const std::filesystem::path& outcome) {
  const auto text = live_until(life, outcome, kHangs);
  BOOST_REQUIRE_MESSAGE(text.has_value(), "the run does not end");
  return *text;
}

}  // namespace millrace::test
