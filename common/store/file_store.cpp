// The checkpoint store in a folder: an object is a file, made by link(), which never overwrites.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>

#include "common/base/limits.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/disk.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

// Copies go through a buffer of this size.
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;
// Begins with a dot, as no part of an object's name does.
constexpr const char* kTemporaryFolder = ".writing";

class OpenFile {
 public:
  OpenFile(Disk& disk, int file) : disk_(disk), file_(file) {}
  ~OpenFile() {
    if (file_ >= 0) disk_.close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return file_; }
  int close() { return disk_.close(std::exchange(file_, -1)); }

 private:
  Disk& disk_;
  int file_;
};

class FileStore final : public CheckpointStore {
 public:
  FileStore(fs::path root, Disk& disk) : root_(std::move(root)), disk_(disk) {}

  Result<PutOutcome> put_if_absent(const std::string& name, ByteView bytes) override;
  Result<PutOutcome> put_file(const std::string& name, const std::string& local_path) override;
  Result<Bytes> get(const std::string& name) override;
  Status get_to_file(const std::string& name, const std::string& local_path) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Status remove(const std::string& name) override;
  Status remove_leftovers() override;
  Status health() const override;
  std::string describe(const std::string& name) const override { return path_of(name); }

 private:
  std::string path_of(const std::string& name) const { return (root_ / name).string(); }
  std::string temporary_path();
  Status begin_put(const std::string& name);
  Status write_durably(OpenFile& file, const std::string& path, ByteView bytes);
  Status sync_file(OpenFile& file, const std::string& path);
  Status sync_parent(const std::string& path);
  // Gives the durable file `from` its name; `from` itself stays.
  Result<PutOutcome> link_into_place(const std::string& from, const std::string& name,
                                     int& error_number);
  Result<PutOutcome> copy_into_place(const std::string& local_path, const std::string& name);

  fs::path root_;
  Disk& disk_;
  std::atomic<bool> sync_failed_{false};
};

std::string FileStore::temporary_path() {
  // Of the process: its workers each have a store object on the same folder.
  static std::atomic<std::uint64_t> next{1};
  const auto number = next.fetch_add(1);
  return (root_ / kTemporaryFolder / (std::to_string(::getpid()) + "-" + std::to_string(number)))
      .string();
}

Status FileStore::health() const {
  if (!sync_failed_) return Status();
  return Status(
      Code::io_error,
      "checkpoint store " + root_.string() +
          " is not used any more: an earlier fsync failed, so what is on the disk is unknown",
      "check the disk, then start again: the last complete checkpoint is verified and used");
}

Status FileStore::begin_put(const std::string& name) {
  MILLRACE_TRY(check_object_name(name));
  MILLRACE_TRY(health());
  return make_folders(disk_, fs::path(path_of(name)).parent_path().string());
}

Status FileStore::sync_file(OpenFile& file, const std::string& path) {
  if (disk_.fsync(file.get()) == 0) return Status();
  const int error_number = errno;
  sync_failed_ = true;
  return disk_error("fsync", path, error_number);
}

Status FileStore::sync_parent(const std::string& path) {
  Status status = sync_folder(disk_, fs::path(path).parent_path().string());
  if (status.is_ok()) return status;
  sync_failed_ = true;
  // Whatever stood in the way, the name is there by now: never an error that says it is not.
  return Status(Code::io_error, status.message(), status.hint());
}

