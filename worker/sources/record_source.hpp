// Reads one split as micro-batches: what a training slot pulls its records from.
//
// Place: one per split being read, owned by the training thread; blocking reads and decompression
// happen on the source's own thread. Batch boundaries depend only on where reading began: a batch
// is full or the split has ended. `position` and `counters` move when a batch is delivered, not
// while it fills, so a checkpoint between two calls resumes exactly at `position` with the same
// batches. A topic that is read with a time limit may deliver earlier; see SlotSources.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/secrets.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/quarantine.hpp"
#include "common/data/schema.hpp"
#include "common/net/guarded_socket.hpp"
#include "worker/sources/split.hpp"

namespace millrace {

enum class FillState {
  batch_ready,    // the batch is full, or its time is up: use it, set batch.rows = 0, fill the next
  end_of_split,   // the batch holds the last records of the split, possibly none
  pending_class,  // the next record waits for a class id: append it to the dictionary, fill on
  again,          // not full yet: no bytes are ready, or this call has done its share; fill on
};

struct FillOutcome {
  FillState state = FillState::again;
  bool is_starved = false;  // again: nothing to read yet, `wait` before the next call
  std::string pending_class;
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;

  // Never blocks. Keep `batch` as it is between calls until batch_ready or end_of_split; its texts
  // are valid until the next call. A call takes in at most about 2 MiB, so that a thread stays
  // responsive on broken data.
  virtual Result<FillOutcome> fill(MicroBatch& batch, const Dictionary& dictionary) = 0;
  // Blocks until fill can go on, at most `timeout`. True when it can.
  virtual bool wait(std::chrono::milliseconds timeout) = 0;

  // Where the first record that is not delivered yet begins: open there to resume.
  virtual Offset position() const = 0;
  // Of what was delivered since this source was opened.
  virtual const DecodeCounters& counters() const = 0;
  // Quarantined since opening, the batch being filled included: for max_quarantined.
  virtual std::uint64_t quarantined_so_far() const = 0;
  // Entries of delivered batches since the last call, at most limits::kQuarantineEntriesKept.
  virtual std::vector<QuarantineEntry> take_quarantine() = 0;
  // Of delivered batches since the last call, every one of them; only where the source has
  // somewhere to write them.
  virtual std::vector<DeadLetter> take_dead_letters() { return {}; }
  // What reading goes on from, where position() does not say it all: as of what was delivered.
  // Given back once, right after a source was opened at that position.
  virtual Bytes state() const { return {}; }
  virtual Status restore(ByteView /*state*/) { return {}; }
  // The cut has what was delivered so far; and later: it is complete, so that who sent what it has
  // may forget it.
  virtual void on_cut(CutId /*cut*/) {}
  virtual void on_cut_complete(CutId /*cut*/) {}
  // What people should know since the last call: a broker is away, it is back.
  virtual std::vector<std::string> take_warnings() { return {}; }
};

class KafkaClient;

// What the sources of one training slot share.
struct SlotSources {
  SecretsFolder secrets;
  std::size_t splits = 1;  // that the slot reads
  // A batch that is not full is delivered when its first record has waited so long; absent: never,
  // and its boundaries depend on nothing but the records.
  std::optional<std::chrono::milliseconds> linger;
  std::shared_ptr<KafkaClient> kafka;  // made with the first partition
  // How sockets that producers send to are protected; whose endpoint is the split's.
  net::GuardedSocketOptions ingest = {};
};

// Whether a slot reads its splits in turn, because none of them ends; else one after the other.
bool are_read_in_turn(const SourceSpec& source);

// `from` is a position() of an earlier source of this split, or split.begin.
// Fails with not_found or io_error naming the file.
Result<std::unique_ptr<RecordSource>> open_record_source(const SourceSpec& source,
                                                         const Schema& schema,
                                                         const SplitDescription& split, Offset from,
                                                         std::uint64_t seed, SlotSources& slot);
Result<std::unique_ptr<RecordSource>> open_record_source(const SourceSpec& source,
                                                         const Schema& schema,
                                                         const SplitDescription& split, Offset from,
                                                         std::uint64_t seed);

}  // namespace millrace
