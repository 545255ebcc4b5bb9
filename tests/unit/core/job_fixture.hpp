// A job for tests of JobMachine: its store and workers answer at once, or refuse when told to.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/job_machine.hpp"
#include "tests/unit/core/ledger.hpp"

namespace millrace::test {

using Effects = std::vector<JobEffect>;

inline constexpr Milliseconds kPatience{20'000};

inline Status full() {
  return Status(Code::resource_exhausted, "the disk is full", "make room");
}

// A job of two replicas and one shard on two workers, whose store answers at once.
struct Job {
  JobMachine machine;
  Effects seen;
  std::vector<CommitEntry> log;
  std::map<CutId, CutContents> manifests;
  std::optional<WriteOutcome> log_refusal;  // how the log refuses every write
  Milliseconds now{0};
  bool refuses_manifests = false;  // to write them
  bool hides_manifests = false;    // to read them

  static JobOptions options() {
    JobOptions o;
    o.writer = "a";
    o.parallelism = 2;
    o.retain = 1;
    o.checkpoint_interval = Milliseconds(1000);
    o.cut_timeout = Milliseconds(5000);
    o.restarts_max = 2;
    o.store_patience = kPatience;
    return o;
  }
  // Cuts are taken when asked for and at the end.
  static JobOptions without_interval() {
    JobOptions o = options();
    o.checkpoint_interval = Milliseconds(0);
    return o;
  }
  explicit Job(JobOptions o = options()) : machine(o) {}

  void feed(const JobEvent& event) {
    Effects effects = machine.on_event(event);
    for (JobEffect& effect : effects) {
      seen.push_back(effect);
      answer(effect);
    }
  }
  void answer(const JobEffect& effect) {
    if (const auto* write = std::get_if<WriteLog>(&effect)) {
      BOOST_REQUIRE_EQUAL(write->index, log.size());
      if (log_refusal) {
        feed(LogWritten{write->index, *log_refusal, full()});
        return;
      }
      log.push_back(write->entry);
      feed(LogWritten{write->index, WriteOutcome::created, {}});
    } else if (const auto* list = std::get_if<ListLog>(&effect)) {
      std::optional<std::uint64_t> newest;
      if (!log.empty()) newest = log.size() - 1;
      feed(LogListed{list->query, newest});
    } else if (const auto* read = std::get_if<ReadLog>(&effect)) {
      std::optional<CommitEntry> entry;
      if (read->index < log.size()) entry = log[read->index];
      feed(LogRead{read->index, entry});
    } else if (const auto* manifest = std::get_if<WriteManifest>(&effect)) {
      const Status refusal = refuses_manifests ? full() : Status();
      if (refusal.is_ok()) manifests[manifest->contents.cut] = manifest->contents;
      feed(ManifestWritten{manifest->contents.attempt, manifest->contents.cut, refusal});
    } else if (const auto* restore = std::get_if<ReadManifest>(&effect)) {
      if (hides_manifests) {
        feed(ManifestRead{restore->cut, Status(Code::io_error, "the disk does not answer")});
      } else if (manifests.contains(restore->cut)) {
        feed(ManifestRead{restore->cut, manifests.at(restore->cut)});
      } else {
        feed(ManifestRead{restore->cut, Status(Code::corrupted, "rotten")});
      }
    } else if (const auto* start = std::get_if<StartWorker>(&effect)) {
      feed(WorkerStarted{start->worker, start->attempt});
    } else if (const auto* adopt = std::get_if<AdoptWorker>(&effect)) {
      feed(WorkerStarted{adopt->worker, adopt->attempt});
    }
  }
  void run() {
    std::vector<SplitProgress> splits(2);
    splits[1].split = SplitId(1);
    feed(JobStarted{splits});
    feed(WorkerRegistered{WorkerId(1)});
  }
  void report(CutId cut, std::uint64_t records, bool is_finished = false) {
    ShardLedger ledger;
    for (std::uint32_t i = 0; i < 2; ++i) {
      SplitProgress split{SplitId(i), Offset(records), {}, is_finished};
      for (std::uint64_t k = 0; k < records; ++k) split.learned.add(SplitId(i), Offset(k));
      ledger.records.add(SplitId(i), split.learned);
      feed(TrainerSnapshot{machine.attempt(), cut, ReplicaId(i), {split}, is_finished});
    }
    feed(ShardSnapshot{machine.attempt(), cut, ShardId(0), ledger});
  }
  void store_part(CutId cut) {
    PartDigest part;
    part.worker = WorkerId(1);
    feed(WorkerPart{machine.attempt(), cut, part});
  }
  CutId trigger() {
    feed(CutRequested{});
    return *machine.cut_in_flight();
  }
  void refuse_cut() { feed(CutFailed{machine.attempt(), *machine.cut_in_flight(), full()}); }
  void end_data() {
    for (std::uint32_t i = 0; i < 2; ++i) feed(TrainerFinished{machine.attempt(), ReplicaId(i)});
  }
  void pass(Milliseconds time) {
    const Milliseconds end = now + time;
    while (now < end) feed(Tick{now = std::min(end, now + options().retry_interval)});
  }
  // Takes this cut.
  void complete(CutId cut, std::uint64_t records, bool is_finished = false) {
    report(cut, records, is_finished);
    store_part(cut);
  }
  std::size_t warnings_with(const std::string& text) const {
    std::size_t found = 0;
    for (const Note* note : all<Note>(seen)) {
      found += note->is_warning && note->text.find(text) != std::string::npos ? 1 : 0;
    }
    return found;
  }
  template <typename Kind>
  std::size_t count() const {
    return all<Kind>(seen).size();
  }
};

}  // namespace millrace::test
