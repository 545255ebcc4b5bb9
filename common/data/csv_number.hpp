// Numbers of the decoder's fast path: digits by the word instead of by the byte.
//
// Place: inlined into the fast path. Reads up to kNumberReadAhead bytes from where a field begins,
// whatever they are: the caller sees to it that they exist. Bounded by the latency of finding a
// field's length (about 12 cycles) and by mispredicted branches, of which there is none for
// integers of changing length.
#pragma once

#include <fast_float/fast_float.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace millrace::csv {

inline constexpr std::size_t kNumberReadAhead = 32;

inline std::uint64_t load_word(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// The digits at `at`, as many as there are up to 7; length 8 means eight or more, and no value.
struct Digits {
  std::uint64_t value;
  int length;
};
inline Digits read_digits(const char* at) {
  const std::uint64_t raw = load_word(at) ^ 0x3030303030303030ull;
  // The highest bit of every byte that is no digit. A carry only spoils bytes behind the first of
  // them.
  const std::uint64_t others = ((raw + 0x7676767676767676ull) | raw) & 0x8080808080808080ull;
  const int length = others == 0 ? 8 : std::countr_zero(others) / 8;
  if (length == 0) return {0, 0};
  // The digits move to the top, zeros come before them; then pairs, fours, eights (Lemire 2018).
  std::uint64_t word = raw << (64 - 8 * length);
  word = word * 10 + (word >> 8);
  constexpr std::uint64_t kMask = 0x000000FF000000FFull;
  word = (((word & kMask) * 0x000F424000000064ull) +
          (((word >> 16) & kMask) * 0x0000271000000001ull)) >>
         32;
  return {word & 0xFFFFFFFFull, length};
}

inline constexpr std::array<double, 8> kPowersOfTen = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
inline constexpr std::array<std::uint64_t, 8> kIntegerPowersOfTen = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};

// Rare shapes (exponents, more than seven digits in a row): correctly rounded, null when not a
// finite number.
inline const char* read_number_slow(const char* at, const char* end, float& value) {
  const auto parsed = fast_float::from_chars(at, end, value);
  const bool is_good = parsed.ec == std::errc() && std::isfinite(value);
  return is_good ? parsed.ptr : nullptr;
}

// Reads [-]digits[.digits] at `at` and returns where it ends; null when something else stands
// there. `end` bounds what slow shapes may read.
inline const char* read_number(const char* at, const char* end, float& value) {
  const std::uint32_t is_negative = *at == '-';
  const Digits whole = read_digits(at + is_negative);
  const char* behind = at + is_negative + whole.length;
  if (whole.length == 0 || whole.length == 8) [[unlikely]]
    return whole.length == 0 && *behind != '.' ? nullptr : read_number_slow(at, end, value);
  float magnitude;
  if (*behind != '.') {
    if ((*behind | 0x20) == 'e') [[unlikely]]
      return read_number_slow(at, end, value);
    magnitude = static_cast<float>(whole.value);  // below 10^7 < 2^24: exact
  } else {
    const Digits fraction = read_digits(behind + 1);
    if (fraction.length == 0 || fraction.length == 8) [[unlikely]]
      return read_number_slow(at, end, value);
    behind += 1 + fraction.length;
    if ((*behind | 0x20) == 'e') [[unlikely]]
      return read_number_slow(at, end, value);
    // Below 10^14 < 2^53 and a power that is exact: the quotient is correctly rounded to double.
    // Rounding it again to float is right unless it lies exactly between two floats, where the true
    // value might not.
    const std::uint64_t mantissa =
        whole.value * kIntegerPowersOfTen[fraction.length] + fraction.value;
    const double quotient = static_cast<double>(mantissa) / kPowersOfTen[fraction.length];
    if ((std::bit_cast<std::uint64_t>(quotient) & 0x1FFFFFFFull) == 0x10000000ull) [[unlikely]]
      return read_number_slow(at, end, value);
    magnitude = static_cast<float>(quotient);
  }
  value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) ^ (is_negative << 31));
  return behind;
}

// One-digit fields, each followed by the delimiter: decodes up to eight at once and returns how
// many. Writes eight floats whatever it returns; those beyond the count are garbage.
#if defined(__SSE2__)
inline int read_one_digit_fields(const char* at, char delimiter, float* out) {
  const auto pattern = static_cast<short>('0' | (static_cast<unsigned char>(delimiter) << 8));
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  // A pair of bytes becomes its digit when it is a digit and the delimiter, and more than 9
  // otherwise.
  const __m128i pairs = _mm_xor_si128(bytes, _mm_set1_epi16(pattern));
  const __m128i excess = _mm_subs_epu16(pairs, _mm_set1_epi16(9));
  const __m128i zero = _mm_setzero_si128();
  const auto good = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi16(excess, zero)));
  _mm_storeu_ps(out, _mm_cvtepi32_ps(_mm_unpacklo_epi16(pairs, zero)));
  _mm_storeu_ps(out + 4, _mm_cvtepi32_ps(_mm_unpackhi_epi16(pairs, zero)));
  return std::countr_one(good) / 2;
}
#else
inline int read_one_digit_fields(const char* at, char delimiter, float* out) {
  for (int i = 0; i < 8; ++i, at += 2) {
    const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
    if (digit > 9 || at[1] != delimiter) return i;
    out[i] = static_cast<float>(digit);
  }
  return 8;
}
#endif

}  // namespace millrace::csv
