#include "worker/sources/zeromq_source.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "common/base/limits.hpp"
#include "common/data/csv_decoder.hpp"
#include "worker/sources/producer_ledger.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Of one call, so that a thread stays responsive.
constexpr std::size_t kMessagesPerCall = 64;
constexpr std::size_t kLinesPerCall = 4'096;
// Waiting in libzmq's queue for each producer, beside the bounded queue here.
constexpr int kReceiveQueueMax = 4;
// The port is still held by an attempt that ends, or by another program.
constexpr milliseconds kBindPause{100};
constexpr milliseconds kBindPatience{20'000};
// Behind the last line, for a decoder that reads ahead.
constexpr std::size_t kPadding = 64;

// A message that was taken and is not delivered yet.
struct Taken {
  std::string producer;
  std::uint64_t sequence = 0;
  std::string block;                // its lines, each with a newline, and padding
  std::vector<std::size_t> begins;  // of the lines in the block, and the end of the last one
  std::size_t line = 0;             // the next one
  std::size_t lines() const { return begins.size() - 1; }
  bool is_done() const { return line == lines(); }
};

Taken make_taken(const std::string& producer, wire::IngestRows rows, std::uint64_t skipped) {
  Taken taken{producer, rows.sequence, std::move(rows.lines), {0}, 0};
  if (!taken.block.empty() && taken.block.back() != '\n') taken.block += '\n';
  for (std::size_t at = 0; at < taken.block.size();) {
    at = taken.block.find('\n', at) + 1;
    taken.begins.push_back(at);
  }
  taken.block.append(kPadding, ' ');
  taken.line = std::min<std::size_t>(skipped, taken.lines());
  return taken;
}

class ZeroMqSource final : public RecordSource {
 public:
  ZeroMqSource(const SourceSpec& source, const Schema& schema, const SplitDescription& split,
               Offset from, const SlotSources& slot)
      : options_(slot.ingest),
        where_(split.path),
        linger_(slot.linger),
        decoder_(schema, source.csv),
        has_texts_(schema.categorical_count() != 0),
        split_(split.id),
        position_(from),
        next_(from) {}

  Result<FillOutcome> fill(MicroBatch& batch, const Dictionary& dictionary) override;
  bool wait(milliseconds timeout) override;
  Offset position() const override { return position_; }
  const DecodeCounters& counters() const override { return counters_; }
  std::uint64_t quarantined_so_far() const override {
    return counters_.quarantined + filling_.quarantined;
  }
  std::vector<QuarantineEntry> take_quarantine() override { return std::exchange(delivered_, {}); }
  std::vector<std::string> take_warnings() override { return ledger_.take_warnings(); }
  Bytes state() const override { return ledger_.encode(); }
  Status restore(ByteView state) override {
    if (state.empty()) return {};
    MILLRACE_ASSIGN(ledger_, ProducerLedger::decode(state));
    return {};
  }
  void on_cut(CutId cut) override { ledger_.begin_cut(cut); }
  void on_cut_complete(CutId cut) override;

 private:
  Status listen();
  Status receive();
  void take_request(net::RoutedMessage message);
  void take_rows(const wire::IngestRequest& request, net::RoutedMessage& message);
  void answer(net::RoutedMessage& to, const wire::IngestReply& reply);
  FillOutcome decode_front(MicroBatch& batch, const Dictionary& dictionary);
  bool is_overdue() const { return linger_ && began_ && Clock::now() - *began_ >= *linger_; }
  FillOutcome deliver(FillState state);

  net::GuardedSocketOptions options_;
  const std::string where_;
  const std::optional<milliseconds> linger_;
  std::unique_ptr<net::GuardedSocket> socket_;
  std::optional<Clock::time_point> binding_since_;
  Clock::time_point bind_at_;
  std::vector<net::Message> parts_;
  // Where each producer was heard last; those that the ledger forgets go.
  std::map<std::string, Bytes> routes_;

  ProducerLedger ledger_;
  std::deque<Taken> queue_;
  std::size_t queue_bytes_ = 0;
  // Decoded, and perhaps in a batch that is not delivered: done with when it is.
  std::vector<Taken> decoded_;

  CsvDecoder decoder_;
  const bool has_texts_;
  const SplitId split_;
  Offset position_;
  Offset next_;
  std::optional<Clock::time_point> began_;
  DecodeCounters counters_;
  DecodeCounters filling_;
  std::vector<QuarantineEntry> delivered_;
  std::vector<QuarantineEntry> quarantined_;
};

Status ZeroMqSource::listen() {
  const auto now = Clock::now();
  if (now < bind_at_) return {};
  bind_at_ = now + kBindPause;
  if (!binding_since_) binding_since_ = now;
  MILLRACE_ASSIGN(options_.endpoint, net::Endpoint::parse(where_));
  options_.receive_queue_max = kReceiveQueueMax;
  auto opened = net::GuardedSocket::open(options_, limits::kIngestFrameBytesMax);
  if (opened.is_ok()) {
    socket_ = std::move(opened).value();
    return {};
  }
  if (opened.status().code() != Code::conflict) return opened.status().with_context(where_);
  if (now - *binding_since_ < kBindPatience) return {};
  return {Code::resource_exhausted, where_ + ": " + opened.status().message(),
          "free the port, or choose another one with source.zeromq.bind"};
}

Status ZeroMqSource::receive() {
  if (socket_ == nullptr) MILLRACE_TRY(listen());
  if (socket_ == nullptr) return {};
  for (std::size_t i = 0; i < kMessagesPerCall; ++i) {
    if (queue_bytes_ >= limits::kIngestQueueBytesMax) return {};
    MILLRACE_ASSIGN(const std::size_t count, socket_->socket().try_receive(parts_));
    if (count == 0) return {};
    Status allowed;
    if (auto* guard = socket_->guard())
      allowed = guard->authorize(parts_.back(), {security::ClientRole::ingest});
    auto message = net::take_apart(parts_, count);
    if (allowed.is_ok()) {
      take_request(std::move(message));
    } else {
      answer(message, {wire::IngestReplyKind::error, {}, allowed});
    }
  }
  return {};
}

void ZeroMqSource::take_request(net::RoutedMessage message) {
  auto decoded = wire::decode_ingest_request(message.payload.bytes());
  if (!decoded.is_ok())
    return answer(message, {wire::IngestReplyKind::error, {}, decoded.status()});
  const auto& request = decoded.value();
  const auto identity = message.route.front().bytes();
  if (std::holds_alternative<wire::IngestRows>(request.what)) {
    take_rows(request, message);
  } else {
    const auto progress = ledger_.greet(request.producer, request.acknowledged);
    wire::IngestReply reply{wire::IngestReplyKind::welcome, {}, progress.status()};
    if (progress.is_ok()) reply.progress = progress.value();
    if (!progress.is_ok()) reply.kind = wire::IngestReplyKind::error;
    answer(message, reply);
  }
  if (!ledger_.knows(request.producer)) return;
  routes_[request.producer] = Bytes(identity.begin(), identity.end());
  if (routes_.size() > 2 * limits::kProducersMax)
    std::erase_if(routes_, [&](const auto& route) { return !ledger_.knows(route.first); });
}

void ZeroMqSource::take_rows(const wire::IngestRequest& request, net::RoutedMessage& message) {
  const auto& rows = std::get<wire::IngestRows>(request.what);
  const auto arrival = ledger_.arrive(request.producer, request.acknowledged, rows.sequence);
  switch (arrival.verdict) {
    case ProducerLedger::Verdict::take:
      queue_.push_back(make_taken(request.producer, rows, arrival.skipped_lines));
      queue_bytes_ += queue_.back().block.size();
      return;
    case ProducerLedger::Verdict::duplicate:
      return answer(message, {wire::IngestReplyKind::progress, arrival.progress, {}});
    case ProducerLedger::Verdict::gap:
      return answer(message, {wire::IngestReplyKind::gap, arrival.progress, {}});
    case ProducerLedger::Verdict::refused:
      return answer(message, {wire::IngestReplyKind::error,
                              {},
                              ledger_.greet(request.producer, request.acknowledged).status()});
  }
}

// Whoever is gone, or does not read, asks again.
void ZeroMqSource::answer(net::RoutedMessage& to, const wire::IngestReply& reply) {
  std::vector<net::Message> parts;
  for (const auto& part : to.route) parts.emplace_back(part.bytes());
  parts.emplace_back(wire::encode_ingest_reply(reply));
  (void)socket_->socket().try_send(parts);
}

void ZeroMqSource::on_cut_complete(CutId cut) {
  for (const auto& [producer, progress] : ledger_.complete(cut)) {
    const auto route = routes_.find(producer);
    if (route == routes_.end() || socket_ == nullptr) continue;
    std::vector<net::Message> parts;
    parts.emplace_back(ByteView(route->second));
    parts.emplace_back(wire::encode_ingest_reply({wire::IngestReplyKind::progress, progress, {}}));
    (void)socket_->socket().try_send(parts);
  }
}

Result<FillOutcome> ZeroMqSource::fill(MicroBatch& batch, const Dictionary& dictionary) {
  batch.split = split_;
  MILLRACE_TRY(receive());
  for (std::size_t lines = 0; lines < kLinesPerCall && !queue_.empty();) {
    const std::size_t before = queue_.front().line;
    auto outcome = decode_front(batch, dictionary);
    if (outcome.state != FillState::again) return outcome;
    lines += queue_.front().line - before + 1;
    if (!queue_.front().is_done()) continue;
    if (has_texts_) decoder_.keep_texts(batch);
    queue_bytes_ -= queue_.front().block.size();
    decoded_.push_back(std::move(queue_.front()));
    decoded_.back().block = {};
    queue_.pop_front();
  }
  if (is_overdue()) return deliver(FillState::batch_ready);
  return FillOutcome{FillState::again, queue_.empty(), {}};
}

// The decoder counts bytes of the block; records and entries get the numbers of their lines.
FillOutcome ZeroMqSource::decode_front(MicroBatch& batch, const Dictionary& dictionary) {
  Taken& front = queue_.front();
  if (!began_) began_ = Clock::now();
  if (front.is_done()) return {FillState::again, false, {}};
  const std::size_t begin = front.begins[front.line];
  const std::size_t first_row = batch.rows, first_entry = quarantined_.size();
  const auto block = as_bytes(std::string_view(front.block).substr(begin));
  auto outcome =
      decoder_.decode(block, Offset(begin), false, dictionary, batch, filling_, quarantined_);
  const std::size_t first_line = front.line;
  const auto line_at = [&](std::size_t byte) {
    const auto behind = std::ranges::upper_bound(front.begins, byte);
    return static_cast<std::size_t>(behind - front.begins.begin()) - 1;
  };
  const auto offset_of = [&](Offset in_block) {
    return Offset(next_.value + line_at(in_block.value) - first_line);
  };
  for (std::size_t row = first_row; row < batch.rows; ++row)
    batch.offsets[row] = offset_of(batch.offsets[row]);
  for (std::size_t i = first_entry; i < quarantined_.size(); ++i) {
    quarantined_[i].offset = offset_of(quarantined_[i].offset);
    quarantined_[i].split = split_;
  }
  // What is left of the last line is padding.
  const bool is_whole = outcome.stop == CsvDecoder::Stop::need_more_bytes;
  front.line = is_whole ? front.lines() : line_at(begin + outcome.consumed_bytes);
  next_ = Offset(next_.value + front.line - first_line);
  if (outcome.stop == CsvDecoder::Stop::pending_class)
    return {FillState::pending_class, false, std::move(outcome.pending_class)};
  if (outcome.stop == CsvDecoder::Stop::batch_full) return deliver(FillState::batch_ready);
  return {FillState::again, false, {}};
}

bool ZeroMqSource::wait(milliseconds timeout) {
  if (!queue_.empty()) return true;
  if (socket_ == nullptr) {
    std::this_thread::sleep_for(timeout);
    return false;
  }
  const auto ready = socket_->socket().wait(net::Socket::Event::readable, timeout);
  return !ready.is_ok() || ready.value();
}

FillOutcome ZeroMqSource::deliver(FillState state) {
  for (const Taken& taken : std::exchange(decoded_, {}))
    ledger_.deliver(taken.producer, taken.sequence, taken.lines(), true);
  if (!queue_.empty() && queue_.front().line > 0) {
    const Taken& front = queue_.front();
    ledger_.deliver(front.producer, front.sequence, front.line, front.is_done());
  }
  position_ = next_;
  began_.reset();
  counters_ += std::exchange(filling_, {});
  for (auto& entry : quarantined_) {
    if (delivered_.size() < limits::kQuarantineEntriesKept) delivered_.push_back(std::move(entry));
  }
  quarantined_.clear();
  return {state, false, {}};
}

}  // namespace

Result<std::unique_ptr<RecordSource>> open_zeromq_source(const SourceSpec& source,
                                                         const Schema& schema,
                                                         const SplitDescription& split, Offset from,
                                                         const SlotSources& slot) {
  return std::unique_ptr<RecordSource>(
      std::make_unique<ZeroMqSource>(source, schema, split, from, slot));
}

}  // namespace millrace
