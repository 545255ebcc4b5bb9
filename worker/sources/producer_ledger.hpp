// Which messages of which producer a zeromq source has taken, delivered and may acknowledge.
//
// Place: owned by a ZeroMqSource; the decisions without the socket. Its encoded state is part of
// the checkpoint of its split. Pure: no I/O, no clock, no thread.
//
// Invariants: of each producer messages are taken in the order of their numbers, each once. A
// number is acknowledged only when a complete cut has delivered all lines up to it; so whatever a
// producer still keeps is all that may be asked of it again. What it says that it saw acknowledged
// is never asked for: after a restore from an older cut that gap is told as a loss.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/wire/ingest.hpp"

namespace millrace {

class ProducerLedger {
 public:
  enum class Verdict {
    take,       // new, and the next one
    duplicate,  // taken before: answered with what is acknowledged
    gap,        // one before it is missing: to be sent again from `progress.received` + 1
    refused     // too many producers are under way
  };
  struct Arrival {
    Verdict verdict = Verdict::refused;
    wire::IngestProgress progress;
    std::uint64_t skipped_lines = 0;  // take: the first lines of it that were delivered before
  };

  // `acknowledged`: as the producer says. A producer that is not known, since it is new or was
  // forgotten, goes on from there.
  Result<wire::IngestProgress> greet(const std::string& producer, std::uint64_t acknowledged);
  Arrival arrive(const std::string& producer, std::uint64_t acknowledged, std::uint64_t sequence);
  // The first `lines` lines of a message that was taken are delivered, in the order of arrival;
  // `is_whole`: that is all of it.
  void deliver(const std::string& producer, std::uint64_t sequence, std::uint64_t lines,
               bool is_whole);

  // A cut has what was delivered so far.
  void begin_cut(CutId cut);
  // It is complete: producers with something new to be told.
  std::vector<std::pair<std::string, wire::IngestProgress>> complete(CutId cut);

  // As of what was delivered.
  Bytes encode() const;
  // From a complete cut: all of it is acknowledged. Fails with corrupted.
  static Result<ProducerLedger> decode(ByteView bytes);

  bool knows(const std::string& producer) const { return producers_.contains(producer); }
  std::size_t size() const { return producers_.size(); }
  // What people should know since the last call.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  struct Producer {
    std::uint64_t received = 0;
    std::uint64_t delivered = 0;      // all lines of all messages up to this one
    std::uint64_t partial_lines = 0;  // and so many of the next
    std::uint64_t acknowledged = 0;
    std::uint64_t used = 0;  // a number that rises with every message: who has the least is oldest
    bool is_idle() const { return received == acknowledged && partial_lines == 0; }
  };
  Producer* find_or_add(const std::string& name, std::uint64_t acknowledged);
  bool make_room();
  void note_loss(const std::string& name, Producer& producer, std::uint64_t acknowledged);

  std::map<std::string, Producer> producers_;
  std::map<CutId, std::map<std::string, std::uint64_t>> cuts_;  // delivered, of cuts under way
  std::uint64_t uses_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace millrace
