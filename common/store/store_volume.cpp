#include "common/store/store_volume.hpp"

#include "common/store/checkpoint_store.hpp"
#include "common/store/disk.hpp"
#include "common/store/job_folder.hpp"

namespace millrace {
namespace {

class FolderVolume final : public StoreVolume {
 public:
  explicit FolderVolume(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<std::unique_ptr<CheckpointStore>> open(const std::string& job,
                                                bool is_read_only) override {
    MILLRACE_TRY(check_job_name(job));
    const auto folder = (folder_ / job).string();
    return is_read_only ? read_file_store(folder, posix_disk())
                        : open_file_store(folder, posix_disk());
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace

std::shared_ptr<StoreVolume> make_folder_volume(std::filesystem::path folder) {
  return std::make_shared<FolderVolume>(std::move(folder));
}

}  // namespace millrace
