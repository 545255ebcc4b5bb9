// The simulated sink: lanes with transactions, fencing and a mark, behind an unreliable line.
//
// A write may be refused, or nobody knows: it never arrives, arrives now, or arrives late, which
// counts only if nobody has taken the lane over since. What is committed is durable.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/record_ledger.hpp"
#include "tests/simulation/world.hpp"
#include "worker/core/release_plan.hpp"

namespace millrace::sim {

// What a replica puts out: one output for each record.
using OutputRecord = std::pair<SplitId, Offset>;
using OutputRecords = std::vector<OutputRecord>;

// A lane as a checkpoint keeps it.
struct StoredLane {
  std::uint32_t lane = 0;
  std::uint64_t incarnation = 0;
  bool is_claimed = false;
  std::map<CutId, std::shared_ptr<const OutputRecords>> batches;
};

class Broker {
 public:
  struct Opened {
    std::uint64_t epoch = 0;
    std::optional<LaneMark> mark;
  };
  // Told of every batch the moment it is committed.
  using Watch = std::function<void(const OutputRecords& records, CutId cut)>;

  explicit Broker(World& world) : world_(world) {}
  void watch(Watch committed) { watch_ = std::move(committed); }

  void open(Address from, std::uint32_t lane, std::function<void(Result<Opened>)> reply);
  void write(Address from, std::uint32_t lane, std::uint64_t epoch,
             std::shared_ptr<const OutputRecords> records, LaneMark mark,
             std::function<void(Status)> reply);

 private:
  struct Lane {
    std::uint64_t epoch = 0;
    std::optional<LaneMark> mark;
  };
  Time latency();

  World& world_;
  Watch watch_;
  std::map<std::uint32_t, Lane> lanes_;
};

}  // namespace millrace::sim
