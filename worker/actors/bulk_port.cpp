#include "worker/actors/bulk_port.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace millrace {
namespace {

std::chrono::milliseconds monotonic_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

template <typename Message>
std::optional<BulkMessage> decode_as(ByteView bytes) {
  auto message = decode_message<Message>(bytes);
  if (message.is_ok()) return BulkMessage(std::move(message).value());
  note_message_fault(message.status());
  return std::nullopt;
}

}  // namespace

void send_to_worker(const worker_actor& here, const worker_control& there, BulkMessage message) {
  if (there.node() != here.node()) {
    caf::anon_send(here, OutgoingBulk{there, std::move(message)});
    return;
  }
  const auto host = caf::actor_cast<worker_actor>(there);
  std::visit([&](auto& what) { caf::anon_send(host, std::move(what)); }, message);
}

BulkPort::Peer& BulkPort::peer(const worker_control& to) {
  const auto found = peers_.find(to.address());
  if (found != peers_.end()) return found->second;
  BulkLinkOptions options;
  options.origin = origin_;
  options.transfers_before = transfers_;
  Peer peer{caf::actor_cast<worker_actor>(to), BulkLink(options)};
  return peers_.emplace(to.address(), std::move(peer)).first->second;
}

Status BulkPort::send(worker_actor::pointer self, const worker_control& to, BulkMessage message) {
  auto frame = std::visit([](const auto& what) { return encode_message(what); }, message);
  MILLRACE_TRY(frame.status());
  if (frame.value().size() > limits::kBulkBytesMax) {
    return Status(Code::invalid_argument,
                  "what a replica and a parameter shard tell each other has " +
                      std::to_string(frame.value().size()) + " bytes, at most " +
                      std::to_string(limits::kBulkBytesMax) + " can travel",
                  "make the model smaller, or parallelism larger, which makes more shards");
  }
  Peer& to_peer = peer(to);
  execute(self, to_peer,
          to_peer.link.send(std::move(message), std::move(frame).value(), monotonic_now()));
  return {};
}

void BulkPort::execute(worker_actor::pointer self, Peer& peer, std::vector<LinkEffect> effects) {
  for (auto& effect : effects) {
    if (auto* whole = std::get_if<SendWhole>(&effect)) {
      std::visit([&](auto& message) { self->send(peer.handle, std::move(message)); },
                 whole->message);
    } else if (auto* piece = std::get_if<SendChunk>(&effect)) {
      self->send(peer.handle, std::move(piece->chunk));
    }
  }
}

void BulkPort::on_ack(worker_actor::pointer self, const ChunkAck& ack) {
  const auto found = peers_.find(caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (found == peers_.end()) return;
  execute(self, found->second, found->second.link.on_ack(ack, monotonic_now()));
}

std::optional<BulkMessage> BulkPort::on_chunk(worker_actor::pointer self, const Chunk& chunk) {
  std::optional<BulkMessage> whole;
  const auto sender = caf::actor_cast<worker_actor>(self->current_sender());
  for (auto& effect : stage_.on_chunk(chunk, monotonic_now())) {
    if (const auto* acknowledge = std::get_if<AcknowledgeChunk>(&effect)) {
      if (acknowledge->ack.is_refused) ++chunks_refused_;
      if (sender) self->send(sender, acknowledge->ack);
    } else if (const auto* staged = std::get_if<MessageStaged>(&effect)) {
      whole = staged->kind == BulkKind::entry ? decode_as<Entry>(staged->bytes())
                                              : decode_as<Answer>(staged->bytes());
    }
  }
  return whole;
}

void BulkPort::begin_attempt(worker_actor::pointer self, Attempt attempt) {
  (void)stage_.begin_attempt(attempt);
  for (auto& [address, peer] : peers_) {
    execute(self, peer, peer.link.begin_attempt(attempt, monotonic_now()));
  }
  std::erase_if(peers_, [&](const auto& item) {
    const BulkLink& link = item.second.link;
    if (!link.is_idle()) return false;
    transfers_ = std::max(transfers_, link.transfers());
    return true;
  });
}

}  // namespace millrace
