#include "worker/core/bulk_link.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"

namespace millrace {

using std::chrono::milliseconds;

BulkLink::BulkLink(const BulkLinkOptions& options)
    : options_(options), transfers_(options.transfers_before), window_(options.window_first) {
  MILLRACE_CHECK(options_.piece_bytes >= limits::kChunkBytesMin &&
                 options_.piece_bytes <= limits::kChunkBytesMax);
  MILLRACE_CHECK(options_.window_max >= options_.piece_bytes);
  MILLRACE_CHECK(options_.waiting_max >= 1);
}

std::vector<LinkEffect> BulkLink::send(BulkMessage message, Frame frame, milliseconds now) {
  MILLRACE_CHECK(frame.size() <= limits::kBulkBytesMax);
  Effects effects;
  check_alive(now, effects);
  const auto describe = [](BulkKind kind, const auto& of) {
    return Item{{kind, of.replica, of.shard}, of.attempt, of.sequence, {}, nullptr};
  };
  Item item = std::holds_alternative<Entry>(message)
                  ? describe(BulkKind::entry, std::get<Entry>(message))
                  : describe(BulkKind::answer, std::get<Answer>(message));
  if (frame.size() > limits::kWholeMessageBytesMax) {
    item.frame = std::make_shared<const Frame>(std::move(frame));
  } else {
    item.message = std::move(message);
  }
  if (is_under_way(item, now)) return effects;
  if (waiting_.size() >= options_.waiting_max) {
    effects.emplace_back(LinkDropped{LinkLoss::too_many_waiting});
    return effects;
  }
  waiting_.push_back(std::move(item));
  pump(now, effects);
  return effects;
}

bool BulkLink::is_under_way(const Item& item, milliseconds now) const {
  const auto is_same = [&](const Item& other) {
    return other.stream == item.stream && other.attempt == item.attempt &&
           other.sequence == item.sequence;
  };
  if (std::ranges::any_of(waiting_, is_same)) return true;
  if (std::ranges::any_of(arriving_, [&](const auto& other) { return is_same(other.second); })) {
    return true;
  }
  const auto arrival = arrived_.find(item.stream);
  return item.frame != nullptr && arrival != arrived_.end() &&
         arrival->second.attempt == item.attempt && arrival->second.sequence == item.sequence &&
         now - arrival->second.at < options_.quiet;
}

void BulkLink::check_alive(milliseconds now, Effects& effects) {
  if (pieces_.empty() || now - pieces_.front().sent_at <= options_.patience) return;
  waiting_.clear();
  sending_.reset();
  pieces_.clear();
  arriving_.clear();
  unacknowledged_ = 0;
  window_ = options_.piece_bytes;
  effects.emplace_back(LinkDropped{LinkLoss::no_acknowledgement});
}

void BulkLink::pump(milliseconds now, Effects& effects) {
  while (!waiting_.empty()) {
    Item& item = waiting_.front();
    if (item.frame == nullptr) {
      effects.emplace_back(SendWhole{std::move(item.message)});
      waiting_.pop_front();
      continue;
    }
    if (!sending_) sending_ = Transfer{++transfers_, 0};
    while (sending_->next_piece * std::uint64_t{options_.piece_bytes} < item.frame->size()) {
      if (!send_piece(item, now, effects)) return;
    }
    arriving_.emplace(sending_->number, std::move(item));
    waiting_.pop_front();
    sending_.reset();
  }
}

// False when the window is full.
bool BulkLink::send_piece(const Item& item, milliseconds now, Effects& effects) {
  Chunk chunk;
  chunk.origin = options_.origin;
  chunk.transfer = sending_->number;
  chunk.kind = item.stream.kind;
  chunk.attempt = item.attempt;
  chunk.bytes = item.frame->size();
  chunk.piece_bytes = options_.piece_bytes;
  chunk.index = sending_->next_piece;
  chunk.frame = item.frame;
  chunk.begin = std::uint64_t{chunk.index} * chunk.piece_bytes;
  chunk.size = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(chunk.bytes - chunk.begin, chunk.piece_bytes));
  if (unacknowledged_ != 0 && unacknowledged_ + chunk.size > window_) return false;
  pieces_.push_back({chunk.transfer, chunk.index, chunk.size, now});
  unacknowledged_ += chunk.size;
  ++sending_->next_piece;
  effects.emplace_back(SendChunk{std::move(chunk)});
  return true;
}

std::vector<LinkEffect> BulkLink::on_ack(const ChunkAck& ack, milliseconds now) {
  Effects effects;
  const auto piece = std::ranges::find_if(pieces_, [&](const Piece& sent) {
    return sent.transfer == ack.transfer && sent.index == ack.index;
  });
  if (piece == pieces_.end()) return effects;  // of what was taken for lost
  unacknowledged_ -= piece->bytes;
  adapt(*piece, now);
  pieces_.erase(piece);
  if (ack.is_refused) {
    const bool is_partly_sent = sending_ && sending_->number == ack.transfer;
    if (is_partly_sent) {
      waiting_.pop_front();
      sending_.reset();
    }
    if (arriving_.erase(ack.transfer) != 0 || is_partly_sent) {
      effects.emplace_back(LinkDropped{LinkLoss::refused});
    }
  } else {
    note_arrival(ack.transfer, now);
  }
  pump(now, effects);
  return effects;
}

void BulkLink::adapt(const Piece& piece, milliseconds now) {
  if (now - piece.sent_at <= options_.delay_max) {
    window_ = std::min(window_ + piece.bytes, options_.window_max);
  } else if (piece.sent_at >= halved_at_) {  // once for what was sent before
    window_ = std::max<std::size_t>(window_ / 2, options_.piece_bytes);
    halved_at_ = now;
  }
}

void BulkLink::note_arrival(std::uint64_t transfer, milliseconds now) {
  const auto item = arriving_.find(transfer);
  if (item == arriving_.end()) return;
  const auto is_of_it = [&](const Piece& piece) { return piece.transfer == transfer; };
  if (std::ranges::any_of(pieces_, is_of_it)) return;
  arrived_[item->second.stream] = {item->second.attempt, item->second.sequence, now};
  arriving_.erase(item);
}

std::vector<LinkEffect> BulkLink::begin_attempt(Attempt attempt, milliseconds now) {
  Effects effects;
  const auto is_old = [&](const auto& of) { return of.attempt < attempt; };
  if (sending_ && is_old(waiting_.front())) sending_.reset();
  std::erase_if(waiting_, is_old);
  std::erase_if(arriving_, [&](const auto& of) { return is_old(of.second); });
  std::erase_if(arrived_, [&](const auto& of) { return is_old(of.second); });
  pump(now, effects);
  return effects;
}

}  // namespace millrace
