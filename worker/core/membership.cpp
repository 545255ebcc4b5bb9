#include "worker/core/membership.hpp"

#include <algorithm>

namespace millrace {

// Between half of the wait and all of it, so that a cluster's workers do not come all at once.
void Membership::wait(Milliseconds now) {
  const auto doubled = options_.backoff * (std::uint64_t{1} << std::min(failures_, 20u));
  const auto longest = std::min<Milliseconds>(doubled, options_.backoff_max);
  const double share = 0.5 + 0.5 * random_.uniform();
  next_try_ =
      now + Milliseconds(static_cast<std::int64_t>(static_cast<double>(longest.count()) * share));
  ++failures_;
  address_ = (address_ + 1) % options_.addresses;
  state_ = State::apart;
}

Membership::Step Membership::on_tick(Milliseconds now) {
  switch (state_) {
    case State::apart:
      if (next_try_ && now < *next_try_) return Step::none;
      state_ = State::connecting;
      return Step::connect;
    case State::connecting:
      return Step::none;  // whoever connects has a time limit and tells
    case State::asking:
      if (now - heard_at_ < options_.answer_max) return Step::none;
      wait(now);
      return Step::leave;
    case State::member:
      if (now - heard_at_ < options_.silence_max) return Step::none;
      wait(now);
      return Step::leave;
  }
  return Step::none;
}

Membership::Step Membership::on_connected(Milliseconds now) {
  if (state_ != State::connecting) return Step::none;
  state_ = State::asking;
  heard_at_ = now;
  return Step::ask;
}

void Membership::on_unreachable(Milliseconds now) {
  if (state_ == State::connecting) wait(now);
}

void Membership::on_welcome(Milliseconds now) {
  if (state_ != State::asking) return;
  state_ = State::member;
  failures_ = 0;
  heard_at_ = now;
}

void Membership::on_refused(Milliseconds now) {
  if (state_ == State::asking || state_ == State::member) wait(now);
}

void Membership::on_lost(Milliseconds now) {
  if (state_ == State::asking || state_ == State::member) wait(now);
}

}  // namespace millrace
