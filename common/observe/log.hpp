// Log lines for people or for machines: `message key=value ...`, or one JSON object a line, on
// stderr.
//
// Place: results go to stdout, logs and progress to stderr. Only shells log (programs, actors,
// disks, sockets); cores return effects instead. Nothing is logged per record: at most once per
// micro-batch, and rarely that.
//
// Threads: `start_logging` once, before other threads; everything else from any thread, the level
// also from a signal handler. Invariant: a line is written whole, and text that came from input can
// neither end a line nor break the JSON.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "common/base/status.hpp"

namespace millrace {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  LogLevel level = LogLevel::info;  // the least severe level that is written
  LogFormat format = LogFormat::text;
};

// One `key=value` behind the message; keys are snake_case words of docs/architecture.md.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <typename T>
  LogField(std::string_view field_key, const T& field_value)
      : key(field_key), value(convert(field_value)) {}

  std::string_view key;
  Value value;

 private:
  template <typename T>
  static Value convert(const T& from) {
    if constexpr (std::is_same_v<T, bool>) {
      return from;
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<double>(from);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      return static_cast<std::int64_t>(from);
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<std::uint64_t>(from);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      return std::string_view(from);
    } else {
      return convert(from.value);  // a strong id is logged as its number
    }
  }
};

// "debug", "info", "warning", "error", "off"; invalid_argument with the valid words otherwise.
Result<LogLevel> parse_log_level(std::string_view word);
// "text" or "json".
Result<LogFormat> parse_log_format(std::string_view word);

// Until it is called, the options' defaults hold.
void start_logging(const LogOptions& options);
// From the next line on, for every thread.
void set_log_level(LogLevel level);
LogLevel log_level();
const char* to_string(LogLevel level);
// SIGUSR1: one level more talkative (off, error, warning, info, debug). SIGUSR2: back to the level
// that was set by `start_logging` or `set_log_level`. For daemons, once; whoever may send a signal
// to the process may change nothing else by it.
Status change_log_level_by_signals();
// For fields that cost something to compute.
bool is_logged(LogLevel level);
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
// An error with its code, message and hint as fields.
void log(LogLevel level, std::string_view message, const Status& status);

// What follows the time and the level of a line: pure, so that the tests see what is written.
std::string format_log_body(LogFormat format, std::string_view message,
                            std::initializer_list<LogField> fields);

}  // namespace millrace
