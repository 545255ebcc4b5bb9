#include "common/config/job_value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/base/limits.hpp"
#include "common/config/nearest.hpp"

namespace millrace {
namespace {

Status wrong(std::string message, std::string hint = {}) {
  return {Code::invalid_argument, std::move(message), std::move(hint)};
}

template <typename T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Result<JobValue> parse_duration(const std::string& text) {
  const auto digits = text.find_first_not_of("0123456789.");
  double amount = 0;
  const std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  const double factor = unit == "ms"  ? 1
                        : unit == "s" ? 1e3
                        : unit == "m" ? 6e4
                        : unit == "h" ? 3.6e6
                                      : 0;
  if (!parse_whole(std::string_view(text).substr(0, digits), amount) || factor == 0 ||
      amount * factor > 1e15)
    return wrong("expected a duration, got '" + text + "'",
                 "write a number with a unit: 200ms, 10s, 1m or 2h");
  return JobValue{static_cast<std::uint64_t>(std::llround(amount * factor))};
}

Result<JobValue> parse_choice(const KeyRules& rules, const std::string& text) {
  for (const auto& choice : rules.choices)
    if (choice == text) return JobValue{text};
  std::string all;
  for (const auto& choice : rules.choices) all += (all.empty() ? "" : ", ") + choice;
  for (const auto& choice : rules.unsupported_choices)
    if (choice == text)
      return wrong("'" + text + "' is not supported by this version", "supported: " + all);
  const auto nearest = nearest_word(text, rules.choices);
  return wrong("unknown value '" + text + "'",
               (nearest.empty() ? "" : "did you mean '" + nearest + "'? ") + ("known: " + all));
}

bool is_plain_word(const std::string& text) {
  if (text.empty() || text == "null" || text == "Null" || text == "NULL") return false;
  const auto is_safe = [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '/' || c == '.' || c == '-';
  };
  return text[0] != '-' && std::all_of(text.begin(), text.end(), is_safe);
}

template <typename T, typename Print>
std::string bracketed(const std::vector<T>& values, Print print) {
  std::string all = "[";
  for (const auto& value : values) all += (all.size() == 1 ? "" : ", ") + print(value);
  return all + "]";
}

Status check_number(const KeyRules& rules, double value) {
  const bool too_small = rules.minimum_is_open ? value <= rules.minimum : value < rules.minimum;
  const bool too_large = rules.maximum_is_open ? value >= rules.maximum : value > rules.maximum;
  if (!too_small && !too_large) return {};
  return wrong(rules.type == KeyType::duration ? fmt::format("{}ms is out of range", value)
                                               : fmt::format("{} is out of range", value),
               "expected " + range_text(rules));
}

}  // namespace

bool is_list(KeyType type) {
  return type == KeyType::text_list || type == KeyType::integer_list ||
         type == KeyType::number_list;
}

bool is_empty(const JobValue& value) {
  return std::visit(
      [](const auto& v) {
        if constexpr (requires { v.empty(); }) return v.empty();
        return std::is_same_v<std::decay_t<decltype(v)>, std::monostate>;
      },
      value);
}

Result<JobValue> parse_scalar(const KeyRules& rules, const std::string& text) {
  switch (rules.type) {
    case KeyType::text:
    case KeyType::text_list:
      if (text.size() > limits::kStringBytesMax)
        return wrong(
            fmt::format("{} bytes are too long, at most {}", text.size(), limits::kStringBytesMax));
      return JobValue{text};
    case KeyType::character:
      if (text.size() == 1) return JobValue{text};
      if (text == "\\t" || text == "tab") return JobValue{std::string("\t")};
      return wrong("expected one character, got '" + text + "'",
                   "quote it, for instance \";\" or \"\\t\"");
    case KeyType::choice:
      return parse_choice(rules, text);
    case KeyType::boolean:
      if (text == "true") return JobValue{true};
      if (text == "false") return JobValue{false};
      return wrong("expected true or false, got '" + text + "'");
    case KeyType::integer:
    case KeyType::integer_list: {
      std::uint64_t value = 0;
      if (parse_whole(text, value)) return JobValue{value};
      return wrong("expected a whole number, got '" + text + "'",
                   "write digits only, from 0 to 18446744073709551615");
    }
    case KeyType::number:
    case KeyType::number_list: {
      double value = 0;
      if (parse_whole(text, value) && value - value == 0) return JobValue{value};
      return wrong("expected a number, got '" + text + "'", "for instance 0.1 or 1e-3");
    }
    case KeyType::duration:
      return parse_duration(text);
    case KeyType::properties:
      break;  // a map, read as one
  }
  return wrong("unknown type of key");
}

JobValue empty_list(const KeyRules& rules) {
  if (rules.type == KeyType::text_list) return std::vector<std::string>{};
  if (rules.type == KeyType::integer_list) return std::vector<std::uint64_t>{};
  return std::vector<double>{};
}

void append_element(const KeyRules& rules, JobValue& list, const JobValue& scalar) {
  if (rules.type == KeyType::text_list)
    std::get<std::vector<std::string>>(list).push_back(std::get<std::string>(scalar));
  else if (rules.type == KeyType::integer_list)
    std::get<std::vector<std::uint64_t>>(list).push_back(std::get<std::uint64_t>(scalar));
  else
    std::get<std::vector<double>>(list).push_back(std::get<double>(scalar));
}

Status check_range(const KeyRules& rules, const JobValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return check_number(rules, *number);
  if (const auto* number = std::get_if<std::uint64_t>(&value))
    return check_number(rules, static_cast<double>(*number));
  if (const auto* numbers = std::get_if<std::vector<double>>(&value))
    for (const auto number : *numbers) MILLRACE_TRY(check_number(rules, number));
  if (const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value))
    for (const auto number : *numbers)
      MILLRACE_TRY(check_number(rules, static_cast<double>(number)));
  return {};
}

