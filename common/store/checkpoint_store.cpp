#include "common/store/checkpoint_store.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

#include "common/base/limits.hpp"
#include "common/store/disk.hpp"
#include "common/store/s3_store.hpp"

namespace millrace {

Status check_object_name(std::string_view name) {
  const auto refuse = [&](const char* why) {
    return Status(Code::invalid_argument,
                  "object name '" + std::string(name.substr(0, 80)) + "' " + why);
  };
  if (name.empty()) return refuse("is empty");
  if (name.size() > limits::kObjectNameBytesMax) return refuse("is longer than 1024 bytes");
  if (name.front() == '/') return refuse("is absolute");
  bool begins_part = true;
  for (const char c : name) {
    if (c <= ' ' || c > '~' || c == '\\') return refuse("has a character that is not allowed");
    if (begins_part && c == '/') return refuse("has an empty part");
    if (begins_part && c == '.') return refuse("has a part that begins with a dot");
    begins_part = c == '/';
  }
  if (begins_part) return refuse("has an empty part");
  return Status();
}

bool is_ambiguous(const Status& status) {
  return status.code() == Code::io_error || status.code() == Code::timed_out;
}

namespace {

constexpr std::string_view kFile = "file://";
constexpr std::string_view kS3 = "s3://";
constexpr std::string_view kCoordinator = "coordinator/";
constexpr const char* kKnown = "use file:///an/absolute/folder, s3://bucket/prefix or coordinator";

// Two stores with the same would draw the same numbers for their objects.
std::uint64_t draw_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

Result<std::string> folder_of(const std::string& url) {
  auto folder = url.substr(kFile.size());
  if (!folder.empty() && folder.front() == '/') return folder;
  return Status(Code::invalid_argument, "checkpoint store '" + url + "' names no absolute folder",
                "use file:///an/absolute/folder, with three slashes");
}

Result<std::unique_ptr<CheckpointStore>> open_at_coordinator(const std::string& url,
                                                             const StoreOptions& options) {
  if (options.volume != nullptr) {
    return options.volume->open(url.substr(kCoordinator.size()), options.is_read_only);
  }
  return Status(Code::invalid_argument,
                "checkpoint store '" + url +
                    "' is kept by the coordinator of a cluster, which "
                    "this program does not reach",
                "on the coordinator's machine it is file://STATE/checkpoints, with the folder of "
                "its --state");
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store(const std::string& url,
                                                               const StoreOptions& options) {
  if (url.starts_with(kS3)) {
    S3Options s3;
    s3.retry.seed = draw_seed();
    return open_s3_store(url, options, s3);
  }
  if (url.starts_with(kCoordinator)) return open_at_coordinator(url, options);
  if (!url.starts_with(kFile)) {
    return Status(Code::invalid_argument, "checkpoint store '" + url + "' is of an unknown kind",
                  kKnown);
  }
  MILLRACE_ASSIGN(const auto folder, folder_of(url));
  std::error_code error;
  if (options.is_read_only && !std::filesystem::is_directory(folder, error)) {
    return Status(Code::not_found, "there is no checkpoint store in " + folder, "check the path");
  }
  return options.is_read_only ? read_file_store(folder, posix_disk())
                              : open_file_store(folder, posix_disk());
}

Result<std::string> job_store_url(const std::string& base, const std::string& job) {
  if (!base.starts_with(kFile) && !base.starts_with(kS3) && base != kCoordinatorStore) {
    return Status(Code::invalid_argument, "checkpoint store '" + base + "' is of an unknown kind",
                  kKnown);
  }
  MILLRACE_TRY(check_object_name(job));
  // A question mark may be part of a folder's name.
  const auto query = base.starts_with(kS3) ? std::min(base.find('?'), base.size()) : base.size();
  auto place = base.substr(0, query);
  while (place.ends_with('/')) place.pop_back();
  return place + "/" + job + base.substr(query);
}

}  // namespace millrace
