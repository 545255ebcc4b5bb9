// Rows for `predict`: lines of CSV and "field=value" lists, as texts; what they mean is the model's
// business.
//
// Place: used by verb_predict.cpp. A line ends at a newline; a quoted field may hold delimiters and
// doubled quotes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.hpp"

namespace millrace::cli {

// The fields of one line, quotes removed. Fails on a quote that is not closed.
Result<std::vector<std::string>> split_csv_line(std::string_view line, char delimiter = ',');

// "day=2,name=\"a, b\"" as pairs. Fails naming the part that has no '='.
Result<std::vector<std::pair<std::string, std::string>>> parse_row(const std::string& text);

// Lines of a file or pipe. `next` never waits while complete lines are at hand, so that a caller
// can answer those first.
class LineReader {
 public:
  // "-" reads standard input.
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&& other) noexcept;
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  enum class Next { line, would_wait, end };
  // `line` is valid until the next call. After would_wait, call `wait` and ask again.
  Result<Next> next(std::string_view& line);
  // Reads more; blocks.
  Status wait();

 private:
  LineReader(int file, std::string name) : file_(file), name_(std::move(name)) {}

  int file_ = -1;
  std::string name_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what is not given out yet
  bool is_at_end_ = false;
};

}  // namespace millrace::cli
