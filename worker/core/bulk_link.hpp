// What one worker sends another: entries and answers in order, large ones in chunks, and no more at
// a time than the link takes.
//
// Place: a worker owns one for each other worker; its shell hands over what trainers and shards
// here have for shards and replicas there, and executes the effects. Pure: no I/O, no clock, no
// threads.
//
// Invariants: messages leave in the order in which they came, so that a barrier never overtakes the
// push before it. The bytes of chunks sent and not acknowledged never exceed the window, which
// halves when acknowledgements take long and grows back while they do not: what waits on a slow
// link waits here. A message that is under way is not taken again, however often it is resent.
// Whatever is lost or dropped is resent by the protocol above.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/base/limits.hpp"
#include "worker/core/chunk.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

struct BulkLinkOptions {
  WorkerId origin;  // of the sender
  // Numbers of transfers that a link to the same receiver may have used before.
  std::uint64_t transfers_before = 0;
  // Larger costs less for each byte; smaller lets others through sooner on the same connection.
  std::uint32_t piece_bytes = 256u << 10;
  std::size_t window_first = 1u << 20;
  std::size_t window_max = limits::kLinkBytesMax;
  // Acknowledgements that take longer halve the window: larger fills a link better, smaller lets
  // others through sooner.
  std::chrono::milliseconds delay_max{100};
  // Where the acknowledgement of a chunk takes longer, everything under way is taken for lost.
  std::chrono::milliseconds patience{10'000};
  // So long after a large message has arrived it is not sent again: what it does there takes time.
  std::chrono::milliseconds quiet{2'000};
  // Messages that wait their turn; further ones are dropped, and come again. Of each stream the
  // protocol has three at most under way.
  std::size_t waiting_max = 4'096;
};

using BulkMessage = std::variant<Entry, Answer>;

// `frame` is the message encoded.
struct SendWhole {
  BulkMessage message;
};
struct SendChunk {
  Chunk chunk;
};
enum class LinkLoss : std::uint8_t {
  no_acknowledgement,  // the link or the receiver does not answer: everything under way
  refused,             // by the receiver: the message under way
  too_many_waiting,    // this message
};
struct LinkDropped {
  LinkLoss loss = LinkLoss::no_acknowledgement;
};
using LinkEffect = std::variant<SendWhole, SendChunk, LinkDropped>;

class BulkLink {
 public:
  explicit BulkLink(const BulkLinkOptions& options);

  // Precondition: frame.size() is at most limits::kBulkBytesMax.
  std::vector<LinkEffect> send(BulkMessage message, Frame frame, std::chrono::milliseconds now);
  std::vector<LinkEffect> on_ack(const ChunkAck& ack, std::chrono::milliseconds now);
  // What older attempts had to say is dropped.
  std::vector<LinkEffect> begin_attempt(Attempt attempt, std::chrono::milliseconds now);

  std::size_t window() const { return window_; }
  std::size_t unacknowledged() const { return unacknowledged_; }
  std::size_t waiting() const { return waiting_.size(); }
  bool is_idle() const { return waiting_.empty() && pieces_.empty(); }
  std::uint64_t transfers() const { return transfers_; }

 private:
  // One direction between one replica and one shard.
  struct Stream {
    BulkKind kind;
    ReplicaId replica;
    ShardId shard;
    friend auto operator<=>(const Stream&, const Stream&) = default;
  };
  struct Item {
    Stream stream;
    Attempt attempt;
    Sequence sequence;
    BulkMessage message;                 // travels whole
    std::shared_ptr<const Frame> frame;  // set: travels in chunks
  };
  struct Piece {
    std::uint64_t transfer;
    std::uint32_t index;
    std::uint32_t bytes;
    std::chrono::milliseconds sent_at;
  };
  // The item in front, partly sent.
  struct Transfer {
    std::uint64_t number;
    std::uint32_t next_piece;
  };
  struct Arrival {
    Attempt attempt;
    Sequence sequence;
    std::chrono::milliseconds at;
  };
  using Effects = std::vector<LinkEffect>;

  bool is_under_way(const Item& item, std::chrono::milliseconds now) const;
  void check_alive(std::chrono::milliseconds now, Effects& effects);
  void pump(std::chrono::milliseconds now, Effects& effects);
  bool send_piece(const Item& item, std::chrono::milliseconds now, Effects& effects);
  void adapt(const Piece& piece, std::chrono::milliseconds now);
  void note_arrival(std::uint64_t transfer, std::chrono::milliseconds now);

  BulkLinkOptions options_;
  std::deque<Item> waiting_;
  std::optional<Transfer> sending_;
  std::deque<Piece> pieces_;  // sent, not acknowledged; oldest first
  // Sent to the last piece, not all acknowledged.
  std::map<std::uint64_t, Item> arriving_;
  std::map<Stream, Arrival> arrived_;  // newest large message of each stream
  std::uint64_t transfers_;
  std::size_t unacknowledged_ = 0;
  std::size_t window_;
  std::chrono::milliseconds halved_at_{0};
};

}  // namespace millrace
