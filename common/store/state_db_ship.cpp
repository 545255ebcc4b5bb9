// Shipping a cut to the checkpoint store and restoring one from it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/store/disk.hpp"
#include "common/store/state_database.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHashBytes = std::size_t{1} << 20;

// Size and hashes of a local file, or of its first `size` bytes.
Result<StoredFile> describe_file(const std::string& path, std::uint64_t size_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return disk_error("open", path, errno);
  StoredFile described;
  Sha256 sha;
  Bytes buffer(std::min<std::uint64_t>(kHashBytes, size_max));
  while (described.size < size_max) {
    const auto want = std::min<std::uint64_t>(buffer.size(), size_max - described.size);
    file.read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(want));
    const ByteView bytes(buffer.data(), static_cast<std::size_t>(file.gcount()));
    if (bytes.empty()) break;
    described.crc32c = crc32c(bytes, described.crc32c);
    sha.update(bytes);
    described.size += bytes.size();
  }
  if (file.bad()) return disk_error("read", path, EIO);
  described.sha256 = sha.hex();
  return described;
}

StoredFile describe_bytes(std::string name, ByteView bytes) {
  return {.name = std::move(name),
          .size = bytes.size(),
          .crc32c = crc32c(bytes),
          .sha256 = sha256_hex(bytes)};
}

Result<Bytes> read_first(const std::string& path, std::uint64_t size) {
  if (size > limits::kObjectBytesMax) return Status(Code::internal, path + " is too long");
  Bytes bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) return disk_error("read", path, errno != 0 ? errno : EIO);
  return bytes;
}

// What RocksDB may find in a restored folder; anything else in a part is refused.
bool is_state_file(const std::string& name) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  constexpr std::string_view kTable = ".sst";
  constexpr std::string_view kLog = "MANIFEST-";
  if (name.starts_with(kLog)) return is_number(std::string_view(name).substr(kLog.size()));
  return name.ends_with(kTable) && is_number({name.data(), name.size() - kTable.size()});
}

Status restore_file(const StoredFile& file, CheckpointStore& store, const std::string& path) {
  MILLRACE_TRY(store.get_to_file(file.name, path));
  MILLRACE_ASSIGN(const auto found, describe_file(path, file.size + 1));
  if (found.size == file.size && found.crc32c == file.crc32c && found.sha256 == file.sha256) {
    return Status();
  }
  return Status(Code::corrupted, store.describe(file.name) + " is not what was stored: its " +
                                     (found.size != file.size ? "length" : "checksum") +
                                     " differs");
}

Status restore_files(const PartDescriptor& part, CheckpointStore& store, const fs::path& folder) {
  std::string current;
  for (const auto& file : part.files) {
    MILLRACE_TRY(check_object_name(file.name));
    const auto name = state_file_name(file.name);
    if (!is_state_file(name)) {
      return Status(Code::corrupted, "part refers to " + file.name + ", which is no state file");
    }
    MILLRACE_TRY(restore_file(file, store, (folder / name).string()));
    if (name.starts_with("MANIFEST")) current = name;
  }
  if (current.empty()) return Status(Code::corrupted, "part has no MANIFEST of RocksDB");
  std::ofstream pointer(folder / "CURRENT", std::ios::binary);
  pointer << current << '\n';
  pointer.close();
  if (!pointer) return disk_error("write", (folder / "CURRENT").string(), errno);
  return Status();
}

}  // namespace

Status StateDb::Database::drop_before(CutId cut) {
  while (!cut_families.empty() && cut_families.begin()->first < cut) {
    const auto [old, family] = *cut_families.begin();
    MILLRACE_TRY(note(db->DropColumnFamily(family), "drop cut " + std::to_string(old.value)));
    cut_families.erase(cut_families.begin());
    MILLRACE_TRY(
        note(db->DestroyColumnFamilyHandle(family), "drop cut " + std::to_string(old.value)));
  }
  return Status();
}

Status StateDb::Database::flush(CutId cut) {
  MILLRACE_ASSIGN(auto* const family, family_of(cut));
  if (has_failed) {
    return Status(Code::io_error,
                  "the state of cut " + std::to_string(cut.value) +
                      " is incomplete: an earlier write of it failed",
                  "abandon the cut; the next one begins anew");
  }
  rocksdb::FlushOptions options_of_flush;
  options_of_flush.wait = true;
  // One by one: a family without new data costs nothing.
  for (auto* each : {family, kept}) {
    MILLRACE_TRY(note(db->Flush(options_of_flush, each), "flush cut " + std::to_string(cut.value)));
  }
  return Status();
}

