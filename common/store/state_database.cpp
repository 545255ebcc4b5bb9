#include "common/store/state_database.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/store/disk.hpp"
#include "common/store/scratch_file_system.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCutFamily = "cut-";
// Headers and chunks lie apart, so that listing keys reads no values.
constexpr char kHeaderSpace = 'h';
constexpr char kChunkSpace = 'v';

std::string header_key(const std::string& key) {
  return kHeaderSpace + key;
}

std::string chunk_key(const std::string& key, std::uint64_t chunk) {
  std::string name = kChunkSpace + key;
  name += '\0';
  for (int shift = 24; shift >= 0; shift -= 8) name += static_cast<char>(chunk >> shift & 0xFF);
  return name;
}

rocksdb::Slice slice(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Without a write-ahead log: a checkpoint counts when it was shipped, and until then the one before
// it does.
rocksdb::WriteOptions unlogged() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

}  // namespace

std::uint64_t StateDb::Database::ValueHeader::chunks() const {
  return (size + limits::kStateChunkBytes - 1) / limits::kStateChunkBytes;
}

Status StateDb::Database::open() {
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return disk_error("make folder", options.folder, error.value());
  auto settings = database_options();
  const auto target = options.file_system ? options.file_system : rocksdb::FileSystem::Default();
  env = rocksdb::NewCompositeEnv(make_scratch_file_system(target));
  settings.env = env.get();
  std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
  if (fs::exists(fs::path(options.folder) / "CURRENT", error)) {
    names.clear();
    MILLRACE_TRY(rocks_status(rocksdb::DB::ListColumnFamilies(settings, options.folder, &names),
                              "read the state in " + options.folder));
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) {
    families.emplace_back(
        name, name.starts_with(kCutFamily) ? cut_family_options() : kept_family_options());
  }
  std::vector<Family> handles;
  rocksdb::DB* opened = nullptr;
  MILLRACE_TRY(
      rocks_status(rocksdb::DB::Open(settings, options.folder, families, &handles, &opened),
                   "open the state in " + options.folder));
  db.reset(opened);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].starts_with(kCutFamily)) {
      const CutId cut(std::strtoull(names[i].c_str() + kCutFamily.size(), nullptr, 10));
      cut_families[cut] = handles[i];
      newest_shipped = std::max(newest_shipped.value_or(cut), cut);
    } else {
      kept = handles[i];
    }
  }
  return Status();
}

void StateDb::Database::close() {
  if (!db) return;
  // A handle that cannot be destroyed leaks with a database that is given up anyway.
  for (const auto& [cut, family] : cut_families) (void)db->DestroyColumnFamilyHandle(family);
  if (kept != nullptr) (void)db->DestroyColumnFamilyHandle(kept);
  cut_families.clear();
  kept = nullptr;
  (void)db->Close();
  db.reset();
}

Status StateDb::Database::note(const rocksdb::Status& status, const std::string& action) {
  if (status.ok()) return Status();
  has_failed = true;
  return rocks_status(status, action + " in " + options.folder);
}

Result<StateDb::Database::Family> StateDb::Database::family_of(CutId cut) const {
  const auto found = cut_families.find(cut);
  if (found != cut_families.end()) return found->second;
  return Status(Code::not_found,
                "there is no state of cut " + std::to_string(cut.value) + " in " + options.folder);
}

Result<StateDb::Database::Family> StateDb::Database::begin_cut(CutId cut) {
  if (newest_shipped && cut <= *newest_shipped) {
    return Status(Code::conflict, "cut " + std::to_string(cut.value) + " is closed: cut " +
                                      std::to_string(newest_shipped->value) +
                                      " was shipped or restored already");
  }
  const auto found = cut_families.find(cut);
  if (has_failed && found != cut_families.end()) {
    return Status(Code::io_error,
                  "the state of cut " + std::to_string(cut.value) +
                      " is incomplete: an earlier write of it failed",
                  "abandon the cut; the next one begins anew");
  }
  if (found != cut_families.end()) return found->second;
  if (has_failed) MILLRACE_TRY(recover());
  Family family = nullptr;
  MILLRACE_TRY(
      note(db->CreateColumnFamily(cut_family_options(),
                                  std::string(kCutFamily) + std::to_string(cut.value), &family),
           "begin cut " + std::to_string(cut.value)));
  cut_families[cut] = family;
  return family;
}

