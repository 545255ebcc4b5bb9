#include "common/store/manifest.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/sealed_json.hpp"

namespace millrace {
namespace {

constexpr const char* kWhat = "manifest";
constexpr std::string_view kManifestFolder = "manifests/";
constexpr std::string_view kPartFolder = "parts/";

Status check_part(const PartDescriptor& part, Code code) {
  for (const auto& file : part.files) {
    if (const auto status = check_object_name(file.name); !status.is_ok()) {
      return Status(code, "part refers to a file it must not: " + status.message());
    }
    const bool is_hex = file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (file.sha256.size() != 64 || !is_hex) {
      return Status(code, "part has a malformed SHA-256 for " + file.name);
    }
  }
  return Status();
}

// The rules that a manifest keeps on both sides of the disk.
Status check_rules(const Manifest& manifest, Code code) {
  const auto refuse = [code](const std::string& why) { return Status(code, "manifest " + why); };
  if (manifest.job.empty()) return refuse("names no job");
  const auto& totals = manifest.totals;
  if (totals.read != totals.records + totals.quarantined + totals.skipped) {
    return refuse("totals do not add up: read = records + quarantined + skipped");
  }
  if (manifest.splits.size() > limits::kSplitsMax) return refuse("has too many splits");
  if (manifest.parts.size() > limits::kWorkersMax) return refuse("has too many parts");
  for (const auto& split : manifest.splits) {
    if (split.begin > split.end) return refuse("has a split that ends before it begins");
  }
  for (const auto& part : manifest.parts) MILLRACE_TRY(check_part(part, code));
  return Status();
}

OrderedJson to_json(const PartDescriptor& part) {
  OrderedJson files = OrderedJson::array();
  for (const auto& file : part.files) {
    files.push_back({{"name", file.name},
                     {"size", file.size},
                     {"crc32c", file.crc32c},
                     {"sha256", file.sha256}});
  }
  return {{"worker", part.worker.value}, {"files", std::move(files)}};
}

OrderedJson to_json(const RecordSums& sums) {
  return {{"count", sums.count},
          {"sum_low", sums.sum_low},
          {"sum_high", sums.sum_high},
          {"second", sums.second},
          {"parity", sums.parity}};
}

OrderedJson to_json(const SplitPosition& split) {
  return {{"id", split.id.value},
          {"path", split.path},
          {"begin", split.begin},
          {"end", split.end},
          {"offset", split.offset.value},
          {"is_finished", split.is_finished},
          {"learned", to_json(split.learned)}};
}

OrderedJson to_json(const ShardLedger& ledger) {
  OrderedJson splits = OrderedJson::array();
  for (const auto& [split, sums] : ledger.records.splits) {
    splits.push_back({{"split", split.value}, {"records", to_json(sums)}});
  }
  return {{"pushes", ledger.pushes}, {"weights", ledger.weights}, {"splits", std::move(splits)}};
}

OrderedJson to_json(const std::vector<WorkerId>& workers) {
  OrderedJson list = OrderedJson::array();
  for (const auto worker : workers) list.push_back(worker.value);
  return list;
}

RecordSums sums_from(const nlohmann::json& json, Status& status) {
  JsonFields fields(json, kWhat, status);
  return {.count = fields.number<std::uint64_t>("count"),
          .sum_low = fields.number<std::uint64_t>("sum_low"),
          .sum_high = fields.number<std::uint64_t>("sum_high"),
          .second = fields.number<std::uint64_t>("second"),
          .parity = fields.number<std::uint64_t>("parity")};
}

ShardLedger ledger_from(const nlohmann::json& json, Status& status) {
  JsonFields fields(json, kWhat, status);
  ShardLedger ledger;
  ledger.pushes = fields.number<std::uint64_t>("pushes");
  ledger.weights = fields.number<std::uint64_t>("weights");
  for (const auto& item : fields.array("splits")) {
    JsonFields split(item, kWhat, status);
    const SplitId id(split.number<std::uint32_t>("split"));
    ledger.records.splits[id] = sums_from(split.object("records"), status);
  }
  return ledger;
}

std::vector<WorkerId> workers_from(const nlohmann::json& list, Status& status) {
  std::vector<WorkerId> workers;
  for (const auto& item : list) {
    const bool is_id = item.is_number_unsigned() &&
                       item.get<std::uint64_t>() <= std::numeric_limits<std::uint32_t>::max();
    if (!is_id && status.is_ok())
      status = Status(Code::corrupted, "manifest has no id of a worker");
    workers.emplace_back(is_id ? item.get<std::uint32_t>() : 0);
  }
  return workers;
}

PartDescriptor part_from(const nlohmann::json& json, Status& status) {
  JsonFields fields(json, kWhat, status);
  PartDescriptor part{.worker = WorkerId(fields.number<std::uint32_t>("worker")), .files = {}};
  for (const auto& item : fields.array("files")) {
    JsonFields file(item, kWhat, status);
    part.files.push_back({.name = file.text("name"),
                          .size = file.number<std::uint64_t>("size"),
                          .crc32c = file.number<std::uint32_t>("crc32c"),
                          .sha256 = file.text("sha256")});
  }
  return part;
}

SplitPosition split_from(const nlohmann::json& json, Status& status) {
  JsonFields fields(json, kWhat, status);
  return {.id = SplitId(fields.number<std::uint32_t>("id")),
          .path = fields.text("path"),
          .begin = fields.number<std::uint64_t>("begin"),
          .end = fields.number<std::uint64_t>("end"),
          .offset = Offset(fields.number<std::uint64_t>("offset")),
          .is_finished = fields.flag("is_finished"),
          .learned = sums_from(fields.object("learned"), status)};
}

RecordTotals totals_from(const nlohmann::json& json, Status& status) {
  JsonFields fields(json, kWhat, status);
  return {.read = fields.number<std::uint64_t>("read"),
          .records = fields.number<std::uint64_t>("records"),
          .quarantined = fields.number<std::uint64_t>("quarantined"),
          .skipped = fields.number<std::uint64_t>("skipped")};
}

void read_metadata(JsonFields& fields, Manifest& manifest) {
  for (const auto& [key, value] : fields.object("metadata").items()) {
    if (!value.is_string()) return fields.fail("metadata holds something that is not a text");
    manifest.metadata.emplace(key, value.get<std::string>());
  }
}

}  // namespace

std::uint64_t PartDescriptor::bytes() const {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const StoredFile& file) { return sum + file.size; });
}

