// What the coordinator keeps beside its ClusterState: handles, runs of jobs, what was asked of it.
//
// Place: only coordinator.cpp and its parts include it. It turns messages into events of the
// cluster's state and executes the effects; where slots are given and taken is decided there.
//
// Everything here runs on the coordinator's actor, which never blocks: stores, catalogue and
// registries are worked on by detached actors (apart.hpp), whose answers carry the life of the run
// that asked, so that what comes late changes nothing.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/limits.hpp"
#include "common/store/checkpoint_store.hpp"
#include "coordinator/actors/apart.hpp"
#include "coordinator/actors/coordinator.hpp"
#include "coordinator/registry/share_turns.hpp"
#include "coordinator/status/event_ring.hpp"
#include "coordinator/status/job_figures.hpp"
#include "coordinator/status/operation_list.hpp"

namespace millrace {

struct CoordinatorState;
using CoordinatorSelf = coordinator_actor::stateful_pointer<CoordinatorState>;

// Where a job keeps its checkpoints, for who works on them apart.
struct JobStore {
  std::string url;
  StoreOptions options;
  Result<std::unique_ptr<CheckpointStore>> open() const {
    return open_checkpoint_store(url, options);
  }
};

struct HostRecord {
  worker_host handle;  // null: lost
  WorkerOutline outline;
  // What it said it runs when it joined, until the job's master was told.
  std::map<std::string, HostedJob> hosted;
  std::uint64_t joined_at_ms = 0;
  std::uint64_t heard_at_ms = 0;
  bool is_leaving = false;  // it waits to be released
};

// A change of a job's parallelism, from the request until every replica trains.
struct Rescale {
  std::uint32_t parallelism = 0;
  std::string operation;
  CatalogJob target;
  // Set once `target` is stored and begun: what the job goes back to where that cannot run.
  std::optional<CatalogJob> before;
};

// A job that is in the catalogue, running or not.
struct JobRun {
  CatalogJob entry;
  std::optional<CatalogJob> next;  // an update, which begins when this run has ended
  std::optional<Rescale> rescale;
  std::string rescale_waits;  // for what, where it was accepted by a former coordinator
  std::uint64_t life = 0;     // rises with every beginning and end
  control::JobState state = control::JobState::waiting;
  std::string message;
  bool is_recovered = false;  // a former coordinator ran it
  JobSpec spec;               // as submitted
  JobFigures figures;
  EventRing events;
  job_master_actor master;  // null: none leads it
  Term term;                // that its master took over with; 0: not yet
  // While a worker prepares it, or is looked for.
  bool is_preparing = false;
  std::optional<WorkerId> preparer;
  std::uint64_t prepare_request = 0;
  std::set<WorkerId> asked;  // refused, each for a reason that may not hold elsewhere
  Status refusal;            // the newest of them
  JobPackagePtr stored;      // what an earlier run fixed
  // The store could not be opened: it is tried again then.
  std::optional<std::chrono::steady_clock::time_point> retry_at;
  std::map<std::string, std::string> operations;       // id -> kind, of those that wait for it
  std::map<std::string, std::string> next_operations;  // that wait for `next`
  std::optional<ServeVersion> served;                  // what clients are answered from
  // Shared: what is under way for a former job of this name finds another.
  std::shared_ptr<ShareTurns> sharing = std::make_shared<ShareTurns>();
  std::chrono::steady_clock::time_point share_again_at;  // at the earliest, where that failed

