#include "coordinator/registry/volume_keeper.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/store/job_folder.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using volume::PutChunk, volume::PutNews, volume::PutState;

// Both begin with a dot, as no job's name does.
constexpr const char* kLock = ".lock";
constexpr const char* kIncoming = ".incoming";

Status cannot_use(const fs::path& path, const std::error_code& error) {
  return {Code::permission_denied, "cannot write in " + path.string() + ": " + error.message(),
          "give this user the right to write there, or name another folder with --state"};
}

// The writer begins again, under the same number.
Status begin_again(const std::string& why) {
  return {Code::unreachable, why};
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

Result<std::unique_ptr<VolumeKeeper>> VolumeKeeper::open(VolumeOptions options, Disk& disk) {
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return cannot_use(options.folder, error);
  const auto file = (options.folder / kLock).string();
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return cannot_use(options.folder, {errno, std::system_category()});
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Status(Code::conflict, options.folder.string() + " is in use by another coordinator",
                  "stop it, or give every coordinator its own --state");
  }
  std::unique_ptr<VolumeKeeper> keeper(new VolumeKeeper(std::move(options), disk, lock));
  const auto incoming = keeper->options_.folder / kIncoming;
  fs::remove_all(incoming, error);
  if (!error) fs::create_directories(incoming, error);
  if (error) return cannot_use(incoming, error);
  return keeper;
}

VolumeKeeper::VolumeKeeper(VolumeOptions options, Disk& disk, int lock)
    : options_(std::move(options)), disk_(disk), lock_(lock) {
  if (!options_.space) {
    options_.space = [folder = options_.folder] {
      std::error_code error;
      return fs::space(folder, error);
    };
  }
}

VolumeKeeper::~VolumeKeeper() {
  while (!open_.empty()) forget(open_.begin());
  ::close(lock_);
}

VolumeReply VolumeKeeper::answer(const VolumeRequest& request, bool may_change, Milliseconds now) {
  forget_quiet(now);
  VolumeReply reply;
  const auto take = [&](auto result) {
    reply.status = result.status();
    if (result.is_ok()) reply.what = std::move(result).value();
  };
  const std::string& job = request.job;
  reply.status = check_job_name(job);
  if (!reply.status.is_ok()) return reply;
  if (const auto* range = std::get_if<volume::GetRange>(&request.what)) {
    take(read(job, *range));
  } else if (const auto* names = std::get_if<volume::ListNames>(&request.what)) {
    take(list(job, *names));
  } else if (!may_change) {
    reply.status = Status(
        Code::permission_denied,
        "this worker runs nothing of job '" + job + "', so it may not change what is stored of it",
        "nothing is to be done where its attempt has ended");
  } else if (const auto* chunk = std::get_if<PutChunk>(&request.what)) {
    take(put(job, *chunk, now));
  } else {
    reply.status = remove(job, std::get<volume::RemoveObject>(request.what));
    reply.what = volume::Removed{};
  }
  return reply;
}

