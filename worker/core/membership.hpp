// Whether a worker's process belongs to its cluster, and what to do when it does not: which
// coordinator to try, when, and when to give one up.
//
// Place: the worker host owns one, tells it what happens and does what it returns. Pure: time is
// passed in, waits are drawn from a seed.
//
// Invariant: it never gives up, and between two tries it waits at most `backoff_max`. What the
// process runs is not its concern: that goes on whoever is reached.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/random.hpp"
#include "common/base/status.hpp"

namespace millrace {

using Milliseconds = std::chrono::milliseconds;

struct MembershipOptions {
  std::size_t addresses = 1;         // of coordinators, tried in turn
  Milliseconds backoff{100};         // before the second try, doubled with each
  Milliseconds backoff_max{2'000};   // larger ones find a new coordinator later
  Milliseconds answer_max{5'000};    // a coordinator that is reached and says nothing is given up
  Milliseconds silence_max{10'000};  // of a member's coordinator: it may hang while its links live
  std::uint64_t seed = 1;            // of the jitter
};

class Membership {
 public:
  enum class State : std::uint8_t { apart, connecting, asking, member };
  enum class Step : std::uint8_t { none, connect, ask, leave };  // leave: forget this coordinator

  explicit Membership(const MembershipOptions& options)
      : options_(options), random_(options.seed, 0x6A6F696E) {}

  State state() const { return state_; }
  bool is_member() const { return state_ == State::member; }
  // The coordinator that is tried, or belonged to.
  std::size_t address() const { return address_; }

  // `connect`: to address(), and tell what came of it. `leave`: it has been silent for too long.
  Step on_tick(Milliseconds now);
  Step on_connected(Milliseconds now);
  void on_unreachable(Milliseconds now);
  void on_welcome(Milliseconds now);
  void on_refused(Milliseconds now);
  // The connection to the coordinator broke.
  void on_lost(Milliseconds now);
  // The coordinator said something.
  void on_heard(Milliseconds now) { heard_at_ = now; }

 private:
  void wait(Milliseconds now);

  MembershipOptions options_;
  RandomStream random_;
  State state_ = State::apart;
  std::size_t address_ = 0;
  std::uint32_t failures_ = 0;  // in a row
  std::optional<Milliseconds> next_try_;
  Milliseconds heard_at_{};
};

}  // namespace millrace
