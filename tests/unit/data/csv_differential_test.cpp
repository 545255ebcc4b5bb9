#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "common/base/random.hpp"
#include "common/data/field_values.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/data/decoding.hpp"
#include "tests/unit/data/reference_decoder.hpp"

namespace millrace::test {
namespace {

std::string digits(RandomStream& random, std::size_t count_max) {
  std::string text;
  for (auto count = 1 + random.below(count_max); count != 0; --count)
    text += static_cast<char>('0' + random.below(10));
  return text;
}

std::string random_number(RandomStream& random) {
  std::string text = random.below(4) == 0 ? "-" : "";
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return text + digits(random, 1);
    case 3:
      return text + digits(random, 9);
    case 4:
      return text + digits(random, 4) + "." + digits(random, 9);
    case 5:
      return text + digits(random, 1) + "." + digits(random, 17);
    case 6:
      return text + digits(random, 3) + "." + digits(random, 3) + "e" +
             (random.below(2) ? "-" : "") + digits(random, 2);
    default:
      return text + digits(random, 20);
  }
}

std::string random_oddity(RandomStream& random) {
  static const std::vector<std::string> kOdd = {
      "",        "NA",      "?",     "null",       "nan",      "inf",   "-inf",
      "1e99",    "abc",     " 5 ",   "\t7",        "+3",       "+-3",   "--3",
      "-",       ".",       ".5",    "5.",         "-.5",      "1e",    "1e5",
      "0x10",    "1 2",     "\"4\"", "\"a\"\"b\"", "\"open",   "a\"b",  "\"x\"y",
      "\"p,q\"", " \"r\" ", "1e-50", "007",        "1.0",      "-0",    "\r",
      "5\r",     "1_0",     "é",     "1.e3",       "16777217", "0.1e1", "infinity"};
  return kOdd[random.below(kOdd.size())];
}

struct Mix {
  std::uint64_t oddity = 0;       // one field in so many is odd
  std::uint64_t broken_line = 0;  // one line in so many has another number of columns, or is blank
};

std::string random_field(RandomStream& random, FieldRole role, const Mix& mix) {
  if (mix.oddity != 0 && random.below(mix.oddity) == 0) return random_oddity(random);
  switch (role) {
    case FieldRole::categorical:
      return std::string(1 + random.below(6), static_cast<char>('A' + random.below(4)));
    case FieldRole::label:
      return std::to_string(1 + random.below(3));
    case FieldRole::weight:
      return digits(random, 2);
    default:
      return random_number(random);
  }
}

std::string random_csv(RandomStream& random, const Schema& schema, const Mix& mix,
                       std::size_t lines) {
  std::string text;
  const bool has_carriage_returns = random.below(3) == 0;
  for (std::size_t i = 0; i < lines; ++i) {
    std::size_t columns = schema.fields.size();
    if (mix.broken_line != 0 && random.below(mix.broken_line) == 0)
      columns = random.below(columns + 2);
    for (std::size_t c = 0; c < columns; ++c) {
      if (c != 0) text += ',';
      const auto role = c < schema.fields.size() ? schema.fields[c].role : FieldRole::numeric;
      text += random_field(random, role, mix);
    }
    if (i + 1 < lines || random.below(2) == 0) text += has_carriage_returns ? "\r\n" : "\n";
  }
  return text;
}

bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0 || (std::isnan(a) && std::isnan(b));
}

void require_same(const Decoded& decoded, const ReferenceOutcome& expected,
                  const std::string& text) {
  BOOST_TEST_INFO(text);
  BOOST_REQUIRE((decoded.counters == expected.counters));
  for (std::size_t i = 0; i < expected.quarantined.size(); ++i) {
    BOOST_REQUIRE_EQUAL(decoded.quarantine[i].offset.value, expected.quarantined[i]);
    BOOST_REQUIRE(!decoded.quarantine[i].reason.empty());
  }
  for (std::size_t i = 0; i < expected.records.size(); ++i) {
    const auto& is = decoded.records[i];
    const auto& should = expected.records[i];
    BOOST_REQUIRE_EQUAL(is.offset, should.offset);
    BOOST_REQUIRE(is.texts == should.texts);
    BOOST_REQUIRE(same_bits(is.label, should.label));
    BOOST_REQUIRE(same_bits(is.weight, should.weight));
    for (std::size_t c = 0; c < should.numbers.size(); ++c) {
      BOOST_TEST_INFO("record at " << should.offset << " column " << c);
      BOOST_REQUIRE(same_bits(is.numbers[c], should.numbers[c]));
    }
  }
}

void run_rounds(const std::vector<std::string>& shapes, const Mix& mix, int rounds) {
  RandomStream random(seed(), 0xC5, mix.oddity);
  for (int round = 0; round < rounds; ++round) {
    const auto& roles = shapes[random.below(shapes.size())];
    const bool is_regression = random.below(3) == 0;
    const Schema schema = is_regression ? make_schema(roles, Task::regression)
                                        : make_schema(roles, Task::multiclass, {"1", "2", "3"});
    const std::string text = random_csv(random, schema, mix, 1 + random.below(60));
    Feeding feeding;
    feeding.batch_capacity = 1 + random.below(20);
    const bool is_whole = random.below(2) == 0;
    const auto step = 1 + random.below(300);
    feeding.block_bytes = [&] { return is_whole ? 0 : 1 + random.below(step); };
    require_same(decode_all(text, schema, {}, feeding), decode_reference(text, schema, ','), text);
  }
}

const std::vector<std::string> kShapes = {"nl",
                                          "ln",
                                          "nnnnnnnnnnnnnnnnnnnnl",
                                          "lnnnnnnnnnnnnnnnn",
                                          "nnnwncl",
                                          "cccl",
                                          "nxncnxnl",
                                          "wl",
                                          "nnnnnnnnxnnnnnnnnl",
                                          "l",
                                          "cnnnnnnnnnln"};

}  // namespace

BOOST_AUTO_TEST_SUITE(data_csv_differential)

BOOST_AUTO_TEST_CASE(regular_lines_equal_the_reference) {
  run_rounds(kShapes, {}, 400);
}

BOOST_AUTO_TEST_CASE(lines_with_odd_fields_equal_the_reference) {
  run_rounds(kShapes, {.oddity = 20, .broken_line = 15}, 800);
}

BOOST_AUTO_TEST_CASE(mostly_odd_lines_equal_the_reference) {
  run_rounds(kShapes, {.oddity = 3, .broken_line = 5}, 800);
}

// strtof of the C library rounds correctly; every decimal near a midpoint between two floats is a
// trap.
BOOST_AUTO_TEST_CASE(numbers_are_correctly_rounded_near_midpoints) {
  RandomStream random(seed(), 0xF1);
  const Schema schema = make_schema("nl", Task::regression);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 50; ++i) {
      const double low = static_cast<double>(static_cast<float>(random.uniform() * 4000));
      const double high = static_cast<double>(std::nextafter(static_cast<float>(low), 1e9f));
      std::array<char, 64> buffer;
      std::snprintf(buffer.data(), buffer.size(), "%.*f", static_cast<int>(random.below(20)),
                    (low + high) / 2);
      text += std::string(buffer.data()) + ",1\n";
    }
    text += std::string(64, '\n');
    require_same(decode_all(text, schema), decode_reference(text, schema, ','), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
