// All processes of one run, who is where, and the faults that strike them.
//
// Place: `run` builds one per seed. Coordinators and workers are thin shells; messages between them
// go through the World.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "tests/simulation/checkers.hpp"
#include "tests/simulation/coordinator.hpp"
#include "tests/simulation/serving.hpp"
#include "tests/simulation/store.hpp"
#include "tests/simulation/worker.hpp"
#include "tests/simulation/world.hpp"

namespace millrace::sim {

// How many replicas and shards the job is wanted with.
struct Sizes {
  std::uint32_t replicas = 1;
  std::uint32_t shards = 1;
};

class Cluster {
 public:
  Cluster(const SimOptions& options, bool keeps_trace);

  // Until the job has ended or a promise is broken.
  void run();
  // Whether the job ran when the first coordinator died first.
  bool was_running_at_crash() const { return was_running_at_crash_; }

  World& world() { return world_; }
  Store& store() { return store_; }
  Broker& broker() { return broker_; }
  const Truth& truth() const { return truth_; }
  Checkers& checkers() { return checkers_; }
  Serving& serving() { return serving_; }

  void register_worker(Address from, WorkerId worker, std::optional<RunningPart> running);
  // What coordinators are told to start from, once a client has asked for it.
  const std::optional<StartFrom>& start_from() const { return start_from_; }
  // What coordinators that start now lead the job with.
  const Sizes& sizes() const { return sizes_; }
  void send_to_master(Address from, Address master, const char* what, JobEvent event);
  void send_entry(Address from, WorkerId to, const Entry& entry);
  void send_answer(Address from, WorkerId to, const Answer& answer);
  // To the worker, if that life of it still exists.
  template <typename Message, typename Deliver>
  void send_to_worker(Address from, WorkerId to, const char* what, Message message,
                      Deliver deliver) {
    const auto found = addresses_.find(to);
    if (found == addresses_.end()) return;
    const ProcessId process = found->second.process;
    world_.send(from, found->second, what, message_number(message),
                [this, process, message = std::move(message), deliver] {
                  if (workers_[process]) deliver(*workers_[process], message);
                });
  }

  // An order, which must change nothing when its receiver has heard of a higher term.
  template <typename Message, typename Handle>
  void send_order(Address from, WorkerId to, const char* what, Message message, Handle handle) {
    send_to_worker(from, to, what, std::move(message),
                   [this, handle](Worker& worker, const Message& order) {
                     const bool is_fenced = checkers_.fencing().is_old(worker.id(), order.term);
                     const std::uint64_t before = worker.state_hash();
                     handle(worker, order);
                     if (!is_fenced || before == worker.state_hash()) return;
                     checkers_.report("an order of an older term changed a worker");
                   });
  }

  void job_finished(const JobFinished& finished);
  void job_failed(const Status& status);
  void job_cancelled();

 private:
  static std::uint64_t message_number(const Entry& entry) { return entry.sequence.value; }
  static std::uint64_t message_number(const Answer& answer) { return answer.sequence.value; }
  static std::uint64_t message_number(const TriggerCut& trigger) { return trigger.cut.value; }
  static std::uint64_t message_number(const ReleaseOutputs& release) { return release.cut.value; }
  static std::uint64_t message_number(const AbortCut& abort) { return abort.cut.value; }
  static std::uint64_t message_number(const StartWorker& start) { return start.attempt.value; }
  static std::uint64_t message_number(const AdoptWorker& adopt) { return adopt.attempt.value; }
  static std::uint64_t message_number(const StopAttempt& stop) { return stop.attempt.value; }

  void start_worker(ProcessId process);
  void start_coordinator(ProcessId process);
  void restart_later(ProcessId process);
  void plan_faults();
  void plan_client();
  void plan_script();
  void play(const Scripted& event);
  void play_request(const Scripted& event, Coordinator& coordinator);
  void plan_savepoints();
  void branch();
  void branch_from(CutId cut);
  void plan_rescales();
  void rescale();
  void rescale(Sizes sizes);
  void begin_rescaled(Sizes sizes);
  Coordinator* leader();
  void strike_partition();
  ProcessId any_process();
  bool is_coordinator(ProcessId process) const;
  void note_crash(ProcessId process);
  void heal();
  void settle();

  World world_;
  Truth truth_;
  Store store_;
  Broker broker_;
  Checkers checkers_;
  Serving serving_;
  std::vector<ProcessId> coordinator_ids_;
  std::vector<ProcessId> worker_ids_;
  std::map<ProcessId, std::unique_ptr<Coordinator>> coordinators_;
  std::map<ProcessId, std::unique_ptr<Worker>> workers_;
  std::map<WorkerId, Address> addresses_;
  std::vector<std::unique_ptr<Worker>> dead_workers_;  // may still be on the call stack
  std::vector<std::unique_ptr<Coordinator>> dead_coordinators_;
  std::uint32_t next_worker_ = 1;
  std::uint32_t coordinator_lives_ = 0;
  std::optional<StartFrom> start_from_;
  int next_savepoint_ = 1;
  Sizes sizes_;
  // What the job is to go on with when the coordinator that was told has drained it; as long as
  // that lives.
  std::optional<Sizes> wanted_;
  int next_rescale_ = 1;
  bool was_running_at_crash_ = false;
  bool has_ended_ = false;
};

}  // namespace millrace::sim
