#include "common/data/field_values.hpp"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>

#include "common/base/digest.hpp"

namespace millrace {
namespace {

template <typename T>
NumberState parse(std::string_view text, T& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto parsed = fast_float::from_chars(text.data(), end, value);
  if (parsed.ptr != end || text.empty()) return NumberState::not_a_number;
  // Underflow is reported as out of range too, but 0 or a subnormal is the right answer to it.
  if (parsed.ec != std::errc() && parsed.ec != std::errc::result_out_of_range)
    return NumberState::not_a_number;
  if (std::isnan(value)) return NumberState::not_a_number;
  return std::isinf(value) ? NumberState::infinite : NumberState::number;
}

constexpr double kExactIntegers = 0x1p53;

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

MissingTexts::MissingTexts(std::vector<std::string> texts) : texts_(std::move(texts)) {
  for (const auto& text : texts_) {
    if (text.empty()) {
      empty_is_missing_ = true;
    } else {
      begins_one_[static_cast<unsigned char>(text[0])] = true;
      longest_ = std::max(longest_, text.size());
    }
  }
}

bool MissingTexts::contains_listed(std::string_view text) const {
  return std::ranges::find(texts_, text) != texts_.end();
}

NumberState parse_number(std::string_view text, float& value) {
  return parse(text, value);
}
NumberState parse_number(std::string_view text, double& value) {
  return parse(text, value);
}

std::string describe_number_error(NumberState state, std::string_view text) {
  const auto quoted = quote_for_message(text);
  if (state == NumberState::infinite) return quoted + " is infinite or too large for float32";
  return quoted + " is not a number";
}

std::string quote_for_message(std::string_view text) {
  constexpr std::size_t kShown = 32;
  std::string shown = "'";
  for (const char c : text.substr(0, kShown)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '.' : c;
  }
  shown += text.size() > kShown ? "...'" : "'";
  return shown;
}

Category make_category(std::string_view text) {
  return {hash_text(text), text};
}

std::string_view normalise_class(std::string_view text, std::array<char, 24>& buffer) {
  const bool may_be_number = !text.empty() && ((text[0] >= '0' && text[0] <= '9') ||
                                               text[0] == '-' || text[0] == '+' || text[0] == '.');
  if (!may_be_number) return text;
  double value = 0.0;
  if (parse(text, value) != NumberState::number) return text;
  if (std::trunc(value) != value || std::fabs(value) >= kExactIntegers) return text;
  const auto printed =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<std::int64_t>(value));
  return {buffer.data(), static_cast<std::size_t>(printed.ptr - buffer.data())};
}

bool is_integer_class(std::string_view normalised) {
  if (normalised.starts_with('-')) normalised.remove_prefix(1);
  return !normalised.empty() &&
         std::ranges::all_of(normalised, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace millrace
