#include "common/config/nearest.hpp"

#include <cctype>

namespace millrace {
namespace {

// Beyond this no two words of ours are alike, and the table below would only cost memory.
constexpr std::size_t kWordCharactersMax = 64;

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kWordCharactersMax);
  b = b.substr(0, kWordCharactersMax);
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] =
          std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string nearest_word(std::string_view word, std::span<const std::string> known) {
  // A third of the letters may be wrong; a beginning of at least three letters is also taken as
  // meant.
  std::size_t best = std::max<std::size_t>(word.size() / 3, 1) + 1;
  std::string found;
  for (const auto& candidate : known) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  if (!found.empty() || word.size() < 3) return found;
  for (const auto& candidate : known)
    if (candidate.starts_with(word) || (candidate.size() >= 3 && word.starts_with(candidate)))
      return candidate;
  return {};
}

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  if (const auto nearest = nearest_word(word, known); !nearest.empty())
    return "did you mean '" + nearest + "'?";
  std::string all = "known: ";
  for (std::size_t i = 0; i < known.size(); ++i) all += (i == 0 ? "" : ", ") + known[i];
  return all;
}

}  // namespace millrace
