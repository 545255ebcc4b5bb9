#include "worker/serving/prediction_server.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <deque>
#include <mutex>
#include <thread>

#include "common/observe/metric_names.hpp"
#include "worker/serving/prediction_engine.hpp"

namespace millrace {
namespace {

// Requests of one engine call: enough to fill a batch with single rows, few enough to keep a round
// short.
constexpr std::size_t kRequestsPerRound = 1'024;

// Times are measured by a clock that nobody sets.
using Clock = std::chrono::steady_clock;

WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// A request with the frames that lead its answer back.
struct Waiting : net::RoutedMessage {
  WallTime arrived_at;
  Clock::time_point taken_at;
};

static_assert(std::tuple_size_v<decltype(ServingStats::latency_counts)> ==
              metric::kLatencyBounds.size() + 1);

void note_latency(Clock::duration latency, ServingStats& stats) {
  const double seconds = std::chrono::duration<double>(latency).count();
  const auto& bounds = metric::kLatencyBounds;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
  ++stats.latency_counts[static_cast<std::size_t>(bucket)];
  stats.latency_us += static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(latency).count());
}

constexpr std::size_t kCounters = sizeof(ServingStats) / sizeof(std::uint64_t);
using CounterArray = std::array<std::uint64_t, kCounters>;

}  // namespace

struct PredictionServer::State {
  explicit State(const PredictionServerOptions& server_options)
      : options(server_options), engine(server_options.batch_rows_max) {}

  void run();
  void receive();
  void refresh_catalog();
  void answer_round();
  void send(Waiting& waiting, ByteView reply);
  void refuse(Waiting& waiting);
  void deny(Waiting& waiting, const Status& status);
  void show_stats();
  template <typename Change>
  Status change_catalog(const Change& change);

  const PredictionServerOptions options;
  std::unique_ptr<net::GuardedSocket> clients;
  net::Waker waker;
  std::atomic<bool> is_stopping = false;
  std::mutex stop_mutex;

  // Published: written under the mutex, noticed by the serving thread through `generation`.
  mutable std::mutex mutex;
  std::shared_ptr<const ModelCatalog> published = std::make_shared<ModelCatalog>();
  std::atomic<std::uint64_t> generation = 0;
  std::array<std::atomic<std::uint64_t>, kCounters> shown_stats{};

  // Of the serving thread alone.
  std::shared_ptr<const ModelCatalog> catalog = published;
  std::uint64_t seen_generation = 0;
  PredictionEngine engine;
  std::deque<Waiting> queue;
  std::size_t queue_bytes = 0;
  std::vector<net::Message> parts;
  ServingStats stats;

  std::thread thread;
};

void PredictionServer::State::run() {
  bool is_last_round = false;
  while (!is_last_round) {
    is_last_round = is_stopping.load(std::memory_order_acquire);
    if (queue.empty() && !is_last_round) {
      const auto ready = clients->socket().wait(net::Socket::Event::readable,
                                                std::chrono::milliseconds(-1), &waker);
      // Fails only for a socket that is not one; to go on would be to serve nobody and say nothing.
      MILLRACE_CHECK(ready.is_ok());
    }
    receive();
    do {
      refresh_catalog();
      answer_round();
    } while (is_last_round && !queue.empty());
    show_stats();
  }
}

// Takes what has arrived, at most one queue's worth: later ones wait in the socket, whose own bound
// slows their senders down.
void PredictionServer::State::receive() {
  const WallTime now = wall_now();
  const Clock::time_point taken_at = Clock::now();
  for (std::size_t taken = 0; taken < options.queue_requests_max; ++taken) {
    const auto count = clients->socket().try_receive(parts);
    if (!count.is_ok() || count.value() == 0) return;
    Status allowed;
    if (auto* guard = clients->guard())
      allowed = guard->authorize(parts.back(), {security::ClientRole::predict});
    Waiting waiting{net::take_apart(parts, count.value()), now, taken_at};
    if (!allowed.is_ok()) {
      deny(waiting, allowed);
      continue;
    }
    const std::size_t bytes = waiting.payload.bytes().size();
    if (queue.size() >= options.queue_requests_max ||
        (!queue.empty() && queue_bytes + bytes > options.queue_bytes_max)) {
      refuse(waiting);
      continue;
    }
    queue_bytes += bytes;
    queue.push_back(std::move(waiting));
  }
}

