// Turns the text of one field into a value: the rules that training, inference and serving share.
//
// Place: under the CSV decoder, the row decoder and inference. Pure; nothing here allocates.
//
// A number is a decimal with optional sign and exponent, correctly rounded to float32; its
// magnitude must be finite there. Only the texts in `source.missing` mean "no value".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/data/micro_batch.hpp"

namespace millrace {

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
std::string_view trim_blanks(std::string_view text);

class MissingTexts {
 public:
  explicit MissingTexts(std::vector<std::string> texts);
  bool contains(std::string_view text) const {
    if (text.empty()) return empty_is_missing_;
    if (text.size() > longest_ || !begins_one_[static_cast<unsigned char>(text[0])]) return false;
    return contains_listed(text);
  }

 private:
  bool contains_listed(std::string_view text) const;

  std::vector<std::string> texts_;
  std::array<bool, 256> begins_one_{};
  std::size_t longest_ = 0;
  bool empty_is_missing_ = false;
};

enum class NumberState : std::uint8_t { number, not_a_number, infinite };

NumberState parse_number(std::string_view text, float& value);
NumberState parse_number(std::string_view text, double& value);
// Why a text was refused: "'1e99' is too large for float32".
std::string describe_number_error(NumberState state, std::string_view text);
// A text for messages: quoted, control characters replaced, cut after 32 bytes.
std::string quote_for_message(std::string_view text);

Category make_category(std::string_view text);

// One spelling per class: integers lose signs, leading zeros, fraction and exponent, so that 1, 01
// and 1.0 are one class; other texts stay. The result is `text` or points into `buffer`.
std::string_view normalise_class(std::string_view text, std::array<char, 24>& buffer);
// A class as normalise_class spells integers.
bool is_integer_class(std::string_view normalised);

}  // namespace millrace
