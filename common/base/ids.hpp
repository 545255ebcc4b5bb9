// Distinct types for the numbers that must never be swapped.
//
// Words are those of docs/architecture.md: an attempt is a run of a job between two restarts, a
// term is the coordinator's fencing number, a cut is the consistent state that a barrier defines.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace millrace {

template <typename Tag, typename Value>
struct StrongId {
  using value_type = Value;
  Value value{};

  constexpr StrongId() = default;
  constexpr explicit StrongId(Value v) : value(v) {}
  constexpr StrongId next() const { return StrongId(static_cast<Value>(value + 1)); }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

  // CAF and the simulator's codec serialise an id as its number.
  template <typename Inspector>
  friend typename Inspector::result_type inspect(Inspector& inspector, StrongId& id) {
    return inspector(id.value);
  }
};

using SplitId = StrongId<struct SplitTag, std::uint32_t>;
using ReplicaId = StrongId<struct ReplicaTag, std::uint32_t>;
using ShardId = StrongId<struct ShardTag, std::uint32_t>;
using WorkerId = StrongId<struct WorkerTag, std::uint32_t>;
using CutId = StrongId<struct CutTag, std::uint64_t>;
using Attempt = StrongId<struct AttemptTag, std::uint64_t>;
using Term = StrongId<struct TermTag, std::uint64_t>;
using Sequence =
    StrongId<struct SequenceTag, std::uint64_t>;  // numbers entries of one (replica, shard) stream
using Round = StrongId<struct RoundTag, std::uint64_t>;
using VersionId = StrongId<struct VersionTag, std::uint64_t>;  // a published model version
// Position in a split: a byte offset in a file, a record number in a generator, a Kafka offset.
using Offset = StrongId<struct OffsetTag, std::uint64_t>;

}  // namespace millrace

template <typename Tag, typename Value>
struct std::hash<millrace::StrongId<Tag, Value>> {
  std::size_t operator()(millrace::StrongId<Tag, Value> id) const noexcept {
    return std::hash<Value>{}(id.value);
  }
};
