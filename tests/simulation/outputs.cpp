#include "tests/simulation/outputs.hpp"

#include <algorithm>
#include <utility>

namespace millrace::sim {

Outputs::Outputs(World& world, Address home, Broker& broker, ReplicaId replica, CutId complete,
                 std::vector<StoredLane> lanes, std::function<void(CutId)> released)
    : world_(world),
      home_(home),
      broker_(broker),
      replica_(replica),
      released_(std::move(released)) {
  const auto own = std::ranges::find(lanes, replica.value, &StoredLane::lane);
  if (own == lanes.end()) {
    StoredLane fresh;
    fresh.lane = replica.value;
    fresh.incarnation = world.random().next();
    lanes.insert(lanes.begin(), std::move(fresh));
  } else {
    std::rotate(lanes.begin(), own, own + 1);
  }
  for (StoredLane& stored : lanes) {
    ReleasePlan::Options options;
    options.incarnation = stored.incarnation;
    options.is_claimed = stored.is_claimed;
    options.complete = complete;
    for (const auto& [cut, records] : stored.batches) options.batches.insert(cut);
    options.mutations = world.options().mutations.release;
    lanes_.push_back({std::move(stored), std::make_unique<ReleasePlan>(std::move(options)), 0});
  }
}

void Outputs::start() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) execute(i, lanes_[i].plan->start());
}

void Outputs::close(CutId cut) {
  if (pending_.empty()) return;
  lanes_[0].stored.batches[cut] =
      std::make_shared<const OutputRecords>(std::exchange(pending_, {}));
  lanes_[0].plan->on_batch(cut);
}

std::vector<StoredLane> Outputs::lanes() const {
  std::vector<StoredLane> all;
  for (const Lane& lane : lanes_) {
    if (&lane != &lanes_[0] && lane.stored.batches.empty()) continue;
    all.push_back(lane.stored);
    all.back().is_claimed = lane.plan->is_claimed();
  }
  return all;
}

void Outputs::complete(CutId cut) {
  complete_ = std::max(complete_, cut);
  for (std::size_t i = 0; i < lanes_.size(); ++i) execute(i, lanes_[i].plan->on_complete(cut));
  tell_released();
}

void Outputs::tick() {
  const ReleasePlan::Milliseconds now(world_.now() / kMillisecond);
  for (std::size_t i = 0; i < lanes_.size(); ++i) execute(i, lanes_[i].plan->on_tick(now));
}

void Outputs::tell_released() {
  CutId released = complete_;
  for (const Lane& lane : lanes_) released = std::min(released, lane.plan->released());
  if (released > CutId(0)) released_(released);
}

void Outputs::execute(std::size_t index, const std::vector<ReleaseEffect>& effects) {
  Lane& lane = lanes_[index];
  for (const ReleaseEffect& effect : effects) {
    if (!world_.survives(home_)) return;
    if (std::holds_alternative<release::Open>(effect)) {
      broker_.open(home_, lane.stored.lane,
                   [this, index, here = std::weak_ptr(is_here_)](Result<Broker::Opened> opened) {
                     if (here.expired()) return;
                     Result<std::optional<LaneMark>> mark = std::optional<LaneMark>();
                     if (opened.is_ok()) {
                       lanes_[index].epoch = opened.value().epoch;
                       mark = opened.value().mark;
                     } else {
                       mark = opened.status();
                     }
                     execute(index, lanes_[index].plan->on_opened(mark));
                   });
    } else if (const auto* write = std::get_if<release::Write>(&effect)) {
      const LaneMark mark{lane.stored.incarnation, write->cut};
      broker_.write(home_, lane.stored.lane, lane.epoch, lane.stored.batches.at(write->cut), mark,
                    [this, index, here = std::weak_ptr(is_here_)](const Status& status) {
                      if (here.expired()) return;
                      execute(index, lanes_[index].plan->on_written(status));
                    });
    } else if (std::holds_alternative<release::Released>(effect)) {
      tell_released();
    } else if (const auto* overtaken = std::get_if<release::Overtaken>(&effect)) {
      world_.remark("overtaken: " + overtaken->status.message());
    }
  }
  std::erase_if(lane.stored.batches,
                [&](const auto& batch) { return !lane.plan->batches().contains(batch.first); });
}

}  // namespace millrace::sim
