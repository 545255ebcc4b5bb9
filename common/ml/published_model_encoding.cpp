// The stored form of a published version, format 1:
//
//   envelope | header size | header | CRC32C of the header | body size | body | CRC32C of all
//   before it
//
// The header comes first so that listing versions reads a page, not their parameters.
#include <utility>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/ml/published_model.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;
constexpr const char* kWhat = "the model version";

// A count of things of at least `bytes_each` encoded bytes, held against what remains.
std::size_t get_count(ByteReader& reader, std::size_t bytes_each) {
  const auto count = reader.get<std::uint64_t>();
  if (count <= reader.remaining() / bytes_each) return count;
  reader.fail("list is longer than its blob");
  return 0;
}

template <typename Enum>
Enum get_enum(ByteReader& reader, Enum last) {
  const auto value = reader.get<std::uint8_t>();
  if (value > static_cast<std::uint8_t>(last)) reader.fail("unknown kind");
  return static_cast<Enum>(value);
}

template <typename Enum>
void put_enum(ByteWriter& writer, Enum value) {
  writer.put(static_cast<std::uint8_t>(value));
}

void put_lineage(const Lineage& lineage, ByteWriter& writer) {
  writer.put_string(lineage.job);
  writer.put_string(lineage.job_fingerprint);
  writer.put_string(lineage.program_version);
  writer.put_string(lineage.instruction_set);
  writer.put(lineage.version.value);
  writer.put<std::uint64_t>(lineage.parent ? lineage.parent->value : 0);
  writer.put(lineage.cut.value);
  writer.put(lineage.attempt.value);
  writer.put<std::uint64_t>(lineage.slice.size());
  for (const auto& split : lineage.slice) {
    writer.put_string(split.path);
    writer.put(split.begin.value);
    writer.put(split.offset.value);
    writer.put_string(split.content_digest);
  }
  writer.put(lineage.records);
  writer.put<std::uint64_t>(lineage.metrics.size());
  for (const auto& [name, value] : lineage.metrics) {
    writer.put_string(name);
    writer.put(value);
  }
  writer.put<std::int64_t>(lineage.created_at.time_since_epoch().count());
}

Lineage get_lineage(ByteReader& reader) {
  Lineage lineage;
  lineage.job = reader.get_string();
  lineage.job_fingerprint = reader.get_string();
  lineage.program_version = reader.get_string();
  lineage.instruction_set = reader.get_string();
  lineage.version = VersionId(reader.get<std::uint64_t>());
  if (const auto parent = reader.get<std::uint64_t>(); parent != 0) {
    lineage.parent = VersionId(parent);
  }
  lineage.cut = CutId(reader.get<std::uint64_t>());
  lineage.attempt = Attempt(reader.get<std::uint64_t>());
  lineage.slice.resize(get_count(reader, 4 * sizeof(std::uint64_t)));
  for (auto& split : lineage.slice) {
    split.path = reader.get_string();
    split.begin = Offset(reader.get<std::uint64_t>());
    split.offset = Offset(reader.get<std::uint64_t>());
    split.content_digest = reader.get_string();
  }
  lineage.records = reader.get<std::uint64_t>();
  const auto metrics = get_count(reader, 2 * sizeof(std::uint64_t));
  for (std::size_t i = 0; i < metrics; ++i) {
    std::string name = reader.get_string();
    lineage.metrics[std::move(name)] = reader.get<double>();
  }
  lineage.created_at = std::chrono::sys_time<std::chrono::milliseconds>(
      std::chrono::milliseconds(reader.get<std::int64_t>()));
  return lineage;
}

void put_transform(const TransformSpec& transform, ByteWriter& writer) {
  put_enum(writer, transform.kind);
  writer.put<std::uint64_t>(transform.fields.size());
  for (const auto& field : transform.fields) writer.put_string(field);
  put_enum(writer, transform.strategy);
  writer.put(transform.value);
  writer.put(transform.max_categories);
  writer.put(transform.bits);
}

TransformSpec get_transform(ByteReader& reader) {
  TransformSpec transform;
  transform.kind = get_enum(reader, TransformKind::hash);
  transform.fields.resize(get_count(reader, sizeof(std::uint64_t)));
  for (auto& field : transform.fields) field = reader.get_string();
  transform.strategy = get_enum(reader, ImputeStrategy::constant);
  transform.value = reader.get<double>();
  transform.max_categories = reader.get<std::uint32_t>();
  transform.bits = reader.get<std::uint32_t>();
  return transform;
}

