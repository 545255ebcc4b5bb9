// Decides when what a replica has put out is written to a sink, so that it arrives exactly once.
//
// Place: one per lane, that is per sink and replica; a LaneWriter owns it, holds the batches
// themselves and executes the effects. Pure: no I/O, no clock; time is handed in.
//
// A batch holds what was put out between two cuts and is named by the later one. The sink keeps a
// mark beside the outputs, written in one transaction with them: the lane's incarnation and the
// newest cut that was written. Whoever takes over a lane first makes writers before it fail, and
// then reads the mark.
//
// Invariants: a batch is written only when its cut, or a later one, is known to be complete; in
// order; and only while the lane is held since the mark was read. After every failure, a fence
// included, the lane is taken over again and the mark says what has arrived.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"

namespace millrace {

// What a sink remembers of a lane. A job that is begun afresh draws another incarnation: its cuts
// are numbered from 1 again.
struct LaneMark {
  std::uint64_t incarnation = 0;
  CutId cut;
  friend bool operator==(const LaneMark&, const LaneMark&) = default;
};

namespace release {
// Make earlier writers of the lane fail, then read its mark: on_opened.
struct Open {};
// This batch and the mark, in one transaction: on_written.
struct Write {
  CutId cut;
};
// The sink has every output up to this cut; batches up to it may be forgotten.
struct Released {
  CutId cut;
};
// For people; it is tried again.
struct Trouble {
  Status status;
};
// For people: some outputs may be in the sink twice.
struct Repeated {
  std::string why;
};
// Another job has the lane: nothing is written any more.
struct Overtaken {
  Status status;
};
}  // namespace release
using ReleaseEffect = std::variant<release::Open, release::Write, release::Released,
                                   release::Trouble, release::Repeated, release::Overtaken>;

// Deliberate bugs for the simulator; production leaves all of them off.
struct ReleaseMutations {
  bool write_before_complete = false;
  bool forget_mark = false;
};

class ReleasePlan {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kBackoffFirst{100};
  static constexpr Milliseconds kBackoffLast{30'000};

  // `is_claimed`: this incarnation has written to the lane before, as far as the restored cut
  // knows. `complete`: the cut that the attempt goes on from; `batches`: those that it holds.
  struct Options {
    std::uint64_t incarnation = 0;
    bool is_claimed = false;
    CutId complete = {};
    std::set<CutId> batches = {};
    ReleaseMutations mutations = {};
  };
  explicit ReleasePlan(Options options);

  // Takes over the lane, so that earlier writers end even where nothing is left to write.
  std::vector<ReleaseEffect> start();
  // A batch was closed by this cut; later than every one before. Nothing follows from it: the cut
  // is not complete before the batch is in the checkpoint.
  void on_batch(CutId cut);
  // The cut is complete in the log.
  std::vector<ReleaseEffect> on_complete(CutId cut);
  // Nothing: the sink has no mark of this lane.
  std::vector<ReleaseEffect> on_opened(const Result<std::optional<LaneMark>>& mark);
  std::vector<ReleaseEffect> on_written(const Status& status);
  std::vector<ReleaseEffect> on_tick(Milliseconds now);

  CutId complete() const { return complete_; }
  // The sink has all up to this cut.
  CutId released() const { return released_; }
  const std::set<CutId>& batches() const { return batches_; }
  bool is_claimed() const { return is_claimed_; }
  std::uint64_t incarnation() const { return incarnation_; }
  // Something complete has not been written.
  bool is_behind() const { return released_ < complete_; }

 private:
  enum class State : std::uint8_t { closed, opening, open, writing, overtaken };
  using Effects = std::vector<ReleaseEffect>;

  void step(Effects& effects);
  void fail(const Status& status, Effects& effects);
  void take_mark(const std::optional<LaneMark>& mark, Effects& effects);

  std::uint64_t incarnation_;
  bool is_claimed_;
  CutId complete_;
  std::set<CutId> batches_;
  ReleaseMutations mutations_;
  CutId released_;
  bool is_taken_over_ = false;  // once since the attempt began
  State state_ = State::closed;
  Milliseconds now_{0};
  Milliseconds rests_until_{0};
  Milliseconds backoff_ = kBackoffFirst;
};

}  // namespace millrace