std::string range_text(const KeyRules& rules) {
  const bool has_minimum = rules.minimum > -1e300;
  const bool has_maximum = rules.maximum < 1e300;
  const auto print = [&](double value) {
    if (rules.type != KeyType::duration) return fmt::format("{}", value);
    return to_yaml(rules, static_cast<std::uint64_t>(value));
  };
  if (has_minimum && has_maximum)
    return fmt::format("{}{} to {}{}", rules.minimum_is_open ? "more than " : "",
                       print(rules.minimum), rules.maximum_is_open ? "less than " : "",
                       print(rules.maximum));
  if (has_minimum)
    return (rules.minimum_is_open ? "more than " : "at least ") + print(rules.minimum);
  if (has_maximum)
    return (rules.maximum_is_open ? "less than " : "at most ") + print(rules.maximum);
  return {};
}

std::string type_text(KeyType type) {
  switch (type) {
    case KeyType::text:
      return "text";
    case KeyType::character:
      return "one character";
    case KeyType::choice:
      return "one word";
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return "whole number";
    case KeyType::number:
      return "number";
    case KeyType::duration:
      return "duration";
    case KeyType::text_list:
      return "list of texts";
    case KeyType::integer_list:
      return "list of whole numbers";
    case KeyType::number_list:
      return "list of numbers";
    case KeyType::properties:
      return "map of settings";
  }
  return "?";
}

std::string quote_yaml(const std::string& text) {
  if (is_plain_word(text)) return text;
  // A JSON string is a YAML string; bytes that are not UTF-8 are replaced rather than thrown over.
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

namespace {

std::string braced(const Properties& properties) {
  std::string all = "{";
  for (const auto& [name, property] : properties) {
    const auto text = quote_yaml(property.text);
    all += (all.size() == 1 ? "" : ", ") + quote_yaml(name) + ": " +
           (property.is_secret ? "{secret: " + text + "}" : text);
  }
  return all + "}";
}

}  // namespace

std::string to_yaml(const KeyRules& rules, const JobValue& value) {
  if (const auto* properties = std::get_if<Properties>(&value)) return braced(*properties);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return quote_yaml(*text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
    return bracketed(*texts, quote_yaml);
  if (const auto* numbers = std::get_if<std::vector<double>>(&value))
    return bracketed(*numbers, [](double number) { return fmt::format("{}", number); });
  if (const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value))
    return bracketed(*numbers, [](std::uint64_t number) { return std::to_string(number); });
  const auto* number = std::get_if<std::uint64_t>(&value);
  if (number == nullptr) return "";
  if (rules.type != KeyType::duration) return std::to_string(*number);
  if (*number % 3'600'000 == 0) return std::to_string(*number / 3'600'000) + "h";
  if (*number % 60'000 == 0) return std::to_string(*number / 60'000) + "m";
  if (*number % 1000 == 0) return std::to_string(*number / 1000) + "s";
  return std::to_string(*number) + "ms";
}

}  // namespace millrace
