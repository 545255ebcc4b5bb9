// A worker's port to workers in other processes: entries and answers out, chunks in.
//
// Place: owned by a worker actor, on whose thread all of this runs. Links and stage decide; this
// class turns their effects into messages and encodes and decodes what passes.
#pragma once

#include <map>
#include <optional>

#include "worker/actors/interfaces.hpp"
#include "worker/core/bulk_link.hpp"
#include "worker/core/chunk_stage.hpp"

namespace millrace {

// Called on any thread by what runs beside the worker `here`: a message for the worker `there`. In
// the same process it goes straight there, else through the port of `here`, in order.
void send_to_worker(const worker_actor& here, const worker_control& there, BulkMessage message);

class BulkPort {
 public:
  explicit BulkPort(WorkerId origin) : origin_(origin) {}

  // Fails with invalid_argument when the message is larger than any that may travel.
  Status send(worker_actor::pointer self, const worker_control& to, BulkMessage message);
  // Of the sender of the message that `self` handles.
  void on_ack(worker_actor::pointer self, const ChunkAck& ack);
  // The message that this chunk makes whole.
  std::optional<BulkMessage> on_chunk(worker_actor::pointer self, const Chunk& chunk);
  // Chunks so far that changed nothing and whose senders were told to stop.
  std::uint64_t chunks_refused() const { return chunks_refused_; }
  // What belongs to older attempts is dropped.
  void begin_attempt(worker_actor::pointer self, Attempt attempt);

 private:
  struct Peer {
    worker_actor handle;
    BulkLink link;
  };
  Peer& peer(const worker_control& to);
  void execute(worker_actor::pointer self, Peer& peer, std::vector<LinkEffect> effects);

  WorkerId origin_;
  std::map<caf::actor_addr, Peer> peers_;
  ChunkStage stage_;
  std::uint64_t chunks_refused_ = 0;
  std::uint64_t transfers_ = 0;  // of links that are gone: their numbers are not used again
};

}  // namespace millrace
