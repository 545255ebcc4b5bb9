#include "common/actors/job_package.hpp"

#include "common/base/limits.hpp"
#include "common/config/job_file.hpp"
#include "common/data/job_defaults.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 2;
// A package without joined splits is as format 1 had it.
constexpr std::uint16_t kFormatWithoutJoined = 1;
constexpr std::uint16_t kJoinedFormat = 1;

void put_outlines(const std::vector<SplitOutline>& splits, ByteWriter& writer) {
  writer.put<std::uint64_t>(splits.size());
  for (const auto& split : splits) {
    writer.put(split.id.value);
    writer.put_string(split.path);
    writer.put(split.begin.value);
    writer.put(split.end.value);
  }
}

std::vector<SplitOutline> get_outlines(ByteReader& reader) {
  std::vector<SplitOutline> splits;
  const auto count = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < count; ++i) {
    SplitOutline split;
    split.id = SplitId(reader.get<std::uint32_t>());
    split.path = reader.get_string();
    split.begin = Offset(reader.get<std::uint64_t>());
    split.end = Offset(reader.get<std::uint64_t>());
    splits.push_back(std::move(split));
  }
  return splits;
}

// Whoever runs a job asks no more what was left out of its file.
bool is_resolved(const JobSpec& spec) {
  return spec.preprocess && spec.model && spec.optimizer && spec.training && spec.merge &&
         spec.merge->every;
}

}  // namespace

void JobPackage::go_on_with(JobSpec resolved) {
  if (resolved.parallelism != spec.parallelism) shards = default_shards(resolved);
  spec = std::move(resolved);
}

Bytes JoinedSplits::encode() const {
  ByteWriter writer;
  writer.envelope(kJoinedFormat, kJoinedFormat);
  put_outlines(splits, writer);
  writer.put_bytes(split_plan);
  return std::move(writer).take();
}

Result<JoinedSplits> JoinedSplits::decode(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kJoinedFormat, "what is stored of splits that joined the job");
  JoinedSplits joined;
  joined.splits = get_outlines(reader);
  joined.split_plan = reader.get_bytes();
  MILLRACE_TRY(reader.finish());
  return joined;
}

Status JobPackage::join(JoinedSplits joined) {
  const std::size_t before = splits.size();
  for (SplitOutline& split : joined.splits) {
    if (split.id.value != splits.size() || splits.size() >= limits::kSplitsMax) {
      splits.resize(before);
      return {Code::corrupted, "split " + std::to_string(split.id.value) +
                                   " cannot join a job of " + std::to_string(before) +
                                   " splits: it does not follow them, or they are too many"};
    }
    splits.push_back(std::move(split));
  }
  if (joined.splits.empty()) return {Code::corrupted, "no splits are said to join the job"};
  joined_splits += joined.splits.size();
  split_plan = std::move(joined.split_plan);
  return {};
}

std::vector<SplitProgress> JobPackage::first_positions() const {
  std::vector<SplitProgress> positions;
  for (const auto& split : splits) {
    SplitProgress position;
    position.split = split.id;
    position.offset = split.begin;
    positions.push_back(position);
  }
  return positions;
}

Bytes JobPackage::encode() const {
  ByteWriter writer;
  const auto format = joined_splits == 0 ? kFormatWithoutJoined : kFormat;
  writer.envelope(format, format);
  writer.put_string(print_job(spec));
  schema.encode(writer);
  writer.put_string(base_folder);
  writer.put(shards);
  put_outlines(splits, writer);
  writer.put_bytes(split_plan);
  writer.put_string(fingerprint);
  if (joined_splits != 0) writer.put<std::uint64_t>(joined_splits);
  return std::move(writer).take();
}

Result<JobPackage> JobPackage::decode(ByteView bytes) {
  ByteReader reader(bytes);
  const auto format = reader.envelope(kFormat, "the stored job");
  const std::string yaml = reader.get_string();
  MILLRACE_TRY(reader.status());
  JobPackage package;
  auto spec = parse_job(yaml, "the stored job");
  if (!spec.is_ok()) return Status(Code::corrupted, spec.status().message());
  package.spec = std::move(spec).value();
  if (!is_resolved(package.spec)) {
    return Status(Code::corrupted, "the stored job leaves out what was decided at submit");
  }
  MILLRACE_ASSIGN(package.schema, Schema::decode(reader));
  package.base_folder = reader.get_string();
  package.shards = reader.get<std::uint32_t>();
  package.splits = get_outlines(reader);
  package.split_plan = reader.get_bytes();
  package.fingerprint = reader.get_string();
  if (format >= kFormat) package.joined_splits = reader.get<std::uint64_t>();
  MILLRACE_TRY(reader.finish());
  if (package.joined_splits > package.splits.size()) {
    return Status(Code::corrupted, "the stored job says that more splits joined than it has");
  }
  return package;
}

}  // namespace millrace
