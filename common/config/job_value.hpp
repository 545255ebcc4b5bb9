// Text to JobValue and back, and the range of a key: what the reader, the printer and the schema
// share.
//
// Place: private to common/config. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.hpp"
#include "common/config/job_keys.hpp"

namespace millrace {

// One scalar, or one element of a list, as the key's type. The status says what was expected,
// without the key's name.
Result<JobValue> parse_scalar(const KeyRules& rules, const std::string& text);
// Appends the element `scalar` to `list`, which is empty at first.
void append_element(const KeyRules& rules, JobValue& list, const JobValue& scalar);
JobValue empty_list(const KeyRules& rules);
bool is_list(KeyType type);
// Absent, "" or [].
bool is_empty(const JobValue& value);

// ok, or why the value is outside the key's range.
Status check_range(const KeyRules& rules, const JobValue& value);
// "(0, 1]", "at least 1"; empty when everything is allowed.
std::string range_text(const KeyRules& rules);
// "number", "list of words": for documentation and messages.
std::string type_text(KeyType type);

// As it stands in a job file: quoted where YAML would read something else, lists in brackets.
std::string to_yaml(const KeyRules& rules, const JobValue& value);
std::string quote_yaml(const std::string& text);

// True when the condition `only_with` holds for the root, or there is none.
template <typename Root>
bool has_effect(const Key<Root>& key, const std::vector<Key<Root>>& keys, const Root& root) {
  if (key.only_with.empty()) return true;
  const auto equals = key.only_with.find('=');
  for (const auto& other : keys) {
    if (std::string_view(key.only_with).substr(0, equals) != other.path) continue;
    const auto value = other.get(root);
    const auto* word = std::get_if<std::string>(&value);
    const std::string allowed = "|" + key.only_with.substr(equals + 1) + "|";
    return word != nullptr && allowed.find("|" + *word + "|") != std::string::npos;
  }
  return false;
}

}  // namespace millrace
