// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// Edits between two words: insertions, deletions, substitutions and swaps of neighbours (Damerau
// 1964, Levenshtein 1966; optimal string alignment), without regard to case.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known word with the fewest edits; empty when none is near enough to be a likely typing error.
std::string nearest_word(std::string_view word, std::span<const std::string> known);

// "did you mean 'source'?", or "known: a, b, c" when nothing is near.
std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace millrace