StoredFile PartDescriptor::summary() const {
  StoredFile whole;
  if (!files.empty()) whole.name = files.front().name;
  const auto file = state_file_name(whole.name);
  if (!file.empty()) whole.name.resize(whole.name.size() - file.size() - 1);
  const auto encoded = encode_part(*this);
  whole.size = bytes();
  whole.crc32c = millrace::crc32c(encoded);
  whole.sha256 = sha256_hex(encoded);
  return whole;
}

Bytes encode_part(const PartDescriptor& part) {
  MILLRACE_CHECK(check_part(part, Code::internal).is_ok());
  OrderedJson object;
  object["part"] = to_json(part);
  // Cannot fail: names of objects are ASCII.
  return seal_json(std::move(object), kManifestFormat, JsonLayout::line).value();
}

Result<PartDescriptor> decode_part(ByteView bytes) {
  MILLRACE_ASSIGN(const auto parsed, open_sealed_json(bytes, kManifestFormat, "part"));
  Status status;
  JsonFields fields(parsed, "part", status);
  auto part = part_from(fields.object("part"), status);
  MILLRACE_TRY(status);
  MILLRACE_TRY(check_part(part, Code::corrupted));
  return part;
}

Result<Bytes> encode_manifest(const Manifest& manifest) {
  MILLRACE_TRY(check_rules(manifest, Code::invalid_argument));
  OrderedJson object;
  object["job"] = manifest.job;
  object["term"] = manifest.term.value;
  object["attempt"] = manifest.attempt.value;
  object["cut"] = manifest.cut.value;
  object["savepoint"] = manifest.savepoint;
  object["created_at"] = manifest.created_at;
  object["instruction_set"] = manifest.instruction_set;
  object["program_version"] = manifest.program_version;
  object["job_fingerprint"] = manifest.job_fingerprint;
  object["schema_fingerprint"] = manifest.schema_fingerprint;
  object["is_final"] = manifest.is_final;
  object["totals"] = {{"read", manifest.totals.read},
                      {"records", manifest.totals.records},
                      {"quarantined", manifest.totals.quarantined},
                      {"skipped", manifest.totals.skipped}};
  object["splits"] = OrderedJson::array();
  for (const auto& split : manifest.splits) object["splits"].push_back(to_json(split));
  object["parts"] = OrderedJson::array();
  for (const auto& part : manifest.parts) object["parts"].push_back(to_json(part));
  object["replicas"] = to_json(manifest.replicas);
  object["shards"] = to_json(manifest.shards);
  object["ledger"] = to_json(manifest.ledger);
  object["metadata"] = OrderedJson::object();
  for (const auto& [key, value] : manifest.metadata) object["metadata"][key] = value;
  MILLRACE_ASSIGN(auto bytes, seal_json(std::move(object), kManifestFormat, JsonLayout::pretty));
  if (bytes.size() > limits::kManifestBytesMax) {
    return Status(Code::invalid_argument,
                  "manifest would have " + std::to_string(bytes.size()) + " bytes",
                  "use fewer splits or shorter paths");
  }
  return bytes;
}

