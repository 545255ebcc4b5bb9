#include <boost/test/unit_test.hpp>

#include "tests/unit/sources/reading.hpp"
#include "worker/sources/generator_source.hpp"
#include "worker/sources/rate_limiter.hpp"

namespace millrace::test {
namespace {

using namespace std::chrono_literals;

SourceSpec sea(std::uint64_t records) {
  SourceSpec source;
  source.kind = SourceKind::generator;
  source.generator.records = records;
  return source;
}

Schema sea_schema() {
  return generator_schema({}, sea(1)).value().schema;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sources_generator)

BOOST_AUTO_TEST_CASE(labels_follow_the_threshold_of_their_concept) {
  GeneratorSpec spec;
  spec.drift_at = {100, 200, 300, 400};
  const std::array<float, 5> thresholds = {8.0f, 9.0f, 7.0f, 9.5f, 8.0f};
  for (std::uint64_t n = 0; n < 500; ++n) {
    const auto record = make_sea_record(spec, 3, n);
    for (const float feature : record.features) BOOST_TEST((feature >= 0.0f && feature <= 10.0f));
    BOOST_TEST(record.label == (record.features[0] + record.features[1] <= thresholds.at(n / 100)));
  }
}

// The share of (f1, f2) with f1 + f2 <= 8 in a square of side 10 is 8 * 8 / 2 / 100.
BOOST_AUTO_TEST_CASE(classes_and_noise_have_their_shares) {
  GeneratorSpec clean, noisy;
  noisy.noise = 0.1;
  int positives = 0, flipped = 0;
  constexpr int kRecords = 50'000;
  for (std::uint64_t n = 0; n < kRecords; ++n) {
    const bool label = make_sea_record(clean, 5, n).label;
    positives += label;
    flipped += label != make_sea_record(noisy, 5, n).label;
  }
  BOOST_TEST(std::abs(positives / double{kRecords} - 0.32) < 0.01);
  BOOST_TEST(std::abs(flipped / double{kRecords} - 0.10) < 0.007);
}

BOOST_AUTO_TEST_CASE(splits_give_the_records_of_the_whole_stream) {
  auto source = sea(10'007);
  source.splits = 1;
  const auto whole = read_splits(source, sea_schema(), plan_splits(source, "", 1).value(), 64);
  source.splits = 13;
  const auto splits = plan_splits(source, "", 1).value();
  BOOST_TEST(splits.size() == 13u);
  const auto cut = read_splits(source, sea_schema(), splits, 50);
  BOOST_TEST(whole.counters.records == 10'007u);
  BOOST_TEST((cut.counters == whole.counters));
  BOOST_TEST((cut.numbers == whole.numbers));
  BOOST_TEST((cut.labels == whole.labels));
  BOOST_TEST((cut.offsets == whole.offsets));
}

BOOST_AUTO_TEST_CASE(a_generator_resumes_at_a_record_number) {
  const auto source = sea(1000);
  const SplitDescription split{SplitId(0), {}, Offset(0), Offset(1000), {}, 0, {}};
  const auto whole = read_split(source, sea_schema(), split, Offset(0), 64);
  const auto rest = read_split(source, sea_schema(), split, Offset(640), 64);
  BOOST_TEST(
      (std::vector<float>(whole.numbers.begin() + 640, whole.numbers.end()) == rest.numbers));
}

BOOST_AUTO_TEST_CASE(an_endless_number_of_records_is_planned) {
  BOOST_TEST(plan_splits(sea(~std::uint64_t{0}), "", 1).value().size() == 4096u);
  BOOST_TEST(plan_splits(sea(3), "", 8).value().size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(sources_rate_limiter)

BOOST_AUTO_TEST_CASE(the_mean_rate_holds_for_any_batch_size) {
  for (const std::uint64_t batch : {1, 7, 1000}) {
    RateLimiter limiter(1000.0, 0ns);
    RateLimiter::Time now = 0ns;
    std::uint64_t taken = 0;
    while (now < 60s) {
      now += limiter.delay(now);
      BOOST_REQUIRE(limiter.delay(now) == 0ns);
      limiter.take(batch, now);
      taken += batch;
    }
    BOOST_TEST(taken >= 60'000u);
    BOOST_TEST(taken <= 60'000u + 100 + 2 * batch);
  }
}

BOOST_AUTO_TEST_CASE(an_idle_source_does_not_save_up_more_than_a_tenth_of_a_second) {
  RateLimiter limiter(1000.0, 0ns);
  std::uint64_t burst = 0;
  while (limiter.delay(1h) == 0ns) {
    limiter.take(1, 1h);
    ++burst;
  }
  BOOST_TEST(burst == 100u);
}

BOOST_AUTO_TEST_CASE(slow_rates_and_clocks_that_stand_still_are_no_trouble) {
  RateLimiter limiter(0.001, 5s);
  BOOST_TEST((limiter.delay(5s) == 0ns));
  limiter.take(1, 5s);
  BOOST_TEST((limiter.delay(4s) == 1000s));
  BOOST_TEST((limiter.delay(1005s) == 0ns));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
