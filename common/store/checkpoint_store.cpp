#include "common/store/checkpoint_store.hpp"

#include "common/base/limits.hpp"
#include "common/store/disk.hpp"

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

Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store(const std::string& url) {
  constexpr std::string_view kFile = "file://";
  if (!url.starts_with(kFile)) {
    return Status(Code::invalid_argument, "checkpoint store '" + url + "' is of an unknown kind",
                  "use file:///an/absolute/folder");
  }
  const auto folder = url.substr(kFile.size());
  if (folder.empty() || folder.front() != '/') {
    return Status(Code::invalid_argument, "checkpoint store '" + url + "' names no absolute folder",
                  "use file:///an/absolute/folder, with three slashes");
  }
  return open_file_store(folder, posix_disk());
}

}  // namespace millrace
