// What one replica puts out: collected between two cuts, kept until the sinks have it.
//
// Place: a trainer owns one; its thread collects, closes batches with each snapshot and puts what
// the sinks are not known to have into the checkpoint. The worker's actor says which cuts are
// complete; the lanes' threads write. Each sink has one lane for each replica, and after a rescale
// those of earlier replicas for as long as they hold something.
//
// Invariant: what was put out is in the pending batch, in a lane's batches, or in the sink; a
// snapshot holds the first two, as of its cut.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "worker/sinks/lane_writer.hpp"

namespace millrace {

struct ReplicaOutputsOptions {
  ReplicaId replica;
  std::vector<OutputKind> kinds;  // of the job: output_kinds()
  CutId complete;                 // the cut that the attempt goes on from
  std::vector<LaneState> lanes;   // that it holds for this replica
  MakeChannel channels;
  std::function<std::uint64_t()> draw = {};  // a number for lanes that are begun; absent: random
  LaneListener listener;                     // on_released: see on_released below
  // The sinks have everything up to this cut.
  std::function<void(CutId)> on_released;
};

class ReplicaOutputs {
 public:
  explicit ReplicaOutputs(ReplicaOutputsOptions options);
  ~ReplicaOutputs();
  ReplicaOutputs(const ReplicaOutputs&) = delete;
  ReplicaOutputs& operator=(const ReplicaOutputs&) = delete;

  void start();

  // ---- The training thread
  // Where messages of this kind are added; null when the job has no such sink.
  OutputBatch* pending(OutputKind kind);
  void close(CutId cut);
  // With what was closed; lanes of other replicas that are done with are not in it.
  std::vector<LaneState> lanes() const;
  std::size_t bytes_pending() const;
  std::size_t bytes() const;  // pending, and in lanes
  // Something complete is on its way to the sinks, so that there will be room.
  bool is_behind() const;

  // ---- Any thread
  // Answered by on_released, again where the sinks have it already.
  void complete(CutId cut);

 private:
  void tell_released();
  CutId released() const;

  ReplicaOutputsOptions options_;
  std::map<OutputKind, OutputBatch> pending_;
  std::atomic<std::uint64_t> complete_{0};
  std::vector<std::unique_ptr<LaneWriter>> writers_;  // fixed; last: their threads use the rest
};

// What sinks of the job take.
std::vector<OutputKind> output_kinds(const JobSpec& job);

void encode_lanes(std::span<const LaneState> lanes, ByteWriter& writer);
Result<std::vector<LaneState>> decode_lanes(ByteReader& reader);
// The lanes that replica `replica` of `parallelism` has to care for, out of those of another
// number of replicas: its own, and every `parallelism`th behind it.
std::vector<LaneState> lanes_of(std::span<const LaneState> all, ReplicaId replica,
                                std::uint32_t parallelism);

}  // namespace millrace
