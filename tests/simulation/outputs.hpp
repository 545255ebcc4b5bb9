// A trainer's shell round its ReleasePlans: what it puts out, in its own lane and in those that it
// settles for replicas that are gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/simulation/broker.hpp"

namespace millrace::sim {

class Outputs {
 public:
  // Answers that come when this is gone change nothing.
  Outputs(World& world, Address home, Broker& broker, ReplicaId replica, CutId complete,
          std::vector<StoredLane> lanes, std::function<void(CutId)> released);

  void start();
  void put(SplitId split, Offset offset) { pending_.emplace_back(split, offset); }
  void close(CutId cut);
  std::vector<StoredLane> lanes() const;
  void complete(CutId cut);
  void tick();

 private:
  struct Lane {
    StoredLane stored;  // batches: those that the plan has
    std::unique_ptr<ReleasePlan> plan;
    std::uint64_t epoch = 0;
  };
  void execute(std::size_t index, const std::vector<ReleaseEffect>& effects);
  void tell_released();

  World& world_;
  Address home_;
  Broker& broker_;
  ReplicaId replica_;
  std::function<void(CutId)> released_;
  CutId complete_;
  OutputRecords pending_;
  std::vector<Lane> lanes_;  // the own one first
  std::shared_ptr<bool> is_here_ = std::make_shared<bool>(true);
};

}  // namespace millrace::sim
