// How fast a push of 4 MiB goes from one actor system to another over loopback, and an answer comes
// back: as one message, and in chunks as workers send it. Beside a copy of as many bytes.
#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "worker/actors/bulk_port.hpp"
#include "worker/actors/interfaces.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kFloats = std::size_t{1} << 20;
constexpr double kBytes = static_cast<double>(kFloats * sizeof(float));
constexpr int kRounds = 200;
constexpr int kRuns = 5;

struct Config : caf::actor_system_config {
  Config() {
    load<caf::io::middleman>();
    set("scheduler.max-threads", std::size_t{1});
    set("scheduler.policy", caf::atom("sharing"));
    set("middleman.workers", std::size_t{0});
    set("logger.verbosity", caf::atom("quiet"));
    add_worker_messages(*this);
  }
};

// Ends a round for the thread that measures.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    ++rung_;
    changed_.notify_one();
  }
  bool wait(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return rung_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int rung_ = 0;
};

struct State {
  BulkPort port{WorkerId(0)};
  static inline const char* name = "bench";
};
using Self = worker_actor::stateful_pointer<State>;

// Answers an entry with the values it came with; rings when an answer comes.
worker_actor::behavior_type behave(Self self, WorkerId id, bool in_chunks,
                                   std::shared_ptr<const ParameterView> view,
                                   std::shared_ptr<Bell> bell) {
  self->state.port = BulkPort(id);
  const auto reply = [self, in_chunks, view](const Entry& entry) {
    Answer answer;
    answer.attempt = entry.attempt;
    answer.replica = entry.replica;
    answer.shard = entry.shard;
    answer.sequence = entry.sequence;
    answer.values = view;
    const auto to = caf::actor_cast<worker_actor>(self->current_sender());
    if (!in_chunks) return self->send(to, std::move(answer));
    (void)self->state.port.send(self, caf::actor_cast<worker_control>(to), std::move(answer));
  };
  return {[](const order::StartAttempt&) {},
          [](const order::StopAttempt&) {},
          [](const order::TriggerCut&) {},
          [](const order::AbortCut&) {},
          [](const order::SendShards&) {},
          [](const order::ReleaseOutputs&) {},
          [](const AdoptAttempt&) {},
          [reply](const Entry& entry) { reply(entry); },
          [bell](const Answer&) { bell->ring(); },
          [self, reply, bell](const Chunk& chunk) {
            const auto whole = self->state.port.on_chunk(self, chunk);
            if (!whole) return;
            if (const auto* entry = std::get_if<Entry>(&*whole)) {
              reply(*entry);
            } else {
              bell->ring();
            }
          },
          [self](const ChunkAck& ack) { self->state.port.on_ack(self, ack); },
          [self, in_chunks](const OutgoingBulk& out) {
            if (in_chunks) {
              (void)self->state.port.send(self, out.to, out.message);
            } else {
              self->send(caf::actor_cast<worker_actor>(out.to), std::get<Entry>(out.message));
            }
          },
          [](const LocalReport&) {},
          [](const AttemptLoaded&) {}};
}

// GB/s, both ways together; 0 when it stalls.
double measure(bool in_chunks) {
  Config here_config, there_config;
  caf::actor_system here(here_config), there(there_config);
  here.await_actors_before_shutdown(false);
  there.await_actors_before_shutdown(false);
  auto view = std::make_shared<ParameterView>();
  view->vectors.resize(1);
  view->vectors[0].dense.assign(kFloats, 0.5f);
  auto push = std::make_shared<ParameterPush>();
  push->vectors = view->vectors;
  const auto bell = std::make_shared<Bell>();
  const auto worker = here.spawn(behave, WorkerId(1), in_chunks, view, bell);
  const auto peer = there.spawn(behave, WorkerId(2), in_chunks, view, bell);
  const auto port =
      there.middleman().publish(caf::actor_cast<worker_control>(peer), 0, "127.0.0.1");
  if (!port) return 0.0;
  const auto remote = here.middleman().remote_actor<worker_control>("127.0.0.1", *port);
  if (!remote) return 0.0;

  Entry entry;
  entry.payload = push;
  const auto began = Clock::now();
  for (int round = 1; round <= kRounds; ++round) {
    entry.sequence = Sequence(static_cast<std::uint64_t>(round));
    caf::anon_send(worker, OutgoingBulk{*remote, entry});
    if (!bell->wait(round)) return 0.0;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(peer, caf::exit_reason::user_shutdown);
  return 2.0 * kRounds * kBytes / seconds / 1e9;
}

double measure_copy() {
  std::vector<float> from(kFloats, 0.5f), to(kFloats);
  const auto began = Clock::now();
  for (int round = 0; round < 2 * kRounds; ++round) {
    from[0] = static_cast<float>(round);
    std::memcpy(to.data(), from.data(), kFloats * sizeof(float));
    asm volatile("" : : "r"(to.data()) : "memory");
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return 2.0 * kRounds * kBytes / seconds / 1e9;
}

}  // namespace
}  // namespace millrace

int main() {
  using namespace millrace;
  double whole = 0.0, chunks = 0.0, copy = 0.0;
  for (int run = 0; run < kRuns; ++run) {
    whole = std::max(whole, measure(false));
    chunks = std::max(chunks, measure(true));
    copy = std::max(copy, measure_copy());
  }
  std::printf("push of 4 MiB and answer of 4 MiB between two actor systems, best of %d runs\n",
              kRuns);
  std::printf("  one message     %6.2f GB/s\n", whole);
  std::printf("  in chunks       %6.2f GB/s\n", chunks);
  std::printf("  a copy          %6.2f GB/s\n", copy);
  std::printf("  faults          %llu\n", static_cast<unsigned long long>(message_faults().count));
  return whole > 0.0 && chunks > 0.0 ? 0 : 1;
}
