// Builds one row of the table of job_keys.hpp from a pointer to member: the value type, its
// conversions and the words of an enumeration follow from the member's C++ type.
//
// Place: included by job_keys.cpp, kafka_keys.cpp and transform_keys.cpp only.
#pragma once

#include <optional>
#include <type_traits>

#include "common/base/check.hpp"
#include "common/config/job_keys.hpp"

namespace millrace::job_key_access {

// The words of an enumeration, in the order of its enumerators.
template <typename Enum>
const std::vector<std::string>& words();

template <typename T>
struct Unwrapped {
  using type = T;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

template <typename T>
constexpr KeyType key_type() {
  if constexpr (std::is_enum_v<T>) return KeyType::choice;
  if constexpr (std::is_same_v<T, bool>) return KeyType::boolean;
  if constexpr (std::is_same_v<T, char>) return KeyType::character;
  if constexpr (std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>)
    return KeyType::integer;
  if constexpr (std::is_same_v<T, double>) return KeyType::number;
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) return KeyType::duration;
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return KeyType::text_list;
  if constexpr (std::is_same_v<T, std::vector<std::uint32_t>> ||
                std::is_same_v<T, std::vector<std::uint64_t>>)
    return KeyType::integer_list;
  if constexpr (std::is_same_v<T, std::vector<double>>) return KeyType::number_list;
  if constexpr (std::is_same_v<T, Properties>) return KeyType::properties;
  return KeyType::text;
}

template <typename T>
JobValue to_value(const T& value) {
  if constexpr (std::is_enum_v<T>)
    return words<T>().at(static_cast<std::size_t>(value));
  else if constexpr (std::is_same_v<T, char>)
    return std::string(1, value);
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return std::uint64_t{value};
  else if constexpr (std::is_same_v<T, std::chrono::milliseconds>)
    return static_cast<std::uint64_t>(value.count());
  else if constexpr (std::is_same_v<T, std::vector<std::uint32_t>>)
    return std::vector<std::uint64_t>(value.begin(), value.end());
  else
    return value;
}

template <typename T>
T from_value(const JobValue& value) {
  if constexpr (std::is_enum_v<T>) {
    const auto& known = words<T>();
    const auto found = std::find(known.begin(), known.end(), std::get<std::string>(value));
    MILLRACE_CHECK(found != known.end());
    return static_cast<T>(found - known.begin());
  } else if constexpr (std::is_same_v<T, char>) {
    return std::get<std::string>(value).at(0);
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    return static_cast<std::uint32_t>(std::get<std::uint64_t>(value));
  } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    return std::chrono::milliseconds(std::get<std::uint64_t>(value));
  } else if constexpr (std::is_same_v<T, std::vector<std::uint32_t>>) {
    const auto& wide = std::get<std::vector<std::uint64_t>>(value);
    std::vector<std::uint32_t> narrow;
    for (const auto element : wide) narrow.push_back(static_cast<std::uint32_t>(element));
    return narrow;
  } else {
    return std::get<T>(value);
  }
}

// How to reach a section of a root: `make` creates an optional one, `find` gives null when it is
// absent.
template <typename Root, typename Section>
struct Access {
  std::function<Section&(Root&)> make;
  std::function<const Section*(const Root&)> find;
};

template <typename Root>
Access<Root, Root> itself() {
  return {[](Root& root) -> Root& { return root; }, [](const Root& root) { return &root; }};
}
template <typename Root, typename Section>
Access<Root, Section> section(Section Root::*member) {
  return {[member](Root& root) -> Section& { return root.*member; },
          [member](const Root& root) { return &(root.*member); }};
}
template <typename Root, typename Section>
Access<Root, Section> section(std::optional<Section> Root::*member) {
  return {[member](Root& root) -> Section& {
            auto& found = root.*member;
            return found ? *found : found.emplace();
          },
          [member](const Root& root) { return root.*member ? &*(root.*member) : nullptr; }};
}
template <typename Root, typename Outer, typename Inner>
Access<Root, Inner> inside(Access<Root, Outer> outer, Inner Outer::*member) {
  return {[outer, member](Root& root) -> Inner& { return outer.make(root).*member; },
          [outer, member](const Root& root) {
            const Outer* found = outer.find(root);
            return found == nullptr ? nullptr : &(found->*member);
          }};
}

template <typename Root, typename Section, typename T>
Key<Root> key(const std::string& path, const Access<Root, Section>& access, T Section::*member,
              const std::string& help) {
  using Plain = typename Unwrapped<T>::type;
  Key<Root> row;
  row.path = path;
  row.help = help;
  row.type = key_type<Plain>();
  if constexpr (std::is_enum_v<Plain>) row.choices = words<Plain>();
  row.get = [access, member](const Root& root) -> JobValue {
    const Section* found = access.find(root);
    if (found == nullptr) return {};
    const T& value = found->*member;
    if constexpr (std::is_same_v<T, Plain>)
      return to_value(value);
    else
      return value ? to_value(*value) : JobValue{};
  };
  row.set = [access, member](Root& root, const JobValue& value) {
    access.make(root).*member = from_value<Plain>(value);
  };
  if constexpr (std::is_same_v<Plain, std::uint32_t>) row.maximum = 4294967295.0;
  return row;
}

// The rows of a source of its own, in kafka_keys.cpp.
void add_kafka_keys(std::vector<JobKey>& keys);
// Of what a job puts out.
void add_sink_keys(std::vector<JobKey>& keys);

}  // namespace millrace::job_key_access
