// JSON objects that know whether they are whole: the last member, `integrity`, holds CRC32C and
// SHA-256 of every byte before it. Used by the manifest and by the entries of the commit log;
// include only from sources (a heavy header).
//
// The first members are always `format_version` and `min_reader_version`: a newer program reads
// older objects, and an older one refuses newer ones by name.
#pragma once

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"

namespace millrace {

using OrderedJson = nlohmann::ordered_json;

enum class JsonLayout { line, pretty };

// invalid_argument when a text in it is not UTF-8. `min_reader` is the oldest format whose readers
// understand it.
Result<Bytes> seal_json(OrderedJson object, std::uint16_t format, JsonLayout layout,
                        std::uint16_t min_reader = 1);
// Verifies integrity first and parses then. `format` is the newest that this program reads.
Result<nlohmann::json> open_sealed_json(ByteView bytes, std::uint16_t format, const char* what);

// Reads the members of an object; after the first failure every further read yields an empty value.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string where, Status& status)
      : object_(object), where_(std::move(where)), status_(status) {
    if (!object_.is_object()) fail("is not an object");
  }

  template <std::unsigned_integral T>
  T number(const char* key) {
    const auto* member = find(key);
    if (member == nullptr) return 0;
    if (!member->is_number_unsigned() ||
        member->get<std::uint64_t>() > std::numeric_limits<T>::max()) {
      fail_number(key);
      return 0;
    }
    return member->get<T>();
  }
  std::string text(const char* key);
  bool flag(const char* key);
  // The member when it is an array, otherwise an empty array.
  const nlohmann::json& array(const char* key);
  const nlohmann::json& object(const char* key);
  void fail(const std::string& why);

 private:
  const nlohmann::json* find(const char* key);
  void fail_number(const char* key);

  const nlohmann::json& object_;
  std::string where_;
  Status& status_;
};

}  // namespace millrace
