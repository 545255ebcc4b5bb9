#include "common/data/csv_line.hpp"

#include <cstring>

#include "common/base/limits.hpp"
#include "common/data/field_values.hpp"

namespace millrace {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

const char* find_char(const char* begin, const char* end, char c) {
  return static_cast<const char*>(std::memchr(begin, c, static_cast<std::size_t>(end - begin)));
}

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

// Copies a quoted field's inside with each "" as one quote.
std::string_view unescape(std::string_view inside, TextArena& arena) {
  char* to = arena.reserve(inside.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    to[size++] = inside[i];
    if (inside[i] == '"') ++i;
  }
  return {to, size};
}

struct QuotedField {
  std::string_view text;
  const char* behind = nullptr;  // behind the closing quote; null: there is none
};

// `open` is behind the opening quote.
QuotedField read_quoted(const char* open, const char* end, TextArena& arena) {
  bool has_escapes = false;
  const char* at = open;
  for (;;) {
    const char* quote = find_char(at, end, '"');
    if (quote == nullptr) return {};
    if (quote + 1 == end || quote[1] != '"') {
      const auto inside = between(open, quote);
      return {has_escapes ? unescape(inside, arena) : inside, quote + 1};
    }
    has_escapes = true;
    at = quote + 2;
  }
}

const char* skip_blanks(const char* at, const char* end, char delimiter) {
  while (at != end && is_blank(*at) && *at != delimiter) ++at;
  return at;
}

bool ends_record(const char* at, const char* end) {
  return at == end || *at == '\n' || (*at == '\r' && at + 1 != end && at[1] == '\n');
}

// Reads fields until the record ends; returns where its content ends, or null with line.state set.
const char* read_fields(const char* begin, const char* end, char delimiter, TextArena& arena,
                        CsvLine& line) {
  const char* at = begin;
  for (;;) {
    at = skip_blanks(at, end, delimiter);
    if (at != end && *at == '"') {
      const auto quoted = read_quoted(at + 1, end, arena);
      if (quoted.behind == nullptr) {
        line.state = LineState::unbalanced_quote;
        return nullptr;
      }
      line.fields.push_back(quoted.text);
      at = skip_blanks(quoted.behind, end, delimiter);
      if (!ends_record(at, end) && *at != delimiter) {
        line.state = LineState::text_after_quote;
        return nullptr;
      }
    } else {
      const char* field = at;
      while (!ends_record(at, end) && *at != delimiter) ++at;
      line.fields.push_back(trim_blanks(between(field, at)));
    }
    if (ends_record(at, end)) return at;
    ++at;
  }
}

// The physical line at `begin`: content and next, or the state that says why not.
void find_line(const char* begin, const char* window, bool is_cut, bool is_last, CsvLine& line) {
  line.state = LineState::complete;
  const char* newline = find_char(begin, window, '\n');
  const char* content_end = newline != nullptr ? newline : window;
  if (newline == nullptr && (is_cut || !is_last)) {
    line.state = is_cut ? LineState::overlong : LineState::incomplete;
    line.next = nullptr;
  } else {
    line.next = newline != nullptr ? newline + 1 : window;
  }
  if (content_end != begin && content_end[-1] == '\r') --content_end;
  line.content = between(begin, content_end);
  if (line.state == LineState::complete && line.content.size() > limits::kLineBytesMax) {
    line.state = LineState::overlong;
  }
}

// A record that may span lines. False: it is no such record, its first physical line decides.
bool read_multiline(const char* begin, const char* window, bool is_cut, bool is_last,
                    const CsvSpec& spec, TextArena& arena, CsvLine& line) {
  const bool ends_here = is_last && !is_cut;
  const char* text_end = ends_here && window[-1] == '\r' ? window - 1 : window;
  const char* content_end = read_fields(begin, text_end, spec.delimiter, arena, line);
  if (content_end == nullptr) {
    // More bytes may still bring the closing quote, or what follows one that ends the window.
    if (is_cut || is_last || line.state == LineState::text_after_quote) return false;
    line.state = LineState::incomplete;
    return true;
  }
  const char* newline = find_char(content_end, window, '\n');
  if (newline == nullptr && is_cut) return false;
  if (newline == nullptr && !ends_here) {
    line.state = LineState::incomplete;
    return true;
  }
  line.content = between(begin, content_end);
  line.next = newline != nullptr ? newline + 1 : window;
  return line.content.size() <= limits::kLineBytesMax;
}

}  // namespace

char* TextArena::reserve(std::size_t bytes) {
  if (chunks_.empty() || chunks_.back().size - chunks_.back().used < bytes) {
    const std::size_t size = std::max(bytes, kChunkBytes);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size, 0});
  }
  auto& chunk = chunks_.back();
  char* room = chunk.bytes.get() + chunk.used;
  chunk.used += bytes;
  return room;
}

std::string_view TextArena::copy(std::string_view text) {
  char* to = reserve(text.size());
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void TextArena::clear() {
  if (chunks_.size() > 1) chunks_.erase(chunks_.begin() + 1, chunks_.end());
  if (!chunks_.empty()) chunks_.front().used = 0;
}

void split_line(const char* begin, const char* end, bool is_last, const CsvSpec& spec,
                TextArena& arena, CsvLine& line) {
  line.state = LineState::complete;
  line.next = nullptr;
  line.fields.clear();
  // Two more bytes than a record may have: its newline, with or without a carriage return.
  constexpr std::ptrdiff_t kWindow = limits::kLineBytesMax + 2;
  const bool is_cut = end - begin > kWindow;
  const char* window = is_cut ? begin + kWindow : end;
  if (spec.multiline && read_multiline(begin, window, is_cut, is_last, spec, arena, line)) return;
  const LineState earlier = line.state;
  find_line(begin, window, is_cut, is_last, line);
  if (line.state != LineState::complete) return;
  if (spec.multiline && earlier != LineState::complete) {
    line.state = earlier;
    return;
  }
  line.fields.clear();
  const char* content_end = line.content.data() + line.content.size();
  read_fields(begin, content_end, spec.delimiter, arena, line);
}

}  // namespace millrace
