#include "common/store/state_db.hpp"

#include "common/base/limits.hpp"
#include "common/store/state_database.hpp"

namespace millrace {
namespace {

constexpr std::size_t kKeyBytesMax = 1'024;

Status check_value(const std::string& key, ByteView bytes) {
  if (key.empty() || key.size() > kKeyBytesMax || key.find('\0') != std::string::npos) {
    return Status(Code::invalid_argument, "'" + key.substr(0, 80) + "' cannot name a state value");
  }
  if (bytes.size() > limits::kStateValueBytesMax) {
    return Status(Code::invalid_argument,
                  "state '" + key + "' has " + std::to_string(bytes.size()) +
                      " bytes, more than one value may have",
                  "put it as several values");
  }
  return Status();
}

}  // namespace

StateDb::StateDb(std::unique_ptr<Database> database) : database_(std::move(database)) {}
StateDb::~StateDb() = default;

Result<std::unique_ptr<StateDb>> StateDb::open(StateDbOptions options) {
  auto database = std::make_unique<Database>(std::move(options));
  for (const auto& file : database->options.restored.files) {
    database->shipped[state_file_name(file.name)] = file;
  }
  MILLRACE_TRY(database->open());
  MILLRACE_ASSIGN(const auto kept, database->list(database->kept, ""));
  database->has_kept = !kept.empty();
  return std::unique_ptr<StateDb>(new StateDb(std::move(database)));
}

Result<std::unique_ptr<StateDb>> StateDb::open_restored(const PartDescriptor& part,
                                                        CheckpointStore& store,
                                                        const std::string& folder) {
  MILLRACE_TRY(restore(part, store, folder));
  StateDbOptions options;
  options.folder = folder;
  options.worker = part.worker;
  options.restored = part;
  return open(std::move(options));
}

Status StateDb::put(CutId cut, const std::string& key, ByteView bytes) {
  MILLRACE_TRY(check_value(key, bytes));
  MILLRACE_ASSIGN(auto* const family, database_->begin_cut(cut));
  return database_->put(family, key, bytes);
}

Result<Bytes> StateDb::get(CutId cut, const std::string& key) const {
  MILLRACE_ASSIGN(auto* const family, database_->family_of(cut));
  return database_->get(family, key);
}

Result<std::vector<std::string>> StateDb::list(CutId cut, const std::string& prefix) const {
  MILLRACE_ASSIGN(auto* const family, database_->family_of(cut));
  return database_->list(family, prefix);
}

std::vector<CutId> StateDb::cuts() const {
  std::vector<CutId> cuts;
  for (const auto& [cut, family] : database_->cut_families) cuts.push_back(cut);
  return cuts;
}

Status StateDb::put_kept(const std::string& key, ByteView bytes) {
  MILLRACE_TRY(check_value(key, bytes));
  if (database_->has_failed) MILLRACE_TRY(database_->recover());
  database_->has_kept = true;
  return database_->put(database_->kept, key, bytes);
}

Result<Bytes> StateDb::get_kept(const std::string& key) const {
  return database_->get(database_->kept, key);
}

Status StateDb::flush(CutId cut) {
  return database_->flush(cut);
}

void StateDb::completed(CutId cut) {
  const auto found = database_->unconfirmed.find(cut);
  if (found == database_->unconfirmed.end()) return;
  for (auto& [local, file] : found->second) database_->shipped[local] = std::move(file);
  database_->unconfirmed.erase(database_->unconfirmed.begin(), std::next(found));
}

void StateDb::abandoned(CutId cut) {
  database_->unconfirmed.erase(cut);
}

}  // namespace millrace
