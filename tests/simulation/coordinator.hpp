// A coordinator process: the shell round JobMachine, with the heartbeats that tell it who lives.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "coordinator/core/job_machine.hpp"
#include "tests/simulation/world.hpp"

namespace millrace::sim {

class Cluster;

class Coordinator {
 public:
  Coordinator(Cluster& cluster, World& world, ProcessId process, const std::string& writer);
  const JobMachine& machine() const { return machine_; }

  void start();
  void on_register(Address from, WorkerId worker, const std::optional<RunningPart>& running);
  void on_event(const JobEvent& event);

 private:
  void tick();
  void execute(std::vector<JobEffect> effects);
  void run(const ReleaseOutputs& effect);
  void run(const WriteLog& effect);
  void run(const ReadLog& effect);
  void run(const ListLog& effect);
  void run(const TrimLog& effect);
  void run(const StartWorker& effect);
  void run(const AdoptWorker& effect);
  void run(const StopAttempt& effect);
  void run(const TriggerCut& effect);
  void run(const AbortCut& effect);
  void run(const ReadManifest& effect);
  void run(const WriteManifest& effect);
  void run(const StoreSplits& effect);
  void run(const Publish& effect);
  void run(const PublishRestored& effect);
  void run(const RemoveCut& effect);
  void run(const JobFinished& effect);
  void run(const JobFailed& effect);
  void run(const JobCancelled& effect);
  void run(const SavepointTaken& effect);
  void run(const SavepointFailed& effect);
  void run(const SavepointReleased& effect);
  void run(const ReleaseFailed& effect);
  void run(const JobDeposed& effect);
  void run(const AuditFailed& effect);
  void run(const Note& effect);

  Cluster& cluster_;
  World& world_;
  Address home_;
  JobMachine machine_;
  std::map<WorkerId, Time> heard_;
  std::map<WorkerId, std::optional<RunningPart>> parts_;  // as handed on
  bool has_adopted_ = false;
  std::optional<StartFrom> from_;
};

}  // namespace millrace::sim
