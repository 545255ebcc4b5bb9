#include "common/store/sealed_json.hpp"

#include <cstdio>

#include "common/base/digest.hpp"

namespace millrace {
namespace {

constexpr std::string_view kBeforeCrc = R"("integrity":{"crc32c":")";
constexpr std::string_view kBeforeSha = R"(","sha256":")";
constexpr std::string_view kAfterSha = "\"}}\n";
constexpr std::size_t kSealBytes =
    kBeforeCrc.size() + 8 + kBeforeSha.size() + 64 + kAfterSha.size();

std::string seal_of(ByteView covered) {
  char crc[9];
  std::snprintf(crc, sizeof crc, "%08x", crc32c(covered));
  return std::string(kBeforeCrc) + crc + std::string(kBeforeSha) + sha256_hex(covered) +
         std::string(kAfterSha);
}

}  // namespace

Result<Bytes> seal_json(OrderedJson object, std::uint16_t format, JsonLayout layout,
                        std::uint16_t min_reader) {
  OrderedJson whole;
  whole["format_version"] = format;
  whole["min_reader_version"] = min_reader;
  for (auto& [key, value] : object.items()) whole[key] = std::move(value);
  std::string text;
  try {
    text = whole.dump(layout == JsonLayout::pretty ? 2 : -1);
  } catch (const nlohmann::json::exception&) {
    return Status(Code::invalid_argument, "a text to be stored is not valid UTF-8",
                  "use names and paths in UTF-8");
  }
  text.pop_back();  // the closing brace, and the newline before it
  if (layout == JsonLayout::pretty) text.pop_back();
  text += layout == JsonLayout::pretty ? ",\n  " : ",";
  text += seal_of(as_bytes(text));
  const auto bytes = as_bytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

Result<nlohmann::json> open_sealed_json(ByteView bytes, std::uint16_t format, const char* what) {
  const auto damaged = [&](const char* why) {
    return Status(Code::corrupted, std::string(what) + " " + why);
  };
  if (bytes.size() < kSealBytes) return damaged("is truncated");
  const auto covered = bytes.first(bytes.size() - kSealBytes);
  if (as_text(bytes.last(kSealBytes)) != seal_of(covered)) {
    return damaged("fails its checksum: it was truncated or changed after it was written");
  }
  auto parsed = nlohmann::json::parse(as_text(bytes), nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) return damaged("is not a JSON object");
  Status status;
  JsonFields fields(parsed, what, status);
  const auto written = fields.number<std::uint16_t>("format_version");
  const auto needed = fields.number<std::uint16_t>("min_reader_version");
  MILLRACE_TRY(status);
  if (needed > format) {
    return Status(Code::unsupported_format,
                  std::string(what) + " has format " + std::to_string(written) +
                      " and needs a reader of format " + std::to_string(needed) +
                      "; this program reads up to " + std::to_string(format),
                  "use the version of Millrace that wrote it, or a newer one");
  }
  return parsed;
}

const nlohmann::json* JsonFields::find(const char* key) {
  if (!status_.is_ok()) return nullptr;
  const auto member = object_.find(key);
  if (member == object_.end()) {
    fail(std::string("lacks ") + key);
    return nullptr;
  }
  return &*member;
}

std::string JsonFields::text(const char* key) {
  const auto* member = find(key);
  if (member == nullptr) return {};
  if (!member->is_string()) {
    fail(std::string(key) + " is not a text");
    return {};
  }
  return member->get<std::string>();
}

bool JsonFields::flag(const char* key) {
  const auto* member = find(key);
  if (member == nullptr) return false;
  if (!member->is_boolean()) {
    fail(std::string(key) + " is neither true nor false");
    return false;
  }
  return member->get<bool>();
}

const nlohmann::json& JsonFields::array(const char* key) {
  static const nlohmann::json kEmpty = nlohmann::json::array();
  const auto* member = find(key);
  if (member == nullptr) return kEmpty;
  if (!member->is_array()) {
    fail(std::string(key) + " is not a list");
    return kEmpty;
  }
  return *member;
}

const nlohmann::json& JsonFields::object(const char* key) {
  static const nlohmann::json kEmpty = nlohmann::json::object();
  const auto* member = find(key);
  if (member == nullptr) return kEmpty;
  if (!member->is_object()) {
    fail(std::string(key) + " is not an object");
    return kEmpty;
  }
  return *member;
}

void JsonFields::fail_number(const char* key) {
  fail(std::string(key) + " is not a number in range");
}

void JsonFields::fail(const std::string& why) {
  if (status_.is_ok()) status_ = Status(Code::corrupted, where_ + " " + why);
}

}  // namespace millrace