Bytes encode_header(const PublishedModelHeader& header) {
  ByteWriter writer;
  put_lineage(header.lineage, writer);
  writer.put_string(header.digest);
  put_enum(writer, header.task);
  put_enum(writer, header.kind);
  writer.put(header.parameters);
  return std::move(writer).take();
}

// Reads envelope and header; `reader` then stands at the body's size.
Result<PublishedModelHeader> read_header(ByteReader& reader) {
  reader.envelope(kFormat, kWhat);
  const Bytes bytes = reader.get_bytes();
  const auto checksum = reader.get<std::uint32_t>();
  if (reader.is_ok() && checksum != crc32c(bytes))
    reader.fail("its header's checksum does not fit");
  MILLRACE_TRY(reader.status().with_context(std::string("reading ") + kWhat));
  ByteReader fields(bytes);
  PublishedModelHeader header;
  header.lineage = get_lineage(fields);
  header.digest = fields.get_string();
  header.task = get_enum(fields, Task::multiclass);
  header.kind = get_enum(fields, ModelKind::mlp);
  header.parameters = fields.get<std::uint64_t>();
  MILLRACE_TRY(fields.finish().with_context(std::string("reading ") + kWhat));
  return header;
}

Result<PublishedModelParts> read_body(ByteView bytes) {
  ByteReader reader(bytes);
  PublishedModelParts parts;
  MILLRACE_ASSIGN(parts.schema, Schema::decode(reader));
  parts.transforms.resize(get_count(reader, sizeof(std::uint64_t)));
  for (auto& transform : parts.transforms) transform = get_transform(reader);
  parts.statistics = reader.get_array<double>();
  MILLRACE_ASSIGN(parts.dictionary, Dictionary::decode(reader));
  parts.model.kind = get_enum(reader, ModelKind::mlp);
  parts.model.layers = reader.get_array<std::uint32_t>();
  parts.model.dropout = reader.get_array<double>();
  const auto theta = reader.get_array<float>();
  MILLRACE_TRY(reader.finish());
  parts.theta.assign(theta.begin(), theta.end());
  return parts;
}

}  // namespace

Bytes PublishedModel::encode() const {
  ByteWriter body;
  schema_.encode(body);
  body.put<std::uint64_t>(transforms_.size());
  for (const auto& transform : transforms_) put_transform(transform, body);
  body.put_array<double>(pipeline_.statistics());
  dictionary_.encode(body);
  put_enum(body, model_spec_.kind);
  body.put_array<std::uint32_t>(model_spec_.layers);
  body.put_array<double>(model_spec_.dropout);
  body.put_array<float>(theta_);

  ByteWriter writer;
  writer.envelope(kFormat, kFormat);
  const Bytes header = encode_header(header_);
  writer.put_bytes(header);
  writer.put(crc32c(header));
  writer.put_bytes(body.view());
  writer.put(crc32c(writer.view()));
  return std::move(writer).take();
}

Result<PublishedModelHeader> PublishedModel::decode_header(ByteView prefix) {
  ByteReader reader(prefix);
  return read_header(reader);
}

Result<std::shared_ptr<const PublishedModel>> PublishedModel::decode(ByteView bytes) {
  const auto corrupted = [](const char* why) {
    return Status(Code::corrupted, std::string("reading ") + kWhat + ": " + why);
  };
  constexpr std::size_t kChecksum = sizeof(std::uint32_t);
  if (bytes.size() < kChecksum) return corrupted("it ends early");
  const ByteView content = bytes.first(bytes.size() - kChecksum);
  if (ByteReader(bytes.last(kChecksum)).get<std::uint32_t>() != crc32c(content)) {
    return corrupted("its checksum does not fit");
  }
  ByteReader reader(content);
  MILLRACE_ASSIGN(PublishedModelHeader header, read_header(reader));
  const Bytes body = reader.get_bytes();
  MILLRACE_TRY(reader.finish().with_context(std::string("reading ") + kWhat));
  auto parts = read_body(body);
  if (!parts.is_ok()) {
    return parts.status().with_context(std::string("reading ") + kWhat);
  }
  parts.value().lineage = std::move(header.lineage);
  auto made = make(std::move(parts).value());
  if (!made.is_ok()) return made.status().with_context(std::string("reading ") + kWhat);
  if (made.value()->digest() != header.digest) return corrupted("its digest does not fit");
  return made;
}

}  // namespace millrace
