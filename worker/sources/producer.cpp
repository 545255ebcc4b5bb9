#include "worker/sources/producer.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "common/base/limits.hpp"
#include "common/net/socket.hpp"
#include "common/wire/ingest.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// So long without news, and the source is asked how far it is.
constexpr milliseconds kAskAfter{500};
constexpr milliseconds kWait{50};

}  // namespace

struct Producer::State {
  explicit State(const ProducerOptions& wanted) : options(wanted) {}

  Status step(const GoOn& go_on);
  Status ask();
  Status send_on();
  Status take_replies();
  Status take(const wire::IngestReply& reply);
  void take_progress(const wire::IngestProgress& progress);
  void go_back_to(std::uint64_t sequence);
  Status check_patience() const;
  bool is_full() const {
    return kept.size() >= limits::kIngestWindowMessages || kept_bytes >= limits::kIngestWindowBytes;
  }

  ProducerOptions options;
  net::Context context;
  std::optional<net::Socket> socket;
  std::vector<net::Message> parts;

  std::deque<Bytes> kept;  // the first one has number acknowledged + 1
  std::size_t kept_bytes = 0;
  std::uint64_t acknowledged = 0;  // may be beyond what was sent in this life
  std::uint64_t next = 1;          // to be sent
  std::uint64_t sent_most = 0;     // all of them once
  std::uint64_t asked_at = 0;      // `next` when the source was asked last
  std::uint64_t gap_at = 0;        // the last gap that was told
  bool is_welcome = false;
  Clock::time_point began = Clock::now();
  Clock::time_point heard = began;
  Clock::time_point asked = began - kAskAfter;
  ProducerFigures figures;
};

Status Producer::State::ask() {
  const auto now = Clock::now();
  if (now - asked < kAskAfter || (is_welcome && now - heard < kAskAfter)) return {};
  asked = now;
  asked_at = next;
  MILLRACE_ASSIGN(const Bytes frame,
                  wire::encode_ingest_request({options.name, acknowledged, wire::IngestHello{}}));
  std::vector<net::Message> message;
  message.emplace_back(ByteView(frame));
  return socket->try_send(message).status();
}

Status Producer::State::send_on() {
  while (is_welcome && next <= acknowledged + kept.size()) {
    std::vector<net::Message> message;
    message.emplace_back(ByteView(kept[next - acknowledged - 1]));
    MILLRACE_ASSIGN(const bool is_sent, socket->try_send(message));
    if (!is_sent) return {};
    if (next <= sent_most) ++figures.resent;
    sent_most = std::max(sent_most, next);
    ++next;
  }
  return {};
}

void Producer::State::go_back_to(std::uint64_t sequence) {
  next = std::max(std::min(next, sequence), acknowledged + 1);
}

void Producer::State::take_progress(const wire::IngestProgress& progress) {
  while (acknowledged < progress.acknowledged) {
    ++acknowledged;
    if (kept.empty()) continue;
    kept_bytes -= kept.front().size();
    kept.pop_front();
  }
  next = std::max(next, acknowledged + 1);
  figures.acknowledged = std::min(acknowledged, figures.messages);
}

Status Producer::State::take(const wire::IngestReply& reply) {
  if (reply.kind == wire::IngestReplyKind::error) {
    // There is room later; everything else would be said again.
    return reply.error.code() == Code::resource_exhausted ? Status() : reply.error;
  }
  take_progress(reply.progress);
  const std::uint64_t received = reply.progress.received;
  if (reply.kind == wire::IngestReplyKind::welcome) {
    // What it had before this life, and what was lost on the way since it was asked.
    if (!is_welcome) next = std::max(next, received + 1);
    if (received + 1 < asked_at) go_back_to(received + 1);
    is_welcome = true;
    gap_at = 0;
  } else if (reply.kind == wire::IngestReplyKind::gap) {
    if (received < acknowledged) {
      is_welcome = false;  // it has to hear first what it said itself
    } else if (gap_at != received + 1) {
      gap_at = received + 1;
      go_back_to(received + 1);
    }
  }
  return {};
}

Status Producer::State::take_replies() {
  while (true) {
    MILLRACE_ASSIGN(const std::size_t count, socket->try_receive(parts));
    if (count == 0) return {};
    heard = Clock::now();
    MILLRACE_ASSIGN(const auto reply, wire::decode_ingest_reply(parts.back().bytes()));
    MILLRACE_TRY(take(reply));
  }
}

Status Producer::State::check_patience() const {
  const auto now = Clock::now();
  if (now - heard < options.patience) return {};
  const std::string where = socket->endpoint().text();
  const auto seconds = std::to_string(options.patience.count() / 1'000) + " s";
  if (heard == began) {
    return {Code::unreachable, "nobody answers at " + where + " within " + seconds,
            "see that the job runs, and whether the source asks for keys"};
  }
  return {Code::timed_out,
          where + " has said nothing for " + seconds + "; " + std::to_string(kept.size()) +
              " messages are not acknowledged",
          "send again with the same --producer and data: what has arrived is not counted again"};
}

Status Producer::State::step(const GoOn& go_on) {
  MILLRACE_TRY(ask());
  MILLRACE_TRY(send_on());
  MILLRACE_TRY(socket->wait(net::Socket::Event::readable, kWait).status());
  MILLRACE_TRY(take_replies());
  MILLRACE_TRY(check_patience());
  return go_on() ? Status() : Status(Code::cancelled, "interrupted");
}

Result<std::unique_ptr<Producer>> Producer::connect(const ProducerOptions& options) {
  auto state = std::make_unique<State>(options);
  net::SocketOptions socket_options;
  socket_options.frame_bytes_max = limits::kIngestFrameBytesMax;
  socket_options.security.client = options.keys;
  MILLRACE_ASSIGN(state->socket, net::Socket::connect(state->context, net::SocketKind::dealer,
                                                      options.endpoint, socket_options));
  return std::unique_ptr<Producer>(new Producer(std::move(state)));
}

Producer::Producer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Producer::~Producer() = default;

Status Producer::send(std::string lines, const GoOn& go_on) {
  State& state = *state_;
  while (!state.is_welcome || state.is_full()) MILLRACE_TRY(state.step(go_on));
  const std::uint64_t sequence = ++state.figures.messages;
  if (sequence <= state.acknowledged) {
    state.figures.acknowledged = std::min(state.acknowledged, state.figures.messages);
    return {};
  }
  wire::IngestRows rows{sequence, std::move(lines)};
  MILLRACE_ASSIGN(Bytes frame, wire::encode_ingest_request(
                                   {state.options.name, state.acknowledged, std::move(rows)}));
  state.kept_bytes += frame.size();
  state.kept.push_back(std::move(frame));
  MILLRACE_TRY(state.send_on());
  return state.take_replies();
}

Status Producer::finish(const GoOn& go_on) {
  while (!state_->kept.empty()) MILLRACE_TRY(state_->step(go_on));
  return {};
}

const ProducerFigures& Producer::figures() const {
  return state_->figures;
}

}  // namespace millrace
