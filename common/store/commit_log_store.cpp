#include "common/store/commit_log_store.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "common/base/limits.hpp"
#include "common/store/sealed_json.hpp"

namespace millrace {
namespace {

// Entries that readers of format 1 understand are still written in it.
constexpr std::uint16_t kCommitEntryFormat = 1;
constexpr std::uint16_t kSnapshotFormat = 2;
constexpr std::uint16_t kSavepointFormat = 3;
constexpr std::size_t kWriterBytesMax = 128;
constexpr const char* kPrefix = "log/";
constexpr CommitKind kKinds[] = {CommitKind::takeover,  CommitKind::complete, CommitKind::abandon,
                                 CommitKind::retire,    CommitKind::snapshot, CommitKind::lead,
                                 CommitKind::savepoint, CommitKind::release,  CommitKind::branch};
// How often a log is read again from its end when entries vanish on the way.
constexpr int kReadsMax = 4;

bool is_writer_id(const std::string& writer) {
  return !writer.empty() && writer.size() <= kWriterBytesMax &&
         std::all_of(writer.begin(), writer.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void put_snapshot(const CommitEntry& entry, OrderedJson& object) {
  object["index"] = entry.index;
  object["cut_zero"] = entry.is_cut_zero_complete;
  auto cuts = OrderedJson::array();
  for (const auto& [cut, attempt] : entry.complete) {
    cuts.push_back({{"cut", cut.value}, {"attempt", attempt.value}});
  }
  object["complete"] = std::move(cuts);
  if (!entry.savepoints.empty()) {
    auto names = OrderedJson::array();
    for (const auto& [name, cut] : entry.savepoints) {
      names.push_back({{"name", name}, {"cut", cut.value}});
    }
    object["savepoints"] = std::move(names);
  }
  if (entry.branch) {
    object["branch"] = {{"from", entry.branch->from.value},
                        {"begin", entry.branch->begin.value},
                        {"request", entry.branch->request}};
  }
}

bool has_name(CommitKind kind) {
  return kind == CommitKind::savepoint || kind == CommitKind::release || kind == CommitKind::branch;
}

// The oldest format that says all of the entry: readers of it understand the bytes.
std::uint16_t format_of(const CommitEntry& entry) {
  if (has_name(entry.kind) || entry.kind == CommitKind::lead) return kSavepointFormat;
  if (entry.kind != CommitKind::snapshot) return kCommitEntryFormat;
  return entry.savepoints.empty() && !entry.branch ? kSnapshotFormat : kSavepointFormat;
}

Status read_snapshot(JsonFields& fields, CommitEntry& entry) {
  entry.index = fields.number<std::uint64_t>("index");
  entry.is_cut_zero_complete = fields.flag("cut_zero");
  const auto& cuts = fields.array("complete");
  if (cuts.size() > limits::kSnapshotCutsMax) fields.fail("names too many cuts");
  Status status;
  for (const auto& each : cuts) {
    JsonFields named(each, "cut of a commit log entry", status);
    const CutId cut(named.number<std::uint64_t>("cut"));
    const Attempt attempt(named.number<std::uint64_t>("attempt"));
    if (!entry.complete.emplace(cut, attempt).second) named.fail("is named twice");
    MILLRACE_TRY(status);
  }
  return {};
}

// Absent from a snapshot that needs no more than format 2.
Status read_names(const nlohmann::json& object, JsonFields& fields, CommitEntry& entry) {
  Status status;
  if (object.contains("savepoints")) {
    const auto& names = fields.array("savepoints");
    if (names.size() > limits::kSavepointsMax) fields.fail("names too many savepoints");
    for (const auto& each : names) {
      JsonFields named(each, "savepoint of a commit log entry", status);
      const auto name = named.text("name");
      const CutId cut(named.number<std::uint64_t>("cut"));
      if (!is_log_name(name)) named.fail("has no valid name");
      if (!entry.complete.contains(cut)) named.fail("is of a cut that is not complete");
      if (!entry.savepoints.emplace(name, cut).second) named.fail("is named twice");
      MILLRACE_TRY(status);
    }
  }
  if (object.contains("branch")) {
    JsonFields branch(fields.object("branch"), "branch of a commit log entry", status);
    entry.branch = LogBranch{.from = CutId(branch.number<std::uint64_t>("from")),
                             .begin = CutId(branch.number<std::uint64_t>("begin")),
                             .request = branch.text("request")};
    if (!is_log_name(entry.branch->request)) branch.fail("has no valid request");
  }
  return status;
}

}  // namespace

const char* to_string(CommitKind kind) {
  switch (kind) {
    case CommitKind::takeover:
      return "takeover";
    case CommitKind::complete:
      return "complete";
    case CommitKind::abandon:
      return "abandon";
    case CommitKind::retire:
      return "retire";
    case CommitKind::snapshot:
      return "snapshot";
    case CommitKind::lead:
      return "lead";
    case CommitKind::savepoint:
      return "savepoint";
    case CommitKind::release:
      return "release";
    case CommitKind::branch:
      return "branch";
  }
  return "unknown";
}

Bytes encode_commit_entry(const CommitEntry& entry) {
  MILLRACE_CHECK(is_writer_id(entry.writer));
  MILLRACE_CHECK(!has_name(entry.kind) || is_log_name(entry.name));
  OrderedJson object;
  object["kind"] = to_string(entry.kind);
  object["term"] = entry.term.value;
  object["attempt"] = entry.attempt.value;
  object["cut"] = entry.cut.value;
  object["writer"] = entry.writer;
  if (has_name(entry.kind)) object["name"] = entry.name;
  if (entry.kind == CommitKind::snapshot) put_snapshot(entry, object);
  const auto format = format_of(entry);
  // Cannot fail: every text in it is ASCII.
  return seal_json(std::move(object), format, JsonLayout::line, format).value();
}

Result<CommitEntry> decode_commit_entry(ByteView bytes) {
  MILLRACE_ASSIGN(const auto parsed, open_sealed_json(bytes, kSavepointFormat, "commit log entry"));
  Status status;
  JsonFields fields(parsed, "commit log entry", status);
  const auto kind = fields.text("kind");
  const auto* known = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](CommitKind k) { return kind == to_string(k); });
  if (known == std::end(kKinds)) fields.fail("is of unknown kind '" + kind + "'");
  CommitEntry entry{.kind = known == std::end(kKinds) ? CommitKind::takeover : *known,
                    .term = Term(fields.number<std::uint64_t>("term")),
                    .attempt = Attempt(fields.number<std::uint64_t>("attempt")),
                    .cut = CutId(fields.number<std::uint64_t>("cut")),
                    .writer = fields.text("writer")};
  if (!is_writer_id(entry.writer)) fields.fail("has no valid writer");
  if (has_name(entry.kind)) entry.name = fields.text("name");
  if (has_name(entry.kind) && !is_log_name(entry.name)) fields.fail("has no valid name");
  if (entry.kind == CommitKind::snapshot) {
    MILLRACE_TRY(read_snapshot(fields, entry));
    MILLRACE_TRY(read_names(parsed, fields, entry));
  }
  MILLRACE_TRY(status);
  return entry;
}

std::string CommitLogStore::entry_name(std::uint64_t k) {
  // Padded so that names sort as the entries do.
  char name[32];
  std::snprintf(name, sizeof name, "%s%012llu", kPrefix, static_cast<unsigned long long>(k));
  return name;
}

Result<std::optional<CommitEntry>> CommitLogStore::read(std::uint64_t k) {
  const auto name = entry_name(k);
  const auto bytes = store_.get(name);
  if (!bytes.is_ok() && bytes.status().code() == Code::not_found) {
    return std::optional<CommitEntry>();
  }
  MILLRACE_TRY(bytes.status());
  auto entry = decode_commit_entry(bytes.value());
  if (!entry.is_ok()) return entry.status().with_context(store_.describe(name));
  if (entry.value().kind == CommitKind::snapshot && entry.value().index != k) {
    return Status(Code::corrupted, store_.describe(name) + " is the snapshot at entry " +
                                       std::to_string(entry.value().index));
  }
  return std::optional<CommitEntry>(std::move(entry).value());
}

// Ascending.
Result<std::vector<std::uint64_t>> CommitLogStore::indices() {
  MILLRACE_ASSIGN(const auto names, store_.list(kPrefix));
  std::vector<std::uint64_t> all;
  all.reserve(names.size());
  for (const auto& name : names) {
    std::uint64_t k = 0;
    (void)std::from_chars(name.data() + std::string_view(kPrefix).size(), name.data() + name.size(),
                          k);
    if (name != entry_name(k)) {
      return Status(Code::corrupted,
                    "the commit log has " + store_.describe(name) + ", which is no entry",
                    "move it away");
    }
    all.push_back(k);
  }
  std::sort(all.begin(), all.end());  // names with more digits do not
  return all;
}

Result<std::optional<std::uint64_t>> CommitLogStore::newest() {
  MILLRACE_ASSIGN(const auto all, indices());
  return all.empty() ? std::optional<std::uint64_t>() : all.back();
}

// From the highest index down, as CommitLog reads. What is missing was deleted while this read, or
// is lost: then it is missing again.
Result<std::vector<CommitEntry>> CommitLogStore::read_all() {
  std::uint64_t missing = 0;
  for (int reads = 0; reads < kReadsMax; ++reads) {
    std::vector<CommitEntry> entries;
    MILLRACE_ASSIGN(const auto end, newest());
    if (!end) return entries;
    for (std::uint64_t k = *end;; --k) {
      MILLRACE_ASSIGN(auto entry, read(k));
      missing = k;
      if (!entry) break;
      entries.push_back(std::move(*entry));
      if (k > 0 && entries.back().kind != CommitKind::snapshot) continue;
      std::reverse(entries.begin(), entries.end());
      return entries;
    }
  }
  return Status(Code::corrupted,
                store_.describe(entry_name(missing)) + " of the commit log is missing",
                "restore the missing entry from a backup, or begin anew with --fresh");
}

Status CommitLogStore::trim(std::uint64_t below) {
  MILLRACE_ASSIGN(const auto all, indices());
  for (const auto k : all) {
    if (k < below) MILLRACE_TRY(store_.remove(entry_name(k)));
  }
  return {};
}

Result<PutOutcome> CommitLogStore::write(std::uint64_t k, const CommitEntry& entry) {
  if (!is_writer_id(entry.writer)) {
    return Status(Code::invalid_argument, "'" + entry.writer + "' is no id of a writer");
  }
  return store_.put_if_absent(entry_name(k), encode_commit_entry(entry));
}

std::vector<CutRef> complete_cuts(const std::vector<CommitEntry>& entries) {
  std::map<CutId, Attempt> cuts;
  for (const auto& entry : entries) {
    if (entry.kind == CommitKind::snapshot) cuts = entry.complete;
    if (entry.kind == CommitKind::complete) cuts[entry.cut] = entry.attempt;
    if (entry.kind == CommitKind::retire) cuts.erase(entry.cut);
  }
  std::vector<CutRef> refs;
  for (const auto& [cut, attempt] : cuts) refs.push_back({cut, attempt});
  return refs;
}

}  // namespace millrace
