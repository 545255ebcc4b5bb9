// Splits one CSV record into fields, quotes and all: the careful path under decoder, inference and
// serving.
//
// RFC 4180 with these choices: blanks round an unquoted field, and outside the quotes of a quoted
// one, are not part of it; a quote inside an unquoted field is text; a newline ends the record even
// within quotes unless `multiline`. Fields point into the record, or into the arena where "" had to
// be unescaped.
#pragma once

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "common/config/job_spec.hpp"

namespace millrace {

// Grows by chunks and never moves what it holds; `clear` keeps one chunk.
class TextArena {
 public:
  // Room for `bytes`, valid until clear().
  char* reserve(std::size_t bytes);
  std::string_view copy(std::string_view text);
  void clear();

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;
  };
  std::vector<Chunk> chunks_;
};

enum class LineState : std::uint8_t {
  complete,
  incomplete,        // the text ends before the record does
  overlong,          // longer than limits::kLineBytesMax
  unbalanced_quote,  // a quoted field does not end where it must
  text_after_quote,  // something other than a delimiter follows a closing quote
};

struct CsvLine {
  LineState state = LineState::complete;
  std::string_view content;              // the record without its newline
  const char* next = nullptr;            // behind the newline; null when the end was not found
  std::vector<std::string_view> fields;  // when complete
};

// Finds the record at `begin` and its fields; `is_last`: a record may end with the text instead of
// a newline. `line` is reused from call to call.
void split_line(const char* begin, const char* end, bool is_last, const CsvSpec& spec,
                TextArena& arena, CsvLine& line);

}  // namespace millrace
