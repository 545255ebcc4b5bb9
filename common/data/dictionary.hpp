// Append-only ids for classes and categories: the same text has the same id for the life of a job.
//
// Place: the job's sequenced dictionary lives in parameter shard 0 (subject to cuts like a push);
// every replica and model server holds a copy that only grows. Not thread-safe: one owner each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/data/schema.hpp"

namespace millrace {

// Field 0 is the label; field 1 + i is the i-th categorical field.
using DictionaryField = std::uint32_t;
inline constexpr DictionaryField kLabelField = 0;

struct DictionaryEntry {
  DictionaryField field = 0;
  std::string text;
};

class Dictionary {
 public:
  Dictionary() = default;
  // The entries of the schema; `capacity[f]` is the number of places of field f (later ones are
  // refused).
  explicit Dictionary(const Schema& schema, std::vector<std::uint32_t> capacity);

  std::optional<std::uint32_t> find(DictionaryField field, std::string_view text) const;
  // The id of the text, appended when new; nothing when the places are used up.
  std::optional<std::uint32_t> append(DictionaryField field, std::string_view text);
  bool is_full(DictionaryField field) const;
  std::string_view text(DictionaryField field, std::uint32_t id) const;
  std::uint32_t size(DictionaryField field) const;

  // Entries in the order in which they were appended after construction: replicas adopt a suffix of
  // it.
  const std::vector<DictionaryEntry>& log() const { return log_; }
  void adopt(std::span<const DictionaryEntry> entries);

  void encode(ByteWriter& writer) const;
  static Result<Dictionary> decode(ByteReader& reader);

 private:
  struct FieldEntries {
    std::uint32_t capacity = 0;
    std::vector<std::string> texts;
    // Keyed by hash_text: a lookup allocates nothing; the text settles collisions.
    std::unordered_multimap<std::uint64_t, std::uint32_t> ids;
  };
  std::vector<FieldEntries> fields_;
  std::vector<DictionaryEntry> log_;
};

}  // namespace millrace
