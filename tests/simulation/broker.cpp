#include "tests/simulation/broker.hpp"

namespace millrace::sim {

namespace {

Status unanswered() {
  return {Code::timed_out, "the broker does not answer"};
}

}  // namespace

Time Broker::latency() {
  const auto most = static_cast<std::uint64_t>(world_.options().faults.store_latency);
  return 1 + static_cast<Time>(world_.random().below(most));
}

void Broker::open(Address from, std::uint32_t lane, std::function<void(Result<Opened>)> reply) {
  const auto& faults = world_.options().faults;
  const bool is_lost =
      !world_.is_healed() && world_.random().uniform() < faults.store_error + faults.loss / 2;
  const Time there = latency(), back = there + latency();
  auto opened = std::make_shared<Opened>();
  world_.outside(there, [this, lane, opened] {
    Lane& held = lanes_[lane];
    held.epoch += 1;
    *opened = {held.epoch, held.mark};
  });
  world_.after(from, back, "lane opened", [reply = std::move(reply), opened, is_lost] {
    reply(is_lost ? Result<Opened>(unanswered()) : Result<Opened>(*opened));
  });
}

void Broker::write(Address from, std::uint32_t lane, std::uint64_t epoch,
                   std::shared_ptr<const OutputRecords> records, LaneMark mark,
                   std::function<void(Status)> reply) {
  const auto& faults = world_.options().faults;
  const double draw = world_.random().uniform();
  const bool is_refused = !world_.is_healed() && draw < faults.store_error;
  const bool is_unanswered = !world_.is_healed() && !is_refused &&
                             draw < faults.store_error + faults.store_ambiguous + faults.loss / 2;
  const std::uint64_t fate = is_unanswered ? world_.random().below(3) : 0;
  const Time there = latency(), back = there + latency();
  const bool is_late = is_unanswered && fate == 1;
  auto outcome = std::make_shared<Status>(is_refused ? unanswered() : Status());
  const auto commit = [this, lane, epoch, records = std::move(records), mark, outcome] {
    Lane& held = lanes_[lane];
    if (held.epoch != epoch) {
      *outcome = Status(Code::conflict, "fenced");
      return;
    }
    held.mark = mark;
    watch_(*records, mark.cut);
  };
  const bool arrives = !is_refused && !(is_unanswered && fate == 2);
  if (arrives) world_.outside(is_late ? back + 40 * latency() : there, commit);
  world_.after(from, back, "lane written", [reply = std::move(reply), outcome, is_unanswered] {
    reply(is_unanswered ? unanswered() : *outcome);
  });
}

}  // namespace millrace::sim
