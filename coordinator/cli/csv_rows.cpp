#include "coordinator/cli/csv_rows.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/limits.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kReadBytes = 64u << 10;

}  // namespace

Result<std::vector<std::string>> split_csv_line(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && is_quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == delimiter && !is_quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (is_quoted)
    return Status(Code::invalid_argument,
                  "a quote is not closed in: " + std::string(line.substr(0, 80)),
                  "close it, or double it if it is part of the value");
  return fields;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_row(const std::string& text) {
  MILLRACE_ASSIGN(const auto parts, split_csv_line(text));
  std::vector<std::pair<std::string, std::string>> row;
  for (const auto& part : parts) {
    const auto equals = part.find('=');
    if (equals == std::string::npos || equals == 0)
      return Status(Code::invalid_argument, "--row: expected field=value, got '" + part + "'",
                    "for instance --row day=2,price=0.5");
    row.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  }
  return row;
}

Result<LineReader> LineReader::open(const std::string& path) {
  if (path == "-") return LineReader(STDIN_FILENO, "standard input");
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) return LineReader(file, path);
  const int error = errno;
  return Status(error == ENOENT   ? Code::not_found
                : error == EACCES ? Code::permission_denied
                                  : Code::io_error,
                "cannot open " + path + ": " + std::strerror(error),
                "check the path and its permissions");
}

LineReader::LineReader(LineReader&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      is_at_end_(other.is_at_end_) {}

LineReader::~LineReader() {
  if (file_ > STDIN_FILENO) ::close(file_);
}

Result<LineReader::Next> LineReader::next(std::string_view& line) {
  const auto end = buffer_.find('\n', begin_);
  if (end == std::string::npos) {
    if (!is_at_end_) {
      if (buffer_.size() - begin_ <= limits::kLineBytesMax) return Next::would_wait;
      return Status(Code::invalid_argument, name_ + ": a line is longer than 1 MiB",
                    "is this a CSV?");
    }
    if (begin_ == buffer_.size()) return Next::end;
  }
  const auto stop = end == std::string::npos ? buffer_.size() : end;
  line = std::string_view(buffer_).substr(begin_, stop - begin_);
  begin_ = end == std::string::npos ? stop : stop + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return Next::line;
}

Status LineReader::wait() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const auto kept = buffer_.size();
  buffer_.resize(kept + kReadBytes);
  ssize_t count = 0;
  do {
    count = ::read(file_, buffer_.data() + kept, kReadBytes);
  } while (count < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) return {Code::io_error, "reading " + name_ + ": " + std::strerror(error)};
  is_at_end_ = count == 0;
  return {};
}

}  // namespace millrace::cli
