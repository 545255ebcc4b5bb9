#include "worker/actors/remote_store.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/s3_files.hpp"
#include "worker/actors/volume_transfer.hpp"

namespace millrace {
namespace {

using namespace volume;
constexpr std::size_t kNamesMax = 1'000'000;  // of one job: far more than it ever has

// An object on its way there: read in pieces.
struct Source {
  std::uint64_t size = 0;
  std::function<Status(std::uint64_t offset, std::span<std::byte> to)> read;
};
// An object on its way back: begun anew with every try.
struct Target {
  std::function<Status()> restart;
  std::function<Status(ByteView)> take;
};

std::uint64_t draw_number() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  static std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

// Tried again: nobody answered, or the other side has forgotten what was begun.
bool may_pass(const Status& status) {
  return status.code() == Code::timed_out || status.code() == Code::unreachable;
}

class RemoteStore final : public CheckpointStore {
 public:
  RemoteStore(std::shared_ptr<VolumeLink> link, std::string job, bool is_read_only)
      : link_(std::move(link)), job_(std::move(job)), is_read_only_(is_read_only) {}

  Result<PutOutcome> put_if_absent(const std::string& name, ByteView bytes) override;
  Result<PutOutcome> put_file(const std::string& name, const std::string& local_path) override;
  Result<Bytes> get(const std::string& name) override;
  Status get_to_file(const std::string& name, const std::string& local_path) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Status remove(const std::string& name) override;
  // What a writer left behind is forgotten by the volume itself.
  Status remove_leftovers() override { return {}; }
  Status health() const override { return {}; }
  std::string describe(const std::string& name) const override {
    return std::string(kCoordinatorStore) + "/" + job_ + "/" + name;
  }

 private:
  // Calls `work` with who answers, as often as it fails in a way that may pass.
  Status try_often(const std::string& what,
                   const std::function<Status(const checkpoint_volume&)>& work);
  Result<VolumeReply> ask(const std::string& what, const VolumeRequest& request);
  Status check_change(const std::string& name) const;
  Result<PutOutcome> put(const std::string& name, const Source& source);
  // From the chunk's offset on, which follows what the volume has. Sets `is_sent` when the last
  // piece has gone.
  Result<PutNews> send_all(VolumeTransfer& transfer, PutChunk& chunk, const Source& source,
                           bool& is_sent);
  Status fetch(const std::string& name, const Target& target);
  // Goes on behind what was `received` of an object of `total` bytes.
  struct Fetched {
    std::optional<std::uint64_t> total;  // known with the first piece
    std::uint64_t received = 0;
  };
  Status fetch_all(VolumeTransfer& transfer, const std::string& name, const Target& target,
                   Fetched& fetched);

