#include "common/data/schema.hpp"

#include "common/base/check.hpp"
#include "common/base/limits.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;

void put_strings(ByteWriter& writer, const std::vector<std::string>& texts) {
  writer.put<std::uint64_t>(texts.size());
  for (const auto& text : texts) writer.put_string(text);
}

// A count of things of at least `bytes_each` encoded bytes, held against what remains.
std::size_t get_count(ByteReader& reader, std::size_t bytes_each) {
  const auto count = reader.get<std::uint64_t>();
  if (count > reader.remaining() / bytes_each) {
    reader.fail("list is longer than its blob");
    return 0;
  }
  return count;
}

std::vector<std::string> get_strings(ByteReader& reader) {
  std::vector<std::string> texts(get_count(reader, sizeof(std::uint64_t)));
  for (auto& text : texts) text = reader.get_string();
  return texts;
}

std::uint32_t count_role(const std::vector<Field>& fields, FieldRole role) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(fields, [role](const Field& field) { return field.role == role; }));
}

// What the decoder and the pipeline index by must hold together, whoever wrote the blob.
const char* find_inconsistency(const Schema& schema) {
  if (schema.task > Task::multiclass) return "schema has an unknown task";
  std::uint32_t next_numeric = 0, next_categorical = 0, labels = 0;
  for (const auto& field : schema.fields) {
    if (field.role > FieldRole::excluded) return "schema has an unknown role";
    if (field.role == FieldRole::label) ++labels;
    if (field.role == FieldRole::numeric && field.index != next_numeric++)
      return "schema's numeric fields are out of order";
    if (field.role == FieldRole::categorical && field.index != next_categorical++)
      return "schema's categorical fields are out of order";
  }
  if (labels != 1) return "schema does not have exactly one label";
  if (schema.categories.size() != next_categorical)
    return "schema's categories do not match its categorical fields";
  if (schema.classes.size() > schema.max_classes && schema.task != Task::regression)
    return "schema has more classes than places";
  return nullptr;
}

}  // namespace

std::uint32_t Schema::numeric_count() const {
  return count_role(fields, FieldRole::numeric);
}

std::uint32_t Schema::categorical_count() const {
  return count_role(fields, FieldRole::categorical);
}

const Field* Schema::find(const std::string& name) const {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

const Field& Schema::label() const {
  const auto found = std::ranges::find(fields, FieldRole::label, &Field::role);
  MILLRACE_CHECK(found != fields.end());
  return *found;
}

void Schema::encode(ByteWriter& writer) const {
  writer.envelope(kFormat, kFormat);
  writer.put(static_cast<std::uint8_t>(task));
  writer.put<std::uint64_t>(fields.size());
  for (const auto& field : fields) {
    writer.put_string(field.name);
    writer.put(field.role);
    writer.put(field.index);
    writer.put(field.pivot);
    writer.put_string(field.evidence);
  }
  put_strings(writer, missing);
  put_strings(writer, classes);
  writer.put<std::uint8_t>(classes_are_declared ? 1 : 0);
  writer.put(max_classes);
  writer.put_string(positive);
  writer.put<std::uint64_t>(categories.size());
  for (const auto& values : categories) put_strings(writer, values);
}

Result<Schema> Schema::decode(ByteReader& reader) {
  Schema schema;
  reader.envelope(kFormat, "schema");
  schema.task = static_cast<Task>(reader.get<std::uint8_t>());
  schema.fields.resize(get_count(reader, 2 * sizeof(std::uint64_t)));
  for (auto& field : schema.fields) {
    field.name = reader.get_string();
    field.role = reader.get<FieldRole>();
    field.index = reader.get<std::uint32_t>();
    field.pivot = reader.get<double>();
    field.evidence = reader.get_string();
  }
  schema.missing = get_strings(reader);
  schema.classes = get_strings(reader);
  schema.classes_are_declared = reader.get<std::uint8_t>() != 0;
  schema.max_classes = reader.get<std::uint32_t>();
  schema.positive = reader.get_string();
  schema.categories.resize(get_count(reader, sizeof(std::uint64_t)));
  for (auto& values : schema.categories) values = get_strings(reader);
  if (reader.is_ok()) {
    if (const char* why = find_inconsistency(schema)) reader.fail(why);
  }
  if (!reader.is_ok()) return reader.status().with_context("reading the schema");
  return schema;
}

}  // namespace millrace
