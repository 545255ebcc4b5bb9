#include "coordinator/cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "coordinator/cli/yaml_text.hpp"

namespace millrace::cli {
namespace {

bool is_terminal(std::FILE* file) {
  const char* terminal = std::getenv("TERM");
  return isatty(fileno(file)) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

const char* code_of(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::bold:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::good:
      return "\x1b[32m";
    case Style::bad:
      return "\x1b[1;31m";
  }
  return "";
}

std::string coloured(bool has_colour, Style style, std::string_view text) {
  if (!has_colour || style == Style::plain) return std::string(text);
  return code_of(style) + std::string(text) + "\x1b[0m";
}

// Invalid UTF-8 (a file name, a class) must not stop the output of everything else.
std::string as_line(const nlohmann::ordered_json& document) {
  return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Columns as they appear: the bytes that begin a character.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return width;
}

}  // namespace

Output::Output(std::FILE* out, std::FILE* err) : out_(out), err_(err) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool may_colour = no_colour == nullptr || *no_colour == '\0';
  has_colour_out_ = may_colour && is_terminal(out);
  has_colour_err_ = may_colour && is_terminal(err);
  is_live_ = is_terminal(err);
}

void Output::print(std::string_view text) {
  const std::lock_guard lock(mutex_);
  end_redrawn_line();
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

void Output::print_document(const nlohmann::ordered_json& document) {
  print(format_ == OutputFormat::yaml ? as_yaml(document) : as_line(document));
}

void Output::note(std::string_view line) {
  if (format_ == OutputFormat::json) return;
  const std::lock_guard lock(mutex_);
  end_redrawn_line();
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fputc('\n', err_);
}

void Output::event(const nlohmann::ordered_json& object) {
  if (format_ != OutputFormat::json) return;
  const std::lock_guard lock(mutex_);
  const auto line = as_line(object);
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fflush(err_);
}

void Output::redraw(std::string_view line) {
  const std::lock_guard lock(mutex_);
  std::fputs("\r\x1b[K", err_);
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fflush(err_);
  has_redrawn_line_ = true;
}

void Output::end_redrawn_line() {
  if (has_redrawn_line_) std::fputs("\r\x1b[K", err_);
  has_redrawn_line_ = false;
}

int Output::fail(const Status& status) {
  const int code = exit_code(status.code());
  if (format_ == OutputFormat::json) {
    nlohmann::ordered_json error;
    error["code"] = to_string(status.code());
    error["message"] = status.message();
    error["hint"] = status.hint();
    event({{"error", error}, {"exit_code", code}});
    return code;
  }
  note(styled_error(Style::bad, "error: ") + status.message());
  if (!status.hint().empty()) note(styled_error(Style::bold, "  try: ") + status.hint());
  return code;
}

std::string Output::styled(Style style, std::string_view text) const {
  return coloured(has_colour_out_ && is_table(), style, text);
}
std::string Output::styled_error(Style style, std::string_view text) const {
  return coloured(has_colour_err_, style, text);
}

int exit_code(Code code) {
  switch (code) {
    case Code::ok:
      return kExitDone;
    case Code::invalid_argument:
      return kExitUsage;
    case Code::not_found:
      return kExitNotFound;
    case Code::conflict:
      return kExitConflict;
    case Code::unreachable:
      return kExitUnreachable;
    case Code::permission_denied:
      return kExitNotAllowed;
    case Code::timed_out:
      return kExitTimedOut;
    case Code::cancelled:
      return kExitInterrupted;
    case Code::corrupted:
    case Code::resource_exhausted:
    case Code::io_error:
    case Code::unsupported_format:
    case Code::job_failed:
    case Code::internal:
      return kExitFailed;
  }
  return kExitFailed;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  const auto is_number = [](const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("0123456789.,-+e") == std::string::npos &&
           cell.find_first_of("0123456789") != std::string::npos;
  };
  // Numbers to the right, below a heading that stands to the right as well; a column with words is
  // text.
  std::vector<bool> to_right(widths.size(), false), has_words(widths.size(), false);
  for (std::size_t r = 1; r < rows.size(); ++r)
    for (std::size_t i = 1; i < rows[r].size(); ++i)
      if (is_number(rows[r][i]))
        to_right[i] = true;
      else if (!rows[r][i].empty())
        has_words[i] = true;
  for (std::size_t i = 0; i < widths.size(); ++i) to_right[i] = to_right[i] && !has_words[i];
  std::string text;
  for (const auto& row : rows) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      if (i > 0) line += "  ";
      line += to_right[i] ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string one_line(std::string text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (byte(i) < 0x20 || byte(i) == 0x7F) text[i] = ' ';
    // U+0080 to U+009F, which some terminals obey like escape sequences.
    const bool has_next = i + 1 < text.size();
    if (has_next && byte(i) == 0xC2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xA0)
      text.replace(i, 2, "  ");
  }
  return text;
}

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), 1, ',');
  return text;
}

std::string counted(std::uint64_t number, const std::string& noun) {
  return grouped(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

}  // namespace millrace::cli
