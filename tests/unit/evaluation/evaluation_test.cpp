#include <boost/test/unit_test.hpp>
#include <cmath>

#include "common/base/limits.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/evaluation/streams.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

std::vector<Stream> every_task(std::size_t records) {
  return {binary_stream(records, seed()), multiclass_stream(records, seed()),
          value_stream(records, seed())};
}

void check_close(const std::optional<double>& a, const std::optional<double>& b) {
  BOOST_REQUIRE_EQUAL(a.has_value(), b.has_value());
  if (a) BOOST_TEST(std::abs(*a - *b) <= 1e-9 * std::abs(*b));
}

// Classification to the bit, regression to rounding.
void check_same(const MetricsReport& a, const MetricsReport& b) {
  BOOST_TEST(a.records == b.records);
  BOOST_TEST((a.confusion_matrix == b.confusion_matrix));
  for (const auto member :
       {&MetricsReport::accuracy, &MetricsReport::log_loss, &MetricsReport::precision,
        &MetricsReport::recall, &MetricsReport::f1, &MetricsReport::kappa,
        &MetricsReport::kappa_temporal, &MetricsReport::auc, &MetricsReport::auc_error_bound})
    BOOST_TEST((a.*member == b.*member));
  check_close(a.mae, b.mae);
  check_close(a.rmse, b.rmse);
  check_close(a.r2, b.r2);
}

void check_same(const EvaluationReport& a, const EvaluationReport& b) {
  check_same(a.prequential, b.prequential);
  check_same(a.window, b.window);
  BOOST_TEST((a.baselines.last_label_accuracy == b.baselines.last_label_accuracy));
  BOOST_TEST((a.baselines.majority_accuracy == b.baselines.majority_accuracy));
  check_close(a.baselines.last_label_mae, b.baselines.last_label_mae);
  check_close(a.baselines.mean_mae, b.baselines.mean_mae);
  check_close(a.baselines.mean_rmse, b.baselines.mean_rmse);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluation)