  JobRun(CatalogJob job, std::uint64_t first_event)
      : entry(std::move(job)), events(first_event, limits::kJobEventsKept) {}
  bool is_ended() const { return control::is_ended(state); }
};

struct CoordinatorState {
  CoordinatorOptions options;
  std::optional<JoinGate> gate;
  std::optional<ClusterState> cluster;
  std::deque<ClusterEvent> events;  // to be fed to it; effects may bring more
  bool is_stepping = false;
  std::map<WorkerId, HostRecord> hosts;
  std::map<std::string, JobRun> runs;
  std::optional<OperationList> operations;
  std::optional<EventRing> cluster_events;
  apart_actor catalog;  // works on the catalogue, one thing after the other
  // Jobs whose entry is being stored, and what waits until it is.
  std::map<std::string, std::vector<std::function<void()>>> storing;
  std::map<std::string, std::set<WorkerId>> drains;  // operation -> the worker it waits for
  std::uint64_t next_request = 1;
  std::uint64_t started_at_ms = 0;
  std::uint64_t faults_told = 0;  // of messages, in this process
  // Of an embedded run.
  std::map<WorkerId, worker_control> workers;
  std::map<std::string, job_master_actor> masters;
  static inline const char* name = "coordinator";
};

std::uint64_t unix_now();
JobFigures::Now present();

// ---- Hosts (coordinator_hosts.cpp)

void on_ask_to_join(CoordinatorSelf self, const AskToJoin& asked);
void on_join(CoordinatorSelf self, const JoinCluster& join);
void on_opened(CoordinatorSelf self, const JobOpened& opened);
void on_leave(CoordinatorSelf self, const LeaveCluster& leave);
void on_down(CoordinatorSelf self, const caf::down_msg& down);
void step_cluster(CoordinatorSelf self, ClusterEvent event);
// On every host that it was granted.
void open_job(CoordinatorSelf self, JobRun& run);
std::string host_name(CoordinatorSelf self, WorkerId worker);

// ---- Jobs (coordinator_jobs.cpp, coordinator_preparation.cpp)

JobRun* find_run(CoordinatorSelf self, const std::string& job);
JobStore store_of(CoordinatorSelf self, const JobRun& run);
// The run, if it is still the one of that life.
JobRun* find_run(CoordinatorSelf self, const std::string& job, std::uint64_t life);
JobRun& add_run(CoordinatorSelf self, const CatalogJob& entry);
// The figures of a job that ended before this coordinator began.
void recall_job(CoordinatorSelf self, JobRun& run);
void begin_job(CoordinatorSelf self, JobRun& run, bool is_recovered);
void ask_to_prepare(CoordinatorSelf self, JobRun& run);
void on_prepared(CoordinatorSelf self, const JobPrepared& prepared);
void on_news(CoordinatorSelf self, const JobNews& news);
// Ends the run as it stands, or drains it first where it trains.
void stop_run(CoordinatorSelf self, JobRun& run, const std::string& savepoint = {});
void end_run(CoordinatorSelf self, JobRun& run, control::JobState state, const Status& why);
void note(JobRun& run, const char* severity, const std::string& kind, const std::string& message);
void set_state(JobRun& run, control::JobState state, const std::string& message);
void finish_operations(CoordinatorSelf self, JobRun& run, const std::set<std::string>& kinds,
                       const Status& status, const std::string& result);
// Durable before `then` is called with ok. Requests that change the job wait meanwhile.
void store_entry(CoordinatorSelf self, const CatalogJob& entry, std::function<void(Status)> then);

// ---- Another parallelism (coordinator_rescale.cpp)

// `then` is told the operation's id once the wish is durable: that of the change under way, where
// the same is asked for again.
void rescale_run(CoordinatorSelf self, JobRun& run, std::uint32_t parallelism,
                 const std::string& client, const std::function<void(Result<std::string>)>& then);
// Begins what a former coordinator was asked for, as soon as the job trains and there is room.
void resume_rescale(CoordinatorSelf self, JobRun& run);
// It is not wanted any more; its operation ends with the run.
void drop_rescale(JobRun& run);
// Whether the job goes on, at the new parallelism or the old one, when its run ends so.
bool will_continue(const JobRun& run, control::JobState ended);
// The run has ended so. False when that ends the job as well.
bool continue_rescale(CoordinatorSelf self, JobRun& run, control::JobState ended,
                      const Status& why);

// ---- Versions (coordinator_models.cpp)

// Puts what clients are answered from into the store and orders it to be served.
void share_model(CoordinatorSelf self, JobRun& run);
// Where that, or a worker, has failed, and some time has passed.
void share_again(CoordinatorSelf self, JobRun& run, std::chrono::steady_clock::time_point now);
void serve_all(CoordinatorSelf self, const HostRecord& host);
void on_serving(CoordinatorSelf self, const ServingNews& news);

// ---- Requests (coordinator_control.cpp, coordinator_answers.cpp)

void answer_control(CoordinatorSelf self, const AskControl& ask);
control::JobStatus status_of(CoordinatorSelf self, const JobRun& run);
control::JobList list_jobs(CoordinatorSelf self);
control::JobDescription describe(CoordinatorSelf self, const JobRun& run);
control::WorkerList list_workers(CoordinatorSelf self);
// These read stores and registries: they block.
Result<control::CheckpointList> read_checkpoints(const JobStore& from);
Result<control::ModelList> read_models(const std::filesystem::path& state,
                                       const std::vector<std::string>& jobs);
Result<control::AliasList> read_aliases(const std::filesystem::path& state, const std::string& job);

}  // namespace millrace
