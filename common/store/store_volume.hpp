// The stores that the coordinator of a cluster keeps for jobs, as this process reaches them: the
// coordinator in a folder, workers over their connection to it.
//
// Place: part of StoreOptions wherever a job's store is opened by its URL. Any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/base/status.hpp"

namespace millrace {

class CheckpointStore;

class StoreVolume {
 public:
  virtual ~StoreVolume() = default;
  // The store of one job.
  virtual Result<std::unique_ptr<CheckpointStore>> open(const std::string& job,
                                                        bool is_read_only) = 0;
};

// For the process that holds the folder: jobs' stores are file stores in it.
std::shared_ptr<StoreVolume> make_folder_volume(std::filesystem::path folder);

}  // namespace millrace