BOOST_AUTO_TEST_CASE(replicas_of_disjoint_splits_merge_to_what_one_would_have_seen) {
  for (const auto& stream : every_task(3'000)) {
    auto whole = make_evaluation(stream), left = make_evaluation(stream),
         right = make_evaluation(stream);
    // One replica reads all splits, in turns; two read two splits each.
    for (std::size_t begin = 0; begin < 3'000; begin += 250) {
      const auto split = static_cast<std::uint32_t>(begin / 250 % 4);
      score(whole, stream, begin, begin + 250, split);
      score(split < 2 ? left : right, stream, begin, begin + 250, split);
    }
    left.merge(right);
    BOOST_TEST(left.records() == 3'000u);
    check_same(left.report(), whole.report());
  }
}

// Six splits: two replicas read three each, then three read two each, then one all. What is counted
// and what depends on a split's order is as if nothing had moved.
BOOST_AUTO_TEST_CASE(splits_that_are_shared_out_anew_count_as_if_one_had_seen_all) {
  constexpr std::uint32_t kSplits = 6;
  for (const auto& stream : every_task(3'600)) {
    auto whole = make_evaluation(stream);
    std::vector<Evaluation> replicas;
    std::size_t begin = 0;
    for (const std::uint32_t count : {2u, 3u, 1u}) {
      const std::uint32_t each = kSplits / count;
      std::vector<Evaluation> next;
      for (std::uint32_t replica = 0; replica < count; ++replica) {
        std::vector<SplitId> splits;
        for (std::uint32_t i = 0; i < each; ++i) splits.emplace_back(replica * each + i);
        next.push_back(make_evaluation(stream));
        for (const auto& old : replicas) next.back().take_over(old, splits, replica == 0);
      }
      replicas = std::move(next);
      for (std::uint32_t split = 0; split < kSplits; ++split, begin += 200) {
        score(whole, stream, begin, begin + 200, split);
        score(replicas[split / each], stream, begin, begin + 200, split);
      }
      auto joined = make_evaluation(stream);
      for (const auto& replica : replicas) joined.merge(replica);
      BOOST_TEST(joined.records() == begin);
      check_same(joined.report(), whole.report());
    }
  }
}

BOOST_AUTO_TEST_CASE(encoded_parts_merge_and_what_is_no_part_is_left_out) {
  const auto stream = binary_stream(1'000, seed());
  auto left = make_evaluation(stream), right = make_evaluation(stream);
  score(left, stream, 0, 600, 0);
  score(right, stream, 600, 1'000, 1);
  const auto encoded = [](const Evaluation& evaluation) {
    ByteWriter writer;
    evaluation.encode(writer);
    return std::make_shared<const Bytes>(std::move(writer).take());
  };
  const auto first = encoded(left);
  const auto half =
      std::make_shared<const Bytes>(first->begin(), first->begin() + std::ssize(*first) / 2);
  const std::vector<std::shared_ptr<const Bytes>> parts = {nullptr, half, first, encoded(right)};
  const auto whole = merge_evaluations(parts);
  left.merge(right);
  BOOST_TEST_REQUIRE(whole.has_value());
  check_same(whole->report(), left.report());
  BOOST_TEST(!merge_evaluations({}).has_value());
}

BOOST_AUTO_TEST_CASE(a_split_that_moved_is_joined_whichever_part_comes_first) {
  for (const auto& stream : every_task(1'500)) {
    auto earlier = make_evaluation(stream), later = make_evaluation(stream);
    score(earlier, stream, 0, 700);
    score(later, stream, 700, 1'500);
    auto forwards = make_evaluation(stream), backwards = make_evaluation(stream);
    forwards.merge(earlier);
    forwards.merge(later);
    backwards.merge(later);
    backwards.merge(earlier);
    check_same(forwards.report(), backwards.report());
    auto whole = scored(stream).report();
    auto joined = forwards.report();
    // Majority and mean began anew in the later part.
    joined.baselines.majority_accuracy = whole.baselines.majority_accuracy;
    joined.baselines.mean_mae = whole.baselines.mean_mae;
    joined.baselines.mean_rmse = whole.baselines.mean_rmse;
    check_same(joined, whole);
  }
}

BOOST_AUTO_TEST_CASE(saved_and_restored_at_any_record_it_goes_on_bit_for_bit) {
  for (const auto& stream : every_task(600)) {
    for (const std::size_t stop : {0u, 1u, 63u, 64u, 199u, 200u, 201u, 450u}) {
      auto never_stopped = make_evaluation(stream, 200), stopped = make_evaluation(stream, 200);
      score(never_stopped, stream, 0, stop, 3);
      score(stopped, stream, 0, stop, 3);
      const auto saved = encoded(stopped);
      ByteReader reader(saved);
      auto restored = Evaluation::decode(reader);
      BOOST_REQUIRE_MESSAGE(restored.is_ok(), restored.status().message());
      BOOST_TEST(reader.remaining() == 0u);
      score(never_stopped, stream, stop, 600, 3);
      score(restored.value(), stream, stop, 600, 3);
      BOOST_TEST((encoded(never_stopped) == encoded(restored.value())));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_cut_into_batches_does_not_change_a_bit) {
  for (const auto& stream : every_task(500)) {
    auto at_once = make_evaluation(stream), one_by_one = make_evaluation(stream);
    score(at_once, stream, 0, 500, 0, 500);
    score(one_by_one, stream, 0, 500, 0, 1);
    BOOST_TEST((encoded(at_once) == encoded(one_by_one)));
  }
}

BOOST_AUTO_TEST_CASE(the_window_holds_the_last_records_of_every_split) {
  for (const auto& stream : every_task(900)) {
    auto all = make_evaluation(stream, 120), last = make_evaluation(stream, 120);
    score(all, stream, 0, 400, 1);
    score(all, stream, 400, 900, 2);
    score(last, stream, 280, 400, 1);
    score(last, stream, 780, 900, 2);
    const auto window = all.report().window;
    auto expected = last.report().prequential;
    BOOST_TEST(window.records == 240u);
    // In the window a first record still knows the label before it.
    expected.kappa_temporal = window.kappa_temporal;
    check_same(window, expected);
  }
}

BOOST_AUTO_TEST_CASE(damaged_bytes_are_refused) {
  for (const auto& stream : every_task(150)) {
    const auto saved = encoded(scored(stream, 50));
    for (std::size_t size = 0; size < saved.size(); ++size) {
      ByteReader reader(ByteView(saved).first(size));
      BOOST_REQUIRE(!Evaluation::decode(reader).is_ok());
    }
    // Any single flipped byte gives an error or an evaluation that still works.
    RandomStream random(seed());
    for (int round = 0; round < 400; ++round) {
      auto flipped = saved;
      flipped[random.below(flipped.size())] ^= static_cast<std::byte>(1 + random.below(255));
      ByteReader reader(flipped);
      auto decoded = Evaluation::decode(reader);
      if (decoded.is_ok()) decoded.value().report();
    }
  }
}

BOOST_AUTO_TEST_CASE(every_class_of_the_widest_head_has_its_place) {
  Stream stream{Task::multiclass, limits::kClassesMax, {}, {}};
  stream.labels = {0.0f, static_cast<float>(limits::kClassesMax - 1)};
  stream.predictions.assign(2 * limits::kClassesMax, 0.0f);
  stream.predictions[limits::kClassesMax - 1] = 1.0f;
  stream.predictions[2 * limits::kClassesMax - 1] = 1.0f;
  const auto report = scored(stream).report().window;
  BOOST_TEST(report.confusion_matrix.size() == limits::kClassesMax);
  BOOST_TEST(report.confusion_matrix[0].back() == 1u);
  BOOST_TEST(report.confusion_matrix.back().back() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
