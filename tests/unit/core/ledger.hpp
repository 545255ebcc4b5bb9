// A shard's values and a replica's pushes as sets of records, and short ways to make entries.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "worker/core/shard_core.hpp"

namespace millrace::test {

struct NumberPush : PushPayload {
  explicit NumberPush(double n) : number(n) {}
  double number;
};
struct NumberView : ViewPayload {
  explicit NumberView(double n) : number(n) {}
  double number;
};

// One number: pushes add to it by weight, elastic answers say what a push moved. NaN is refused.
class NumberValues : public ShardValues {
 public:
  explicit NumberValues(double number, bool is_elastic = false)
      : number_(number), is_elastic_(is_elastic) {}
  Status check(const PushPayload& payload) const override {
    const double number = static_cast<const NumberPush&>(payload).number;
    if (number == number) return {};
    return Status(Code::invalid_argument, "the push is not a number");
  }
  void apply(ReplicaId, const PushPayload& payload, double weight) override {
    number_ += weight * static_cast<const NumberPush&>(payload).number;
  }
  void apply_round(std::span<const RoundPush> pushes) override {
    for (const RoundPush& push : pushes) {
      order.push_back(push.replica);
      apply(push.replica, *push.payload, push.weight);
    }
  }
  std::unique_ptr<ShardValues> clone() const override {
    return std::make_unique<NumberValues>(number_, is_elastic_);
  }
  std::shared_ptr<const ViewPayload> answer(ReplicaId, const PushPayload* applied) override {
    if (!is_elastic_) return std::make_shared<NumberView>(number_);
    if (applied == nullptr) return nullptr;
    return std::make_shared<NumberView>(static_cast<const NumberPush*>(applied)->number);
  }
  std::size_t bytes() const override { return 100; }
  double number() const { return number_; }

  std::vector<ReplicaId> order;

 private:
  double number_;
  bool is_elastic_;
};

inline Entry push_entry(std::uint32_t replica, std::uint64_t sequence, double number,
                        std::uint64_t records = 1) {
  Entry entry;
  entry.attempt = Attempt(1);
  entry.replica = ReplicaId(replica);
  entry.sequence = Sequence(sequence);
  entry.round = Round(sequence);
  entry.records = records;
  entry.payload = std::make_shared<NumberPush>(number);
  RecordSums sums;
  for (std::uint64_t i = 0; i < records; ++i)
    sums.add(SplitId(replica), Offset(sequence * 100 + i));
  entry.fingerprint.add(SplitId(replica), sums);
  return entry;
}

inline Entry barrier_entry(std::uint32_t replica, std::uint64_t sequence, std::uint64_t cut) {
  Entry entry;
  entry.attempt = Attempt(1);
  entry.replica = ReplicaId(replica);
  entry.sequence = Sequence(sequence);
  entry.kind = EntryKind::barrier;
  entry.cut = CutId(cut);
  return entry;
}

// The effects of one kind, in order.
template <typename Kind, typename Effect>
std::vector<const Kind*> all(const std::vector<Effect>& effects) {
  std::vector<const Kind*> found;
  for (const Effect& effect : effects) {
    if (const auto* kind = std::get_if<Kind>(&effect)) found.push_back(kind);
  }
  return found;
}

inline double value_of(const Answer& answer) {
  return static_cast<const NumberView&>(*answer.values).number;
}

}  // namespace millrace::test
