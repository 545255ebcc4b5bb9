#include "common/data/dictionary.hpp"

#include "common/base/check.hpp"
#include "common/base/digest.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;

std::size_t get_count(ByteReader& reader, std::size_t bytes_each) {
  const auto count = reader.get<std::uint64_t>();
  if (count > reader.remaining() / bytes_each) {
    reader.fail("list is longer than its blob");
    return 0;
  }
  return count;
}

}  // namespace

Dictionary::Dictionary(const Schema& schema, std::vector<std::uint32_t> capacity) {
  fields_.resize(capacity.size());
  for (std::size_t field = 0; field < capacity.size(); ++field) {
    fields_[field].capacity = capacity[field];
  }
  // Values beyond the places of their field stay out: to the pipeline they are `other`.
  const auto seed_field = [this](DictionaryField field, const std::vector<std::string>& texts) {
    if (field >= fields_.size()) return;
    for (const auto& text : texts) append(field, text);
  };
  seed_field(kLabelField, schema.classes);
  for (std::size_t i = 0; i < schema.categories.size(); ++i) {
    seed_field(static_cast<DictionaryField>(i + 1), schema.categories[i]);
  }
  log_.clear();
}

std::optional<std::uint32_t> Dictionary::find(DictionaryField field, std::string_view text) const {
  if (field >= fields_.size()) return std::nullopt;
  const auto& entries = fields_[field];
  const auto [begin, end] = entries.ids.equal_range(hash_text(text));
  for (auto candidate = begin; candidate != end; ++candidate) {
    if (entries.texts[candidate->second] == text) return candidate->second;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Dictionary::append(DictionaryField field, std::string_view text) {
  if (const auto known = find(field, text)) return known;
  if (is_full(field)) return std::nullopt;
  auto& entries = fields_[field];
  const auto id = static_cast<std::uint32_t>(entries.texts.size());
  entries.texts.emplace_back(text);
  entries.ids.emplace(hash_text(text), id);
  log_.push_back({field, std::string(text)});
  return id;
}

bool Dictionary::is_full(DictionaryField field) const {
  return field >= fields_.size() || fields_[field].texts.size() >= fields_[field].capacity;
}

std::string_view Dictionary::text(DictionaryField field, std::uint32_t id) const {
  MILLRACE_CHECK(field < fields_.size() && id < fields_[field].texts.size());
  return fields_[field].texts[id];
}

std::uint32_t Dictionary::size(DictionaryField field) const {
  return field < fields_.size() ? static_cast<std::uint32_t>(fields_[field].texts.size()) : 0;
}

void Dictionary::adopt(std::span<const DictionaryEntry> entries) {
  for (const auto& entry : entries) append(entry.field, entry.text);
}

void Dictionary::encode(ByteWriter& writer) const {
  writer.envelope(kFormat, kFormat);
  writer.put<std::uint64_t>(fields_.size());
  for (const auto& entries : fields_) {
    writer.put(entries.capacity);
    writer.put<std::uint64_t>(entries.texts.size());
    for (const auto& text : entries.texts) writer.put_string(text);
  }
  writer.put<std::uint64_t>(log_.size());
  for (const auto& entry : log_) {
    writer.put(entry.field);
    writer.put_string(entry.text);
  }
}

Result<Dictionary> Dictionary::decode(ByteReader& reader) {
  Dictionary dictionary;
  reader.envelope(kFormat, "dictionary");
  dictionary.fields_.resize(get_count(reader, sizeof(std::uint32_t) + sizeof(std::uint64_t)));
  for (DictionaryField field = 0; field < dictionary.fields_.size() && reader.is_ok(); ++field) {
    auto& entries = dictionary.fields_[field];
    entries.capacity = reader.get<std::uint32_t>();
    const auto count = get_count(reader, sizeof(std::uint64_t));
    for (std::size_t id = 0; id < count && reader.is_ok(); ++id) {
      const auto appended = dictionary.append(field, reader.get_string());
      if (!appended || *appended != id)
        reader.fail("dictionary repeats a text or is over capacity");
    }
  }
  dictionary.log_.clear();
  dictionary.log_.resize(get_count(reader, sizeof(std::uint32_t) + sizeof(std::uint64_t)));
  for (auto& entry : dictionary.log_) {
    entry.field = reader.get<DictionaryField>();
    entry.text = reader.get_string();
    if (reader.is_ok() && !dictionary.find(entry.field, entry.text)) {
      reader.fail("dictionary's log names an unknown text");
    }
  }
  if (!reader.is_ok()) return reader.status().with_context("reading the dictionary");
  return dictionary;
}

}  // namespace millrace
