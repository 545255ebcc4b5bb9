#include "common/store/commit_log_store.hpp"

#include <algorithm>
#include <cstdio>

#include "common/store/sealed_json.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kCommitEntryFormat = 1;
constexpr std::size_t kWriterBytesMax = 128;
constexpr const char* kPrefix = "log/";
constexpr CommitKind kKinds[] = {CommitKind::takeover, CommitKind::complete, CommitKind::abandon,
                                 CommitKind::retire};

bool is_writer_id(const std::string& writer) {
  return !writer.empty() && writer.size() <= kWriterBytesMax &&
         std::all_of(writer.begin(), writer.end(), [](char c) { return c > ' ' && c <= '~'; });
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
  }
  return "unknown";
}

Bytes encode_commit_entry(const CommitEntry& entry) {
  MILLRACE_CHECK(is_writer_id(entry.writer));
  OrderedJson object;
  object["kind"] = to_string(entry.kind);
  object["term"] = entry.term.value;
  object["attempt"] = entry.attempt.value;
  object["cut"] = entry.cut.value;
  object["writer"] = entry.writer;
  // Cannot fail: every text in it is ASCII.
  return seal_json(std::move(object), kCommitEntryFormat, JsonLayout::line).value();
}

Result<CommitEntry> decode_commit_entry(ByteView bytes) {
  MILLRACE_ASSIGN(const auto parsed,
                  open_sealed_json(bytes, kCommitEntryFormat, "commit log entry"));
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
  MILLRACE_TRY(status);
  return entry;
}

std::string CommitLogStore::entry_name(std::uint64_t k) {
  // Padded so that names sort as the entries do.
  char digits[24];
  std::snprintf(digits, sizeof digits, "%012llu", static_cast<unsigned long long>(k));
  return std::string(kPrefix) + digits;
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
  return std::optional<CommitEntry>(std::move(entry).value());
}

Result<std::vector<CommitEntry>> CommitLogStore::read_all() {
  MILLRACE_ASSIGN(const auto names, store_.list(kPrefix));
  std::vector<CommitEntry> entries;
  entries.reserve(names.size());
  for (const auto& name : names) {
    const auto k = entries.size();
    MILLRACE_ASSIGN(auto entry, read(k));
    if (name != entry_name(k) || !entry) {
      return Status(Code::corrupted,
                    "the commit log has " + store_.describe(name) + " where " +
                        store_.describe(entry_name(k)) + " should be",
                    "restore the missing entry from a backup, or begin anew with --fresh");
    }
    entries.push_back(std::move(*entry));
  }
  return entries;
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
    if (entry.kind == CommitKind::complete) cuts[entry.cut] = entry.attempt;
    if (entry.kind == CommitKind::retire) cuts.erase(entry.cut);
  }
  std::vector<CutRef> refs;
  for (const auto& [cut, attempt] : cuts) refs.push_back({cut, attempt});
  return refs;
}

}  // namespace millrace
