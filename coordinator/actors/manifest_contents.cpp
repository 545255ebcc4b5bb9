#include "coordinator/actors/manifest_contents.hpp"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

#include "common/base/digest.hpp"
#include "common/base/version.hpp"
#include "common/ml/kernels/kernels.hpp"

namespace millrace {
namespace {

const std::string kMetricPrefix = "metric.";

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string schema_fingerprint(const Schema& schema) {
  ByteWriter writer;
  schema.encode(writer);
  return sha256_hex(writer.view());
}

}  // namespace

PartDigest part_digest(const PartDescriptor& part) {
  const StoredFile summary = part.summary();
  return {part.worker, summary.name, summary.size, summary.crc32c, summary.sha256};
}

Manifest make_manifest(const CutContents& contents, const JobPackage& job,
                       const ManifestExtras& extras) {
  Manifest manifest;
  manifest.job = job.spec.name;
  manifest.term = contents.term;
  manifest.attempt = contents.attempt;
  manifest.cut = contents.cut;
  manifest.created_at = now_text();
  manifest.instruction_set = kernels::target_name();
  manifest.program_version = program_version();
  manifest.job_fingerprint = job.fingerprint;
  manifest.schema_fingerprint = schema_fingerprint(job.schema);
  manifest.is_final = contents.is_final;
  manifest.totals = extras.totals;
  manifest.parts = extras.parts;
  manifest.replicas = contents.replicas;
  manifest.shards = contents.shards;
  manifest.ledger = contents.ledger;
  for (const auto& progress : contents.splits) {
    const auto& outline = job.splits[progress.split.value];
    manifest.splits.push_back({progress.split, outline.path, outline.begin.value, outline.end.value,
                               progress.offset, progress.is_finished, progress.learned});
  }
  for (const auto& [name, value] : extras.metrics) {
    manifest.metadata[kMetricPrefix + name] = fmt::format("{:.9g}", value);
  }
  return manifest;
}

CutContents read_contents(const Manifest& manifest) {
  CutContents contents;
  contents.term = manifest.term;
  contents.attempt = manifest.attempt;
  contents.cut = manifest.cut;
  contents.is_final = manifest.is_final;
  contents.replicas = manifest.replicas;
  contents.shards = manifest.shards;
  contents.ledger = manifest.ledger;
  for (const auto& split : manifest.splits) {
    contents.splits.push_back({split.id, split.offset, split.learned, split.is_finished});
  }
  for (const auto& part : manifest.parts) contents.parts.push_back(part_digest(part));
  return contents;
}

std::map<std::string, double> read_metrics(const Manifest& manifest) {
  std::map<std::string, double> metrics;
  for (const auto& [name, text] : manifest.metadata) {
    if (!name.starts_with(kMetricPrefix)) continue;
    double value = 0.0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec == std::errc()) metrics[name.substr(kMetricPrefix.size())] = value;
  }
  return metrics;
}

}  // namespace millrace
