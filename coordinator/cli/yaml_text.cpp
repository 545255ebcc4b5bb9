#include "coordinator/cli/yaml_text.hpp"

#include <nlohmann/json.hpp>

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

bool is_plain_list(const Json& list) {
  return std::none_of(list.begin(), list.end(),
                      [](const Json& item) { return item.is_structured(); });
}

// JSON scalars and lists of them are YAML as they are; every string is quoted, so none is taken for
// something else.
bool is_inline(const Json& value) {
  return !value.is_structured() || value.empty() || (value.is_array() && is_plain_list(value));
}

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write(const Json& value, const std::string& indent, std::string& text) {
  if (value.is_object()) {
    for (const auto& [name, item] : value.items()) {
      const bool is_word =
          !name.empty() && std::all_of(name.begin(), name.end(),
                                       [](unsigned char c) { return std::isalpha(c) || c == '_'; });
      text += indent + (is_word ? name : text_of(name)) + ":";
      if (is_inline(item)) {
        text += " " + text_of(item) + "\n";
      } else {
        text += "\n";
        write(item, indent + "  ", text);
      }
    }
    return;
  }
  for (const auto& item : value) {
    if (is_inline(item)) {
      text += indent + "- " + text_of(item) + "\n";
      continue;
    }
    std::string block;
    write(item, indent + "  ", block);
    block.replace(indent.size(), 2, "- ");
    text += block;
  }
}

}  // namespace

std::string as_yaml(const Json& document) {
  if (is_inline(document)) return text_of(document) + "\n";
  std::string text;
  write(document, "", text);
  return text;
}

}  // namespace millrace::cli
