#include "common/config/timestamp.hpp"

#include <charconv>
#include <chrono>

namespace millrace {
namespace {

// Takes exactly `digits` digits from the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// Behind the T: HH:MM, with :SS and .mmm or without, and Z.
std::optional<std::chrono::milliseconds> take_time(std::string_view text) {
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  std::chrono::milliseconds time = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  if (take(text, ':')) {
    const auto seconds = take_number(text, 2);
    if (!seconds || *seconds > 59) return std::nullopt;
    time += std::chrono::seconds(*seconds);
    if (take(text, '.')) {
      const auto milliseconds = take_number(text, 3);
      if (!milliseconds) return std::nullopt;
      time += std::chrono::milliseconds(*milliseconds);
    }
  }
  if (text != "Z") return std::nullopt;
  return time;
}

}  // namespace

std::optional<std::int64_t> parse_timestamp_ms(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0) return number;
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year < 1970) return std::nullopt;
  std::chrono::milliseconds time{0};
  if (take(text, 'T')) {
    const auto found = take_time(text);
    if (!found) return std::nullopt;
    time = *found;
  } else if (!text.empty()) {
    return std::nullopt;
  }
  return (std::chrono::sys_days(date).time_since_epoch() + time) / std::chrono::milliseconds(1);
}

}  // namespace millrace
