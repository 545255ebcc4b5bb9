#include "common/actors/job_package.hpp"

#include "common/config/job_file.hpp"
#include "common/data/job_defaults.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;

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
  writer.envelope(kFormat, kFormat);
  writer.put_string(print_job(spec));
  schema.encode(writer);
  writer.put_string(base_folder);
  writer.put(shards);
  writer.put<std::uint64_t>(splits.size());
  for (const auto& split : splits) {
    writer.put(split.id.value);
    writer.put_string(split.path);
    writer.put(split.begin.value);
    writer.put(split.end.value);
  }
  writer.put_bytes(split_plan);
  writer.put_string(fingerprint);
  return std::move(writer).take();
}

Result<JobPackage> JobPackage::decode(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "the stored job");
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
  const auto count = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < count; ++i) {
    SplitOutline split;
    split.id = SplitId(reader.get<std::uint32_t>());
    split.path = reader.get_string();
    split.begin = Offset(reader.get<std::uint64_t>());
    split.end = Offset(reader.get<std::uint64_t>());
    package.splits.push_back(std::move(split));
  }
  package.split_plan = reader.get_bytes();
  package.fingerprint = reader.get_string();
  MILLRACE_TRY(reader.finish());
  return package;
}

}  // namespace millrace