Status StateDb::Database::recover() {
  if (has_kept) {
    MILLRACE_TRY(rocks_status(db->Resume(), "resume the state in " + options.folder));
  } else {
    // What is here belongs to cuts that failed or that the store holds.
    close();
    std::error_code error;
    fs::remove_all(options.folder, error);
    if (error) return disk_error("empty", options.folder, error.value());
    const auto closed = newest_shipped;
    shipped.clear();
    MILLRACE_TRY(open());
    newest_shipped = closed;
  }
  has_failed = false;
  return Status();
}

Status StateDb::Database::put(Family family, const std::string& key, ByteView bytes) {
  MILLRACE_ASSIGN(const auto former, header(family, key));
  const ValueHeader value{.size = bytes.size(), .crc = crc32c(bytes)};
  for (std::uint64_t i = 0; i < value.chunks(); ++i) {
    const auto begin = i * limits::kStateChunkBytes;
    const auto chunk =
        bytes.subspan(begin, std::min<std::size_t>(limits::kStateChunkBytes, bytes.size() - begin));
    MILLRACE_TRY(
        note(db->Put(unlogged(), family, chunk_key(key, i), slice(chunk)), "write " + key));
  }
  for (auto i = value.chunks(); former && i < former->chunks(); ++i) {
    MILLRACE_TRY(note(db->Delete(unlogged(), family, chunk_key(key, i)), "write " + key));
  }
  ByteWriter writer;
  writer.put(value.size);
  writer.put(value.crc);
  return note(db->Put(unlogged(), family, header_key(key), slice(writer.view())), "write " + key);
}

Result<std::optional<StateDb::Database::ValueHeader>> StateDb::Database::header(
    Family family, const std::string& key) const {
  std::string text;
  const auto status = db->Get(rocksdb::ReadOptions(), family, header_key(key), &text);
  if (status.IsNotFound()) return std::optional<ValueHeader>();
  MILLRACE_TRY(rocks_status(status, "read " + key + " in " + options.folder));
  ByteReader reader(as_bytes(text));
  ValueHeader value;
  value.size = reader.get<std::uint64_t>();
  value.crc = reader.get<std::uint32_t>();
  MILLRACE_TRY(reader.finish().with_context("reading " + key + " in " + options.folder));
  if (value.size > limits::kStateValueBytesMax) {
    return Status(Code::corrupted, key + " in " + options.folder + " claims an impossible size");
  }
  return std::optional<ValueHeader>(value);
}

Result<Bytes> StateDb::Database::get(Family family, const std::string& key) const {
  MILLRACE_ASSIGN(const auto value, header(family, key));
  const auto where = "'" + key + "' in " + options.folder;
  if (!value) return Status(Code::not_found, "there is no state " + where);
  Bytes bytes;
  bytes.reserve(value->size);
  for (std::uint64_t i = 0; i < value->chunks(); ++i) {
    rocksdb::PinnableSlice chunk;
    const auto status = db->Get(rocksdb::ReadOptions(), family, chunk_key(key, i), &chunk);
    if (status.IsNotFound()) return Status(Code::corrupted, "state " + where + " lacks a chunk");
    MILLRACE_TRY(rocks_status(status, "read state " + where));
    const auto view = as_bytes({chunk.data(), chunk.size()});
    bytes.insert(bytes.end(), view.begin(), view.end());
  }
  if (bytes.size() != value->size || crc32c(bytes) != value->crc) {
    return Status(Code::corrupted, "state " + where + " fails its checksum");
  }
  return bytes;
}

Result<std::vector<std::string>> StateDb::Database::list(Family family,
                                                         const std::string& prefix) const {
  std::vector<std::string> keys;
  const auto begin = header_key(prefix);
  std::unique_ptr<rocksdb::Iterator> entry(db->NewIterator(rocksdb::ReadOptions(), family));
  for (entry->Seek(begin); entry->Valid() && entry->key().starts_with(begin); entry->Next()) {
    keys.push_back(entry->key().ToString().substr(1));
  }
  MILLRACE_TRY(rocks_status(entry->status(), "list the state in " + options.folder));
  return keys;
}

}  // namespace millrace