Result<Manifest> decode_manifest(ByteView bytes) {
  if (bytes.size() > limits::kManifestBytesMax) {
    return Status(Code::corrupted, "manifest is longer than any that is written");
  }
  MILLRACE_ASSIGN(const auto parsed, open_sealed_json(bytes, kManifestFormat, kWhat));
  Status status;
  JsonFields fields(parsed, kWhat, status);
  Manifest manifest;
  manifest.job = fields.text("job");
  manifest.term = Term(fields.number<std::uint64_t>("term"));
  manifest.attempt = Attempt(fields.number<std::uint64_t>("attempt"));
  manifest.cut = CutId(fields.number<std::uint64_t>("cut"));
  manifest.savepoint = fields.text("savepoint");
  manifest.created_at = fields.text("created_at");
  manifest.instruction_set = fields.text("instruction_set");
  manifest.program_version = fields.text("program_version");
  manifest.job_fingerprint = fields.text("job_fingerprint");
  manifest.schema_fingerprint = fields.text("schema_fingerprint");
  manifest.is_final = fields.flag("is_final");
  manifest.totals = totals_from(fields.object("totals"), status);
  for (const auto& split : fields.array("splits")) {
    manifest.splits.push_back(split_from(split, status));
  }
  for (const auto& part : fields.array("parts")) manifest.parts.push_back(part_from(part, status));
  manifest.replicas = workers_from(fields.array("replicas"), status);
  manifest.shards = workers_from(fields.array("shards"), status);
  manifest.ledger = ledger_from(fields.object("ledger"), status);
  read_metadata(fields, manifest);
  MILLRACE_TRY(status);
  MILLRACE_TRY(check_rules(manifest, Code::corrupted));
  return manifest;
}

namespace {

std::string origin_text(CutId cut, Attempt attempt) {
  // Padded so that a listing shows cuts in their order.
  char text[64];
  std::snprintf(text, sizeof text, "cut-%010llu.attempt-%llu",
                static_cast<unsigned long long>(cut.value),
                static_cast<unsigned long long>(attempt.value));
  return text;
}

}  // namespace

std::string manifest_name(CutId cut, Attempt attempt) {
  return std::string(kManifestFolder) + origin_text(cut, attempt) + ".json";
}

std::string part_prefix(WorkerId worker, CutId cut, Attempt attempt, const std::string& session) {
  return std::string(kPartFolder) + origin_text(cut, attempt) + ".worker-" +
         std::to_string(worker.value) + "." + session + ".";
}

std::string state_file_name(const std::string& object) {
  std::size_t at = 0;
  // After cut, attempt, worker and session.
  for (int field = 0; field < 4; ++field) {
    at = object.find('.', at);
    if (at == std::string::npos) return {};
    ++at;
  }
  return object.substr(at);
}

Result<CutRef> object_origin(const std::string& name) {
  unsigned long long cut = 0;
  unsigned long long attempt = 0;
  const auto is_known = name.starts_with(kManifestFolder) || name.starts_with(kPartFolder);
  const auto slash = name.find('/');
  if (!is_known ||
      std::sscanf(name.c_str() + slash, "/cut-%llu.attempt-%llu.", &cut, &attempt) != 2) {
    return Status(Code::not_found, "object " + name + " belongs to no cut");
  }
  return CutRef{.cut = CutId(cut), .attempt = Attempt(attempt)};
}

}  // namespace millrace