void PredictionServer::State::refresh_catalog() {
  const auto now = generation.load(std::memory_order_acquire);
  if (now == seen_generation) return;
  const std::lock_guard lock(mutex);
  catalog = published;
  seen_generation = generation.load(std::memory_order_relaxed);
}

void PredictionServer::State::answer_round() {
  const std::size_t count = std::min(queue.size(), kRequestsPerRound);
  if (count == 0) return;
  std::vector<ArrivedFrame> frames;
  frames.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back({.bytes = queue[i].payload.bytes(), .arrived_at = queue[i].arrived_at});
  }
  const std::vector<Bytes> replies = engine.answer(*catalog, frames, wall_now(), stats);
  // They leave together: one look at the clock for the round.
  const Clock::time_point answered_at = Clock::now();
  for (const auto& reply : replies) {
    note_latency(answered_at - queue.front().taken_at, stats);
    queue_bytes -= queue.front().payload.bytes().size();
    send(queue.front(), reply);
    queue.pop_front();
  }
}

void PredictionServer::State::send(Waiting& waiting, ByteView reply) {
  waiting.route.emplace_back(reply);
  const auto sent = clients->socket().try_send(waiting.route);
  if (!sent.is_ok() || !sent.value()) ++stats.undeliverable;
}

void PredictionServer::State::refuse(Waiting& waiting) {
  ++stats.requests;
  ++stats.overloaded;
  send(waiting, PredictionEngine::overloaded(waiting.payload.bytes()));
}

void PredictionServer::State::deny(Waiting& waiting, const Status& status) {
  ++stats.requests;
  ++stats.denied;
  send(waiting, PredictionEngine::denied(waiting.payload.bytes(), status));
}

void PredictionServer::State::show_stats() {
  const auto counters = std::bit_cast<CounterArray>(stats);
  for (std::size_t i = 0; i < kCounters; ++i) {
    shown_stats[i].store(counters[i], std::memory_order_relaxed);
  }
}

template <typename Change>
Status PredictionServer::State::change_catalog(const Change& change) {
  const std::lock_guard lock(mutex);
  MILLRACE_ASSIGN(published, change(*published));
  generation.fetch_add(1, std::memory_order_release);
  return {};
}

Result<std::unique_ptr<PredictionServer>> PredictionServer::start(
    const PredictionServerOptions& options) {
  auto state = std::make_unique<State>(options);
  MILLRACE_ASSIGN(state->clients, net::GuardedSocket::open(options));
  state->thread = std::thread([serving = state.get()] { serving->run(); });
  return std::unique_ptr<PredictionServer>(new PredictionServer(std::move(state)));
}

PredictionServer::PredictionServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

PredictionServer::~PredictionServer() {
  stop();
}

void PredictionServer::stop() {
  const std::lock_guard lock(state_->stop_mutex);
  if (!state_->thread.joinable()) return;
  state_->is_stopping.store(true, std::memory_order_release);
  state_->waker.wake();
  state_->thread.join();
  state_->clients->close();
}

Status PredictionServer::publish(std::shared_ptr<const PublishedModel> model) {
  MILLRACE_CHECK(model != nullptr);
  return state_->change_catalog([&](const ModelCatalog& present) {
    return present.with_version(model, state_->options.versions_kept);
  });
}

Status PredictionServer::move_alias(const std::string& model, const ModelAlias& alias) {
  return state_->change_catalog([&](const ModelCatalog& present) {
    return present.with_alias(model, alias, state_->options.versions_kept);
  });
}

Status PredictionServer::serve(const std::string& name, std::shared_ptr<const PublishedModel> model,
                               const std::vector<ModelAlias>& aliases) {
  return state_->change_catalog([&](const ModelCatalog& present) {
    return present.with_order(name, model, aliases, state_->options.versions_kept);
  });
}

std::string PredictionServer::endpoint() const {
  return state_->clients->endpoint();
}

std::vector<ServedModel> PredictionServer::models() const {
  const std::lock_guard lock(state_->mutex);
  return state_->published->models();
}

net::GateStats PredictionServer::gate_stats() const {
  return state_->clients->stats();
}

ServingStats PredictionServer::stats() const {
  CounterArray counters;
  for (std::size_t i = 0; i < kCounters; ++i) {
    counters[i] = state_->shown_stats[i].load(std::memory_order_relaxed);
  }
  return std::bit_cast<ServingStats>(counters);
}

}  // namespace millrace