void VolumeKeeper::forget_quiet(Milliseconds now) {
  constexpr Milliseconds kPause{1'000};
  if (now - looked_at_ < kPause) return;
  looked_at_ = now;
  for (auto put = open_.begin(); put != open_.end();) {
    const auto here = put++;
    if (now - here->second.heard >= options_.idle_max) forget(here);
  }
}

Result<CheckpointStore*> VolumeKeeper::store_of(const std::string& job) {
  auto& store = opened_[job];
  if (store == nullptr) {
    auto opened = open_file_store((options_.folder / job).string(), disk_);
    if (!opened.is_ok()) {
      opened_.erase(job);
      return opened.status();
    }
    store = std::move(opened).value();
  }
  return store.get();
}

// ---- Putting

Result<PutNews> VolumeKeeper::put(const std::string& job, const PutChunk& chunk, Milliseconds now) {
  const auto known = settled_.find(chunk.put);
  if (known != settled_.end()) return known->second;
  auto put = open_.find(chunk.put);
  if (put != open_.end() && chunk.round > put->second.first.round) {
    forget(put);
    put = open_.end();
  }
  if (put == open_.end()) {
    MILLRACE_ASSIGN(put, begin(job, chunk, now));
  }
  OpenPut& open = put->second;
  open.heard = now;
  const PutChunk& first = open.first;
  if (chunk.round < first.round) return begin_again("this piece came late");
  const bool is_same =
      job == open.job && chunk.object == first.object && chunk.total == first.total;
  if (!is_same || chunk.bytes.size() > chunk.total ||
      chunk.offset > chunk.total - chunk.bytes.size()) {
    return Status(Code::invalid_argument,
                  "a piece of " + chunk.object + " does not fit the others");
  }
  if (chunk.offset > open.received)
    return begin_again("a piece of " + chunk.object + " is missing");
  if (chunk.offset < open.received) return PutNews{PutState::open, open.received};  // a repeat
  if (auto status = append(open, chunk); !status.is_ok()) {
    forget(put);
    return status;
  }
  if (open.received < chunk.total) return PutNews{PutState::open, open.received};
  return settle(put, chunk.crc32c);
}

Result<VolumeKeeper::Puts::iterator> VolumeKeeper::begin(const std::string& job,
                                                         const PutChunk& chunk, Milliseconds now) {
  MILLRACE_TRY(check_object_name(chunk.object));
  if (chunk.offset != 0) return begin_again("the beginning of " + chunk.object + " is not here");
  if (open_.size() >= limits::kVolumePutsMax) {
    return Status(Code::resource_exhausted, "too many objects are being stored at the coordinator");
  }
  if (chunk.total > limits::kVolumeObjectBytesMax) {
    return Status(Code::invalid_argument,
                  chunk.object + " has " + std::to_string(chunk.total) +
                      " bytes, more than the coordinator stores of one object",
                  "keep checkpoints in a shared folder or an object store");
  }
  MILLRACE_TRY(check_room(job, chunk.total, now));
  OpenPut open;
  open.job = job;
  open.first = chunk;
  open.first.bytes.clear();
  open.path = options_.folder / kIncoming / std::to_string(++files_);
  open.file = disk_.open(open.path.string(), O_CREAT | O_EXCL | O_WRONLY, 0644);
  if (open.file < 0) return disk_error("create", open.path.string(), errno);
  return open_.emplace(chunk.put, std::move(open)).first;
}

Status VolumeKeeper::append(OpenPut& put, const PutChunk& chunk) {
  ByteView rest = chunk.bytes;
  while (!rest.empty()) {
    const auto written = disk_.write(put.file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const Status status = disk_error("write", put.path.string(), written == 0 ? ENOSPC : errno);
      // Nothing was created yet, so this is never `it may exist`.
      return status.code() == Code::io_error ? begin_again(status.message()) : status;
    }
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  put.crc32c = crc32c(chunk.bytes, put.crc32c);
  put.received += chunk.bytes.size();
  return {};
}

Result<PutNews> VolumeKeeper::settle(Puts::iterator put, std::uint32_t crc32c) {
  const OpenPut& open = put->second;
  auto outcome = [&]() -> Result<PutNews> {
    if (crc32c != open.crc32c) {
      return Status(Code::unreachable, open.first.object + " arrived with a wrong checksum");
    }
    MILLRACE_ASSIGN(CheckpointStore * store, store_of(open.job));
    MILLRACE_ASSIGN(const PutOutcome found, store->put_file(open.first.object, open.path.string()));
    if (found.created) used_[open.job] += open.received;
    return PutNews{found.created ? PutState::created : PutState::existed, open.received};
  }();
  // A store whose disk failed it is opened anew for what is put next, which stands for itself.
  if (!outcome.is_ok()) opened_.erase(open.job);
  if (outcome.is_ok()) {
    settled_[put->first] = outcome.value();
    settled_order_.push_back(put->first);
    if (settled_order_.size() > limits::kVolumePutsRemembered) {
      settled_.erase(settled_order_.front());
      settled_order_.pop_front();
    }
  }
  forget(put);
  return outcome;
}

void VolumeKeeper::forget(Puts::iterator put) {
  disk_.close(put->second.file);
  disk_.unlink(put->second.path.string());
  open_.erase(put);
}

// ---- Room

// The coordinator writes and deletes by itself, too: so what is there is looked at again and again.
void VolumeKeeper::measure(Milliseconds now) {
  constexpr Milliseconds kAgeMax{1'000};
  if (measured_at_ && now - *measured_at_ < kAgeMax) return;
  measured_at_ = now;
  used_.clear();
  std::error_code error;
  for (const auto& job : fs::directory_iterator(options_.folder, error)) {
    const auto name = job.path().filename().string();
    if (name.starts_with('.') || !job.is_directory(error)) continue;
    auto& used = used_[name];
    for (fs::recursive_directory_iterator entry(job.path(), error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code gone;
      const auto size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
      if (!gone) used += size;
    }
  }
}

Status VolumeKeeper::check_room(const std::string& job, std::uint64_t bytes, Milliseconds now) {
  measure(now);
  std::uint64_t of_job = used_[job] + bytes, of_all = bytes, arriving = bytes;
  for (const auto& [name, used] : used_) of_all += used;
  for (const auto& [number, put] : open_) {
    if (put.job == job) of_job += put.first.total;
    of_all += put.first.total;
    arriving += put.first.total - put.received;
  }
  const auto refuse = [&](const std::string& why, const std::string& what_to_do) {
    return Status(Code::resource_exhausted,
                  "the coordinator's volume takes no more of job '" + job + "': " + why,
                  what_to_do + ", or keep fewer checkpoints (checkpoint.retain) and savepoints");
  };
  if (options_.job_bytes_max != 0 && of_job > options_.job_bytes_max) {
    return refuse("it would hold " + megabytes(of_job) + " of it, at most " +
                      megabytes(options_.job_bytes_max) + " are allowed",
                  "raise --checkpoint-job-bytes of the coordinator");
  }
  if (options_.bytes_max != 0 && of_all > options_.bytes_max) {
    return refuse("it would hold " + megabytes(of_all) + ", at most " +
                      megabytes(options_.bytes_max) + " are allowed",
                  "raise --checkpoint-bytes of the coordinator");
  }
  const auto space = options_.space();
  const auto reserve = std::min<std::uint64_t>(limits::kVolumeReserveBytes, space.capacity / 10);
  if (space.available >= arriving && space.available - arriving >= reserve) return {};
  return refuse("its disk is nearly full, with " + megabytes(space.available) + " free of " +
                    megabytes(space.capacity),
                "make room in " + options_.folder.string());
}

// ---- Reading, listing, removing

Result<volume::Range> VolumeKeeper::read(const std::string& job,
                                         const volume::GetRange& wanted) const {
  MILLRACE_TRY(check_object_name(wanted.object));
  const auto path = (options_.folder / job / wanted.object).string();
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return disk_error("open", path, errno);
  volume::Range range;
  struct stat found {};
  int error_number = ::fstat(file, &found) == 0 ? 0 : errno;
  range.total = static_cast<std::uint64_t>(found.st_size);
  const auto rest = range.total - std::min(range.total, wanted.offset);
  range.bytes.resize(std::min<std::uint64_t>(
      {rest, wanted.bytes_max, std::uint64_t{limits::kVolumeChunkBytesMax}}));
  for (std::size_t done = 0; error_number == 0 && done < range.bytes.size();) {
    const auto count = ::pread(file, range.bytes.data() + done, range.bytes.size() - done,
                               static_cast<off_t>(wanted.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) error_number = count < 0 ? errno : EIO;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  ::close(file);
  if (error_number != 0) return disk_error("read", path, error_number);
  return range;
}

Result<volume::Names> VolumeKeeper::list(const std::string& job,
                                         const volume::ListNames& wanted) const {
  if (wanted.prefix.find("..") != std::string::npos || wanted.prefix.starts_with('/')) {
    return Status(Code::invalid_argument, "no object's name begins with '" + wanted.prefix + "'");
  }
  MILLRACE_ASSIGN(const auto store, read_file_store((options_.folder / job).string(), disk_));
  MILLRACE_ASSIGN(auto all, store->list(wanted.prefix));
  const auto begin = std::upper_bound(all.begin(), all.end(), wanted.after);
  const auto rest = static_cast<std::size_t>(all.end() - begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(rest, limits::kVolumeNamesMax));
  return volume::Names{{begin, end}, end == all.end()};
}

Status VolumeKeeper::remove(const std::string& job, const volume::RemoveObject& object) {
  MILLRACE_TRY(check_object_name(object.object));
  MILLRACE_ASSIGN(CheckpointStore * store, store_of(job));
  return store->remove(object.object);
}

}  // namespace millrace
