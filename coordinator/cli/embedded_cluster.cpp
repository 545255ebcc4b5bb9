#include "coordinator/cli/embedded_cluster.hpp"

#include <csignal>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "common/base/version.hpp"
#include "common/kafka/offset_committer.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "coordinator/actors/coordinator.hpp"
#include "coordinator/cli/embedded_job.hpp"
#include "coordinator/cli/embedded_server.hpp"
#include "coordinator/cli/embedded_summary.hpp"
#include "coordinator/cli/stored_cut.hpp"
#include "worker/actors/worker.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Scheduled actors only pass messages on; training, disks and sockets have threads of their own.
constexpr std::size_t kSchedulerThreads = 1;
constexpr milliseconds kPatience{50};

// Updates on their way from the job master's thread to the one that runs the command.
class UpdateQueue {
 public:
  void push(JobUpdate update) {
    {
      const std::lock_guard lock(mutex_);
      // News of progress replaces older news that nobody has read yet, so the queue stays short.
      if (update.kind == "progress" && !updates_.empty() && updates_.back().kind == "progress") {
        updates_.back() = std::move(update);
      } else {
        updates_.push_back(std::move(update));
      }
    }
    ready_.notify_one();
  }
  std::optional<JobUpdate> pop(milliseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!ready_.wait_for(lock, timeout, [&] { return !updates_.empty(); })) return std::nullopt;
    JobUpdate update = std::move(updates_.front());
    updates_.pop_front();
    return update;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<JobUpdate> updates_;
};

void push_warning(UpdateQueue& updates, std::string text) {
  JobUpdate update;
  update.kind = "warning";
  update.message = std::move(text);
  updates.push(std::move(update));
}

void commit_offsets(OffsetCommitter& committer, const std::vector<SplitProgress>& splits) {
  std::vector<KafkaClient::Position> positions;
  for (const auto& split : splits) positions.push_back({split.split.value, split.offset});
  committer.commit(std::move(positions));
}

struct ActorConfig : caf::actor_system_config {
  ActorConfig() {
    set("scheduler.max-threads", kSchedulerThreads);
    set("scheduler.policy", caf::atom("sharing"));
    set("logger.verbosity", caf::atom("quiet"));
    add_worker_messages(*this);
  }
};

std::uint32_t count_workers(const JobSpec& spec, const RunOptions& options) {
  if (options.workers) return *options.workers;
  return std::min(spec.parallelism, std::max(1u, std::thread::hardware_concurrency()));
}

// The actors of one run; ends them all when it goes.
class Cluster {
 public:
  Cluster(const PreparedJob& prepared, std::uint32_t workers, const RunOptions& run,
          UpdateQueue& updates)
      : system_(config_) {
    const auto shared = std::make_shared<LocalExchange>();
    coordinator_ = spawn_coordinator(system_);
    for (std::uint32_t i = 1; i <= workers; ++i) {
      WorkerOptions options{WorkerId(i),
                            prepared.folder->path() / "scratch" / ("worker-" + std::to_string(i)),
                            run.by_message ? std::make_shared<LocalExchange>() : shared,
                            SecretsFolder(run.secrets_folder)};
      options.warn = [&updates](std::string text) { push_warning(updates, std::move(text)); };
      workers_.push_back(spawn_worker(system_, std::move(options)));
      caf::anon_send(coordinator_,
                     RegisterWorker{WorkerId(i), caf::actor_cast<worker_control>(workers_.back())});
    }
    SubmitJob submit;
    submit.job = prepared.package;
    submit.store_url = prepared.folder->store_url();
    submit.models_folder = (prepared.folder->path() / "models").string();
    submit.scratch_folder = (prepared.folder->path() / "scratch" / "publish").string();
    submit.watcher = [&updates](JobUpdate update) { updates.push(std::move(update)); };
    caf::anon_send(coordinator_, std::move(submit));
  }
  ~Cluster() {
    for (auto& worker : workers_) {
      caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
    }
    caf::anon_send_exit(coordinator_, caf::exit_reason::user_shutdown);
    workers_.clear();
    coordinator_ = nullptr;
    system_.await_all_actors_done();
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void stop() { caf::anon_send(coordinator_, StopJob{}); }

 private:
  ActorConfig config_;
  caf::actor_system system_;
  coordinator_actor coordinator_;
  std::vector<worker_actor> workers_;
};

bool is_end(const JobUpdate& update) {
  return update.kind == "finished" || update.kind == "stopped" || update.kind == "failed";
}

}  // namespace

Result<RunSummary> run_embedded(const JobSpec& spec, const RunOptions& options,
                                ProgressSink& progress, const std::atomic<int>& stop_signal) {
  const auto began = steady_clock::now();
  MILLRACE_ASSIGN(const PreparedJob prepared, prepare_job(spec, options));
  const std::uint32_t workers = count_workers(prepared.package->spec, options);
  SummaryBuilder summary(prepared, workers, began);
  std::unique_ptr<EmbeddedServer> server;
  if (options.serve) {
    MILLRACE_ASSIGN(server, EmbeddedServer::start(prepared.folder->path() / "models"));
    summary.set_endpoint(server->endpoint());
  }
  summary.announce(progress);

  UpdateQueue updates;
  const auto warn = [&updates](std::string text) { push_warning(updates, std::move(text)); };
  MILLRACE_ASSIGN(auto committer,
                  OffsetCommitter::open(prepared.package->spec.source,
                                        SecretsFolder(options.secrets_folder), warn));
  std::optional<JobUpdate> ending;
  {
    Cluster cluster(prepared, workers, options, updates);
    bool is_stopping = false;
    while (!ending) {
      if (stop_signal.load() != 0 && !std::exchange(is_stopping, true)) cluster.stop();
      auto update = updates.pop(kPatience);
      if (!update) continue;
      if (server != nullptr && update->model != nullptr) {
        MILLRACE_TRY(server->publish(update->model));
      }
      if (committer != nullptr && update->kind == "checkpoint") {
        commit_offsets(*committer, update->splits);
      }
      if (is_end(*update)) {
        ending = std::move(update);
      } else {
        summary.take(*update, progress);
      }
    }
  }
  if (ending->kind == "failed") return ending->status;
  MILLRACE_ASSIGN(RunSummary result, summary.finish(*ending, *prepared.store, progress));
  if (stop_signal.load() == SIGINT && result.state == "stopped") result.state = "interrupted";
  if (server != nullptr && ending->kind == "finished") {
    summary.tell(progress, "serving",
                 "the stream has ended; predictions are answered at " + server->endpoint() +
                     " until Ctrl-C");
    while (stop_signal.load() == 0) std::this_thread::sleep_for(kPatience);
  }
  return result;
}

}  // namespace millrace