  std::shared_ptr<VolumeLink> link_;
  std::string job_;
  bool is_read_only_;
};

Status RemoteStore::try_often(const std::string& what,
                              const std::function<Status(const checkpoint_volume&)>& work) {
  const auto& options = link_->options();
  auto pause = options.first_pause;
  Status status;
  for (int round = 1; round <= options.tries; ++round) {
    if (round > 1) std::this_thread::sleep_for(std::exchange(pause, 2 * pause));
    const auto volume = link_->wait();
    if (link_->is_stopped()) return {Code::cancelled, what + ": the worker stops"};
    if (!volume) {
      status = Status(Code::unreachable, "the coordinator, which keeps it, is away",
                      "training goes on; it is tried again with the next checkpoint");
      continue;
    }
    status = work(volume);
    if (status.is_ok() || !may_pass(status)) break;
  }
  return status.is_ok() ? status : status.with_context(what);
}

Result<VolumeReply> RemoteStore::ask(const std::string& what, const VolumeRequest& request) {
  std::optional<VolumeReply> reply;
  MILLRACE_TRY(try_often(what, [&](const checkpoint_volume& volume) -> Status {
    VolumeTransfer transfer(*link_, volume);
    transfer.send(request, 0);
    MILLRACE_ASSIGN(reply, transfer.receive());
    return {};
  }));
  return *std::move(reply);
}

Status RemoteStore::check_change(const std::string& name) const {
  MILLRACE_TRY(check_object_name(name));
  if (!is_read_only_) return {};
  return {Code::permission_denied, describe(name) + ": the store was opened to be read only"};
}

// ---- There

// Of [0, size) of the source.
Result<std::uint32_t> crc32c_of(const Source& source, std::uint64_t size) {
  std::uint32_t crc = 0;
  Bytes bytes;
  for (std::uint64_t done = 0; done < size; done += bytes.size()) {
    bytes.resize(std::min<std::uint64_t>(limits::kVolumeChunkBytesMax, size - done));
    MILLRACE_TRY(source.read(done, bytes));
    crc = crc32c(bytes, crc);
  }
  return crc;
}

Result<PutNews> RemoteStore::send_all(VolumeTransfer& transfer, PutChunk& chunk,
                                      const Source& source, bool& is_sent) {
  std::uint64_t offset = chunk.offset;
  MILLRACE_ASSIGN(auto crc, crc32c_of(source, offset));
  for (;;) {
    while (!is_sent) {
      PutChunk piece = chunk;
      piece.offset = offset;
      piece.bytes.resize(std::min<std::uint64_t>(link_->piece(), source.size - offset));
      MILLRACE_TRY(source.read(offset, piece.bytes));
      const auto bytes = piece.bytes.size();
      const auto after = piece.crc32c = crc32c(piece.bytes, crc);
      if (!transfer.send({job_, std::move(piece)}, bytes)) break;
      crc = after;
      offset += bytes;
      is_sent = offset == source.size;
    }
    MILLRACE_ASSIGN(const VolumeReply reply, transfer.receive());
    const auto* news = std::get_if<PutNews>(&reply.what);
    if (news == nullptr) return Status(Code::internal, "the volume answers something else");
    if (news->state != PutState::open) return *news;
    chunk.offset = news->received;  // where to go on if what follows is lost
    if (is_sent && transfer.is_idle()) return Status(Code::unreachable, "a piece was lost");
  }
}

Result<PutOutcome> RemoteStore::put(const std::string& name, const Source& source) {
  PutChunk chunk;
  chunk.object = name;
  chunk.put = draw_number();
  chunk.round = 1;
  chunk.total = source.size;
  bool is_left_open = false;  // an earlier try may have created it
  PutNews news;
  const auto status =
      try_often("storing " + describe(name), [&](const checkpoint_volume& volume) -> Status {
        VolumeTransfer transfer(*link_, volume);
        bool is_sent = false;
        const auto sent = send_all(transfer, chunk, source, is_sent);
        if (sent.is_ok()) {
          news = sent.value();
          return {};
        }
        // Without its last piece nothing was created.
        const bool is_answered = sent.status().code() != Code::timed_out;
        if (!is_answered && is_sent) is_left_open = true;
        if (is_answered) {  // the volume knows nothing of it any more
          ++chunk.round;
          chunk.offset = 0;
        }
        if (is_answered || is_sent) return sent.status();
        return {Code::unreachable, sent.status().message(), sent.status().hint()};
      });
  if (!status.is_ok()) {
    // What the last try was refused for says nothing about a try before it.
    if (!is_left_open || is_ambiguous(status)) return status;
    return Status(Code::timed_out, status.message(), status.hint());
  }
  if (news.state == PutState::created) return PutOutcome{.created = true};
  if (!is_left_open) return PutOutcome{.existed = true};
  return Status(Code::timed_out, describe(name) +
                                     " exists, and whether this worker created it is not known: "
                                     "the coordinator was started again meanwhile");
}

Result<PutOutcome> RemoteStore::put_if_absent(const std::string& name, ByteView bytes) {
  MILLRACE_TRY(check_change(name));
  return put(name, {bytes.size(), [&](std::uint64_t offset, std::span<std::byte> to) {
                      std::ranges::copy(bytes.subspan(offset, to.size()), to.begin());
                      return Status();
                    }});
}

Result<PutOutcome> RemoteStore::put_file(const std::string& name, const std::string& local_path) {
  MILLRACE_TRY(check_change(name));
  MILLRACE_ASSIGN(const auto file, S3FileSource::open(local_path));
  const auto payload = file.payload(0, file.size(), "");
  return put(name, {file.size(), [&](std::uint64_t offset, std::span<std::byte> to) -> Status {
                      while (!to.empty()) {
                        const auto count = payload.read(offset, to);
                        if (!count || *count == 0) {
                          return {Code::io_error, "cannot read " + local_path,
                                  "check the disk of the worker's --state"};
                        }
                        to = to.subspan(*count);
                        offset += *count;
                      }
                      return {};
                    }});
}

// ---- Back

Status RemoteStore::fetch_all(VolumeTransfer& transfer, const std::string& name,
                              const Target& target, Fetched& fetched) {
  if (fetched.received == 0) MILLRACE_TRY(target.restart());
  auto& [total, received] = fetched;
  std::deque<std::uint64_t> pieces;  // that were asked for
  std::uint64_t asked = received;
  for (;;) {
    while (asked < total.value_or(received + 1)) {
      const auto bytes = link_->piece();
      const GetRange range{name, asked, static_cast<std::uint32_t>(bytes)};
      if (!transfer.send({job_, range}, bytes)) break;
      pieces.push_back(bytes);
      asked += bytes;
    }
    MILLRACE_ASSIGN(const VolumeReply reply, transfer.receive());
    const auto* range = std::get_if<Range>(&reply.what);
    if (range == nullptr) return {Code::internal, "the volume answers something else"};
    if (!total) total = range->total;
    const auto wanted = std::min(pieces.front(), *total - received);
    pieces.pop_front();
    if (range->total != *total || range->bytes.size() != wanted) {
      fetched = {};
      return {Code::unreachable, "it changed while it was read"};
    }
    MILLRACE_TRY(target.take(range->bytes));
    received += wanted;
    if (received == *total) return {};
  }
}

Status RemoteStore::fetch(const std::string& name, const Target& target) {
  MILLRACE_TRY(check_object_name(name));
  Fetched fetched;
  return try_often("reading " + describe(name), [&](const checkpoint_volume& volume) {
    VolumeTransfer transfer(*link_, volume);
    return fetch_all(transfer, name, target, fetched);
  });
}

Result<Bytes> RemoteStore::get(const std::string& name) {
  Bytes bytes;
  const auto restart = [&] {
    bytes.clear();
    return Status();
  };
  const auto take = [&](ByteView more) -> Status {
    if (bytes.size() + more.size() > limits::kObjectBytesMax) {
      return {Code::corrupted,
              describe(name) + " is larger than any object that is read into memory"};
    }
    bytes.insert(bytes.end(), more.begin(), more.end());
    return {};
  };
  MILLRACE_TRY(fetch(name, {restart, take}));
  return bytes;
}

Status RemoteStore::get_to_file(const std::string& name, const std::string& local_path) {
  MILLRACE_TRY(check_object_name(name));
  MILLRACE_ASSIGN(auto file, S3FileTarget::create(local_path));
  MILLRACE_TRY(fetch(
      name, {[&] { return file.restart(); }, [&](ByteView bytes) { return file.append(bytes); }}));
  return file.keep();
}

Result<std::vector<std::string>> RemoteStore::list(const std::string& prefix) {
  if (prefix.size() > limits::kObjectNameBytesMax) return std::vector<std::string>();
  std::vector<std::string> names;
  for (;;) {
    const ListNames wanted{prefix, names.empty() ? std::string() : names.back()};
    MILLRACE_ASSIGN(const VolumeReply reply, ask("listing " + describe(prefix), {job_, wanted}));
    const auto* page = std::get_if<Names>(&reply.what);
    if (page == nullptr) return Status(Code::internal, "the volume answers something else");
    names.insert(names.end(), page->names.begin(), page->names.end());
    if (page->is_last || page->names.empty()) return names;
    if (names.size() > kNamesMax) {
      return Status(Code::resource_exhausted, describe(prefix) + " holds too many objects");
    }
  }
}

Status RemoteStore::remove(const std::string& name) {
  MILLRACE_TRY(check_change(name));
  return ask("removing " + describe(name), {job_, RemoveObject{name}}).status();
}

class RemoteVolume final : public StoreVolume {
 public:
  explicit RemoteVolume(std::shared_ptr<VolumeLink> link) : link_(std::move(link)) {}
  Result<std::unique_ptr<CheckpointStore>> open(const std::string& job,
                                                bool is_read_only) override {
    return std::unique_ptr<CheckpointStore>(
        std::make_unique<RemoteStore>(link_, job, is_read_only));
  }

 private:
  std::shared_ptr<VolumeLink> link_;
};

}  // namespace

std::shared_ptr<StoreVolume> make_remote_volume(std::shared_ptr<VolumeLink> link) {
  return std::make_shared<RemoteVolume>(std::move(link));
}

}  // namespace millrace