Result<StoredFile> StateDb::Database::upload(const rocksdb::LiveFileStorageInfo& file,
                                             const std::string& prefix, CheckpointStore& store) {
  const auto path = file.directory + "/" + file.relative_filename;
  const auto name = prefix + file.relative_filename;
  StoredFile stored;
  PutOutcome put;
  if (file.trim_to_size) {
    // RocksDB goes on appending to its MANIFEST, so a copy of what counts now is stored.
    MILLRACE_ASSIGN(const auto bytes, read_first(path, file.size));
    stored = describe_bytes(name, bytes);
    MILLRACE_ASSIGN(put, store.put_if_absent(name, bytes));
  } else {
    MILLRACE_ASSIGN(stored, describe_file(path, ~std::uint64_t{0}));
    stored.name = name;
    MILLRACE_ASSIGN(put, store.put_file(name, path));
  }
  if (put.created) return stored;
  return Status(Code::conflict, store.describe(name) + " exists already",
                "two workers ship the same part: check that their ids differ");
}

Status StateDb::Database::upload_all(const std::string& prefix, CheckpointStore& store,
                                     PartDescriptor& part, FilesByName& uploaded) {
  std::vector<rocksdb::LiveFileStorageInfo> files;
  rocksdb::LiveFilesStorageInfoOptions only_list;
  only_list.wal_size_for_flush = ~std::uint64_t{0};  // everything that counts was flushed
  MILLRACE_TRY(note(db->GetLiveFilesStorageInfo(only_list, &files), "list files"));
  for (const auto& file : files) {
    const bool is_table = file.file_type == rocksdb::kTableFile;
    // Options are set by us and CURRENT only names the MANIFEST: neither is needed to restore.
    if (!is_table && file.file_type != rocksdb::kDescriptorFile) continue;
    const auto known = shipped.find(file.relative_filename);
    if (is_table && known != shipped.end()) {
      part.files.push_back(known->second);
      continue;
    }
    MILLRACE_ASSIGN(auto stored, upload(file, prefix, store));
    if (is_table) uploaded[file.relative_filename] = stored;
    part.files.push_back(std::move(stored));
  }
  return Status();
}

Result<PartDescriptor> StateDb::ship(CutId cut, Attempt attempt, CheckpointStore& store) {
  auto& database = *database_;
  if (database.newest_shipped && cut <= *database.newest_shipped) {
    return Status(Code::conflict,
                  "cut " + std::to_string(cut.value) + " was shipped or restored already");
  }
  MILLRACE_TRY(database.flush(cut));
  // Also after a failure below: objects of this cut may exist, and their names are never used
  // again.
  database.newest_shipped = cut;
  MILLRACE_TRY(database.drop_before(cut));
  std::string session;
  MILLRACE_TRY(database.note(database.db->GetDbSessionId(session), "name the session"));
  MILLRACE_TRY(database.note(database.db->DisableFileDeletions(), "hold files"));
  PartDescriptor part{.worker = database.options.worker, .files = {}};
  Database::FilesByName uploaded;
  const auto prefix = part_prefix(part.worker, cut, attempt, session);
  const auto status = database.upload_all(prefix, store, part, uploaded);
  MILLRACE_TRY(database.note(database.db->EnableFileDeletions(false), "release files"));
  MILLRACE_TRY(status.with_context("shipping cut " + std::to_string(cut.value)));
  database.unconfirmed[cut] = std::move(uploaded);
  return part;
}

Status StateDb::restore(const PartDescriptor& part, CheckpointStore& store,
                        const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return disk_error("make folder", folder, error.value());
  if (!fs::is_empty(folder, error)) {
    return Status(Code::conflict, "folder " + folder + " is not empty",
                  "restore into an empty folder");
  }
  auto status = restore_files(part, store, folder);
  // Half a restored folder must not be opened by mistake.
  if (!status.is_ok()) fs::remove_all(folder, error);
  return status;
}

}  // namespace millrace
