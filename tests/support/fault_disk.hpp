// A disk that fails at a chosen operation, and can lose what was not made durable.
//
// Place: under FileStore in tests. Counts the calls that change something; at number `fail_at` the
// call fails with `error`, once, or for ever as after a crash. `lose_power` then undoes what no
// fsync covered: names whose folder was not synced vanish, and files that were not synced are
// emptied, which is the worst that a journalling file system may do.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/store/disk.hpp"

namespace millrace::test {

class FaultDisk final : public Disk {
 public:
  static constexpr int kNever = 1 << 30;

  int fail_at = kNever;
  int error = EIO;
  bool is_crash = false;  // everything after the failure fails as well
  bool is_quick = false;  // fsync is counted and waits for nothing: power is never lost in the test
  int calls = 0;

  int open(const std::string& path, int flags, mode_t mode) override {
    const bool creates = (flags & O_CREAT) != 0 && !std::filesystem::exists(path);
    if ((creates || crashed()) && fails()) return -1;
    const int file = posix_disk().open(path, flags, mode);
    if (file < 0) return file;
    paths_[file] = path;
    if (creates) unsynced_names_.push_back(path);
    if (creates) synced_files_.erase(inode(path));
    return file;
  }
  ssize_t write(int file, const void* bytes, std::size_t count) override {
    if (fails()) return -1;
    synced_files_.erase(inode(paths_[file]));
    // Short on purpose: callers must go on with the rest.
    return posix_disk().write(file, bytes, count > 4096 ? count / 2 : count);
  }
  int fsync(int file) override {
    if (fails()) return -1;
    const auto& path = paths_[file];
    if (std::filesystem::is_directory(path)) {
      std::erase_if(unsynced_names_, [&](const std::string& name) {
        return std::filesystem::path(name).parent_path() == path;
      });
    } else {
      synced_files_.insert(inode(path));
    }
    return is_quick ? 0 : posix_disk().fsync(file);
  }
  int close(int file) override { return posix_disk().close(file); }
  int link(const std::string& from, const std::string& to) override {
    if (fails()) return -1;
    const int outcome = posix_disk().link(from, to);
    if (outcome == 0) unsynced_names_.push_back(to);
    return outcome;
  }
  int rename(const std::string& from, const std::string& to) override {
    return fails() ? -1 : posix_disk().rename(from, to);
  }
  int unlink(const std::string& path) override { return fails() ? -1 : posix_disk().unlink(path); }
  int mkdir(const std::string& path, mode_t mode) override {
    if (fails()) return -1;
    const int outcome = posix_disk().mkdir(path, mode);
    if (outcome == 0) unsynced_names_.push_back(path);
    return outcome;
  }

  void lose_power(const std::filesystem::path& root) {
    for (const auto& name : unsynced_names_) std::filesystem::remove_all(name);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file() || synced_files_.contains(inode(entry.path()))) continue;
      std::filesystem::resize_file(entry.path(), 0);
    }
  }

 private:
  bool crashed() const { return is_crash && calls >= fail_at; }
  bool fails() {
    const int call = calls++;
    if (call != fail_at && !(is_crash && call > fail_at)) return false;
    errno = error;
    return true;
  }
  static ino_t inode(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
  }

  std::map<int, std::string> paths_;
  std::vector<std::string> unsynced_names_;
  std::set<ino_t> synced_files_;
};

}  // namespace millrace::test
