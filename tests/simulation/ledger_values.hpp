// Shard values whose "parameters" are the records that were applied: exactly once becomes an
// equality.
#pragma once

#include <memory>
#include <utility>

#include "worker/core/shard_values.hpp"

namespace millrace::sim {

struct LedgerPush : PushPayload {
  explicit LedgerPush(Fingerprint f) : records(std::move(f)) {}
  Fingerprint records;
};

struct LedgerView : ViewPayload {
  explicit LedgerView(Fingerprint f) : records(std::move(f)) {}
  Fingerprint records;
};

class LedgerValues : public ShardValues {
 public:
  LedgerValues(Fingerprint records, bool is_elastic)
      : records_(std::move(records)), is_elastic_(is_elastic) {}

  Status check(const PushPayload&) const override { return {}; }
  void apply(ReplicaId, const PushPayload& payload, double) override {
    records_.add(static_cast<const LedgerPush&>(payload).records);
  }
  void apply_round(std::span<const RoundPush> pushes) override {
    for (const RoundPush& push : pushes) apply(push.replica, *push.payload, push.weight);
  }
  std::unique_ptr<ShardValues> clone() const override {
    return std::make_unique<LedgerValues>(records_, is_elastic_);
  }
  // Elastic: what the push moved is the push itself, so that the replica can count it.
  std::shared_ptr<const ViewPayload> answer(ReplicaId, const PushPayload* applied) override {
    if (!is_elastic_) return std::make_shared<LedgerView>(records_);
    if (applied == nullptr) return nullptr;
    return std::make_shared<LedgerView>(static_cast<const LedgerPush*>(applied)->records);
  }
  std::size_t bytes() const override { return 1; }

  const Fingerprint& records() const { return records_; }

 private:
  Fingerprint records_;
  bool is_elastic_;
};

}  // namespace millrace::sim