Status FileStore::write_durably(OpenFile& file, const std::string& path, ByteView bytes) {
  while (!bytes.empty()) {
    const auto written = disk_.write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("write", path, errno);
    if (written == 0) return disk_error("write", path, ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  MILLRACE_TRY(sync_file(file, path));
  if (file.close() != 0) return disk_error("close", path, errno);
  return Status();
}

Result<PutOutcome> FileStore::link_into_place(const std::string& from, const std::string& name,
                                              int& error_number) {
  const auto target = path_of(name);
  error_number = disk_.link(from, target) == 0 ? 0 : errno;
  if (error_number != 0 && error_number != EEXIST) {
    return disk_error("create", target, error_number);
  }
  // Also for one that exists: its writer may have died before it made the name durable.
  MILLRACE_TRY(sync_parent(target));
  return PutOutcome{.created = error_number == 0, .existed = error_number == EEXIST};
}

Result<PutOutcome> FileStore::put_if_absent(const std::string& name, ByteView bytes) {
  MILLRACE_TRY(begin_put(name));
  const auto temporary = temporary_path();
  OpenFile file(disk_, disk_.open(temporary, O_CREAT | O_EXCL | O_WRONLY, 0644));
  if (file.get() < 0) return disk_error("create", temporary, errno);
  int error_number = 0;
  auto outcome = [&]() -> Result<PutOutcome> {
    MILLRACE_TRY(write_durably(file, temporary, bytes));
    return link_into_place(temporary, name, error_number);
  }();
  // A leftover is swept by the next owner of the job, so a failure here changes nothing.
  disk_.unlink(temporary);
  if (!outcome.is_ok()) return outcome.status().with_context("storing " + path_of(name));
  return outcome;
}

Result<PutOutcome> FileStore::put_file(const std::string& name, const std::string& local_path) {
  MILLRACE_TRY(begin_put(name));
  {
    OpenFile file(disk_, disk_.open(local_path, O_RDONLY | O_NOFOLLOW, 0));
    if (file.get() < 0) return disk_error("open", local_path, errno);
    MILLRACE_TRY(sync_file(file, local_path));
  }
  int error_number = 0;
  auto outcome = link_into_place(local_path, name, error_number);
  const bool cannot_link = error_number == EXDEV || error_number == EPERM ||
                           error_number == EMLINK || error_number == EOPNOTSUPP;
  if (!outcome.is_ok() && cannot_link) return copy_into_place(local_path, name);
  return outcome;
}

Result<PutOutcome> FileStore::copy_into_place(const std::string& local_path,
                                              const std::string& name) {
  const auto temporary = temporary_path();
  OpenFile to(disk_, disk_.open(temporary, O_CREAT | O_EXCL | O_WRONLY, 0644));
  if (to.get() < 0) return disk_error("create", temporary, errno);
  int error_number = 0;
  auto outcome = [&]() -> Result<PutOutcome> {
    OpenFile from(disk_, disk_.open(local_path, O_RDONLY | O_NOFOLLOW, 0));
    if (from.get() < 0) return disk_error("open", local_path, errno);
    Bytes buffer(kCopyBytes);
    for (;;) {
      const auto count = ::read(from.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return disk_error("read", local_path, errno);
      if (count == 0) break;
      ByteView rest(buffer.data(), static_cast<std::size_t>(count));
      while (!rest.empty()) {
        const auto written = disk_.write(to.get(), rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return disk_error("write", temporary, written == 0 ? ENOSPC : errno);
        rest = rest.subspan(static_cast<std::size_t>(written));
      }
    }
    MILLRACE_TRY(write_durably(to, temporary, {}));
    return link_into_place(temporary, name, error_number);
  }();
  disk_.unlink(temporary);
  if (!outcome.is_ok()) return outcome.status().with_context("storing " + path_of(name));
  return outcome;
}

Result<Bytes> FileStore::get(const std::string& name) {
  MILLRACE_TRY(check_object_name(name));
  // Reading would answer from memory what the disk may not have.
  MILLRACE_TRY(health());
  const auto path = path_of(name);
  OpenFile file(disk_, disk_.open(path, O_RDONLY | O_NOFOLLOW, 0));
  if (file.get() < 0) return disk_error("open", path, errno);
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return disk_error("read", path, errno);
  if (!S_ISREG(found.st_mode)) return Status(Code::corrupted, path + " is not a file");
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > limits::kObjectBytesMax) {
    return Status(Code::corrupted, path + " has " + std::to_string(size) +
                                       " bytes, more than any object that is read into memory");
  }
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error("read", path, errno);
    if (count == 0) return Status(Code::corrupted, path + " became shorter while it was read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

Status FileStore::get_to_file(const std::string& name, const std::string& local_path) {
  MILLRACE_TRY(check_object_name(name));
  MILLRACE_TRY(health());
  const auto path = path_of(name);
  std::error_code error;
  if (!fs::copy_file(path, local_path, error)) {
    if (!error) error = std::make_error_code(std::errc::file_exists);
    const bool is_missing = !fs::exists(path);
    return disk_error(is_missing ? "open" : "copy " + path + " to", is_missing ? path : local_path,
                      error.value());
  }
  return Status();
}

Result<std::vector<std::string>> FileStore::list(const std::string& prefix) {
  std::vector<std::string> names;
  const auto slash = prefix.rfind('/');
  const auto folder = slash == std::string::npos ? root_ : root_ / prefix.substr(0, slash);
  std::error_code error;
  if (!fs::exists(folder, error)) return names;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with('.')) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(error)) continue;
    auto name = entry->path().lexically_relative(root_).string();
    if (name.starts_with(prefix)) names.push_back(std::move(name));
  }
  // A folder that vanished meanwhile was emptied by `remove`; anything else is an error.
  if (error && error != std::errc::no_such_file_or_directory) {
    return disk_error("list", folder.string(), error.value());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status FileStore::remove(const std::string& name) {
  MILLRACE_TRY(check_object_name(name));
  const auto path = path_of(name);
  if (disk_.unlink(path) != 0 && errno != ENOENT) return disk_error("remove", path, errno);
  return Status();
}

Status FileStore::remove_leftovers() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_ / kTemporaryFolder, error)) {
    if (disk_.unlink(entry.path().string()) != 0 && errno != ENOENT) {
      return disk_error("remove", entry.path().string(), errno);
    }
  }
  return Status();
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> open_file_store(const std::string& folder, Disk& disk) {
  MILLRACE_TRY(make_folders(disk, folder));
  const auto temporaries = (fs::path(folder) / kTemporaryFolder).string();
  if (disk.mkdir(temporaries, 0755) != 0 && errno != EEXIST) {
    return disk_error("make folder", temporaries, errno);
  }
  return read_file_store(folder, disk);
}

Result<std::unique_ptr<CheckpointStore>> read_file_store(const std::string& folder, Disk& disk) {
  return std::unique_ptr<CheckpointStore>(std::make_unique<FileStore>(folder, disk));
}

}  // namespace millrace
