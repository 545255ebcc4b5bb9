// The coordinator's volume: a folder with a checkpoint store for each job that is stored nowhere
// else, and the objects that workers are putting there.
//
// Place: owned by the volume's actor (coordinator/actors/volume_actor.hpp), a thread of its own,
// since everything here blocks. The coordinator's own threads work on the same stores by
// make_folder_volume: they are file stores, in which any number of writers may create objects.
//
// Invariant: what is put becomes visible, whole and durable, with its last piece, or never; the
// folder belongs to one process. Time is passed in.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/actors/volume_messages.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/disk.hpp"

namespace millrace {

struct VolumeOptions {
  std::filesystem::path folder;
  // Of all jobs, and of one; 0: what the disk has room for. More keeps more checkpoints and
  // savepoints; what exceeds it fails checkpoints, not training.
  std::uint64_t bytes_max = 0;
  std::uint64_t job_bytes_max = 0;
  // A put of which nothing is heard for so long is forgotten. Smaller ones end slow writers.
  std::chrono::milliseconds idle_max{60'000};
  // Free bytes of the disk and all its bytes; empty: as the system says.
  std::function<std::filesystem::space_info()> space = {};
};

class VolumeKeeper {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Makes what is missing, and forgets what was being put when another life of the process ended.
  // conflict when another process holds the folder. `disk` outlives the keeper.
  static Result<std::unique_ptr<VolumeKeeper>> open(VolumeOptions options, Disk& disk);
  ~VolumeKeeper();
  VolumeKeeper(const VolumeKeeper&) = delete;
  VolumeKeeper& operator=(const VolumeKeeper&) = delete;

  // `may_change`: whether who asks may put and remove objects of this job.
  VolumeReply answer(const VolumeRequest& request, bool may_change, Milliseconds now);
  std::size_t open_puts() const { return open_.size(); }

 private:
  struct OpenPut {
    std::string job;
    volume::PutChunk first;  // without its bytes
    std::filesystem::path path;
    int file = -1;
    std::uint64_t received = 0;
    std::uint32_t crc32c = 0;
    Milliseconds heard{};
  };
  using Puts = std::map<std::uint64_t, OpenPut>;

  VolumeKeeper(VolumeOptions options, Disk& disk, int lock);
  Result<volume::PutNews> put(const std::string& job, const volume::PutChunk& chunk,
                              Milliseconds now);
  Result<Puts::iterator> begin(const std::string& job, const volume::PutChunk& chunk,
                               Milliseconds now);
  Status append(OpenPut& put, const volume::PutChunk& chunk);
  Result<volume::PutNews> settle(Puts::iterator put, std::uint32_t crc32c);
  void forget(Puts::iterator put);
  // Those of which nothing was heard for too long; called with every request.
  void forget_quiet(Milliseconds now);
  Status check_room(const std::string& job, std::uint64_t bytes, Milliseconds now);
  void measure(Milliseconds now);
  Result<volume::Range> read(const std::string& job, const volume::GetRange& wanted) const;
  Result<volume::Names> list(const std::string& job, const volume::ListNames& wanted) const;
  Status remove(const std::string& job, const volume::RemoveObject& object);
  Result<CheckpointStore*> store_of(const std::string& job);

  VolumeOptions options_;
  Disk& disk_;
  int lock_;  // the kernel releases it however the process ends
  std::map<std::string, std::unique_ptr<CheckpointStore>> opened_;  // of jobs that put objects
  Puts open_;
  Milliseconds looked_at_{};  // for quiet ones
  std::map<std::uint64_t, volume::PutNews> settled_;
  std::deque<std::uint64_t> settled_order_;  // oldest first
  std::uint64_t files_ = 0;                  // made for puts
  // What jobs use, as it was measured last and with what was put since.
  std::map<std::string, std::uint64_t> used_;
  std::optional<Milliseconds> measured_at_;
};

}  // namespace millrace
