#include "common/observe/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <system_error>

namespace millrace {
namespace {

// Not the logger's own level, so that a signal handler can change it: no lock, nothing that is made
// at first use.
constinit std::atomic<LogLevel> current_level{LogLevel::info};
constinit std::atomic<LogLevel> chosen_level{LogLevel::info};
static_assert(std::atomic<LogLevel>::is_always_lock_free);

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
// The body closes the object: spdlog knows the time, the body its own fields.
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

// Format and logger belong together. Never destroyed: threads may still log while the process ends.
struct Logging {
  Logging() : logger("millrace", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    set(LogOptions{});
  }
  void set(const LogOptions& options) {
    format = options.format;
    const char* pattern = options.format == LogFormat::json ? kJsonPattern : kTextPattern;
    logger.set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    logger.set_level(spdlog::level::trace);  // is_logged() decides
    logger.flush_on(spdlog::level::debug);
  }
  std::atomic<LogFormat> format{LogFormat::text};
  spdlog::logger logger;
};

Logging& logging() {
  static auto* const instance = new Logging;
  return *instance;
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        // Bytes above 0x7E are escaped one by one, so that input that is not UTF-8 still gives
        // valid JSON.
        if (byte < 0x20 || byte > 0x7E) {
          out += fmt::format("\\u{:04x}", byte);
        } else {
          out += c;
        }
      }
    }
  }
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  append_escaped(text, out);
  out += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c > '~') return true;
  }
  return false;
}

void append_value(LogFormat format, const LogField::Value& value, std::string& out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == LogFormat::json || needs_quotes(*text)) {
      append_quoted(*text, out);
    } else {
      out += *text;
    }
  } else if (const auto* number = std::get_if<double>(&value)) {
    // JSON has no word for them.
    if (format == LogFormat::json && !std::isfinite(*number)) {
      out += "null";
    } else {
      out += fmt::format("{}", *number);
    }
  } else if (const auto* claim = std::get_if<bool>(&value)) {
    out += *claim ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out += fmt::format("{}", *integer);
  } else {
    out += fmt::format("{}", std::get<std::uint64_t>(value));
  }
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view word) {
  if (word == "debug") return LogLevel::debug;
  if (word == "info") return LogLevel::info;
  if (word == "warning") return LogLevel::warning;
  if (word == "error") return LogLevel::error;
  if (word == "off") return LogLevel::off;
  return Status(Code::invalid_argument, fmt::format("log level '{}' does not exist", word),
                "use debug, info, warning, error or off");
}

Result<LogFormat> parse_log_format(std::string_view word) {
  if (word == "text") return LogFormat::text;
  if (word == "json") return LogFormat::json;
  return Status(Code::invalid_argument, fmt::format("log format '{}' does not exist", word),
                "use text or json");
}

const char* to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      break;
  }
  return "off";
}

void start_logging(const LogOptions& options) {
  logging().set(options);
  set_log_level(options.level);
}

void set_log_level(LogLevel level) {
  chosen_level.store(level, std::memory_order_relaxed);
  current_level.store(level, std::memory_order_relaxed);
}

LogLevel log_level() {
  return current_level.load(std::memory_order_relaxed);
}

Status change_log_level_by_signals() {
  struct sigaction action = {};
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  action.sa_handler = [](int) {
    const LogLevel level = current_level.load(std::memory_order_relaxed);
    if (level == LogLevel::debug) return;
    const auto louder = static_cast<LogLevel>(static_cast<std::uint8_t>(level) - 1);
    current_level.store(louder, std::memory_order_relaxed);
  };
  const bool is_louder_set = ::sigaction(SIGUSR1, &action, nullptr) == 0;
  action.sa_handler = [](int) {
    current_level.store(chosen_level.load(std::memory_order_relaxed), std::memory_order_relaxed);
  };
  if (!is_louder_set || ::sigaction(SIGUSR2, &action, nullptr) != 0) {
    return {Code::internal,
            "cannot listen to SIGUSR1 and SIGUSR2: " + std::system_category().message(errno)};
  }
  return {};
}

bool is_logged(LogLevel level) {
  return level != LogLevel::off && level >= current_level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!is_logged(level)) return;
  const std::string body = format_log_body(logging().format, message, fields);
  logging().logger.log(to_spdlog(level), spdlog::string_view_t(body.data(), body.size()));
}

void log(LogLevel level, std::string_view message, const Status& status) {
  log(level, message,
      {{"code", to_string(status.code())}, {"cause", status.message()}, {"hint", status.hint()}});
}

std::string format_log_body(LogFormat format, std::string_view message,
                            std::initializer_list<LogField> fields) {
  std::string body;
  if (format == LogFormat::json) {
    body += "\"message\":";
    append_quoted(message, body);
    for (const LogField& field : fields) {
      body += ',';
      append_quoted(field.key, body);
      body += ':';
      append_value(format, field.value, body);
    }
    body += '}';
    return body;
  }
  append_escaped(message, body);
  for (const LogField& field : fields) {
    body += ' ';
    body += field.key;
    body += '=';
    append_value(format, field.value, body);
  }
  return body;
}

}  // namespace millrace
