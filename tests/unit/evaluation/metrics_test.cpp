// Reference figures: scikit-learn 1.9.1 (metrics) and River 0.26.1 (LogLoss, CohenKappa,
// NoChangeClassifier) on the streams of streams.hpp, 5,000 records each.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/unit/evaluation/streams.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr std::size_t kRecords = 5'000;

void check_near(const std::optional<double>& value, double expected) {
  BOOST_REQUIRE(value.has_value());
  BOOST_TEST(std::abs(*value - expected) < 1e-6, *value << " is not " << expected);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluation_metrics)

BOOST_AUTO_TEST_CASE(binary_metrics_equal_scikit_learn_and_river) {
  const auto report = scored(binary_stream(kRecords)).report();
  const auto& metrics = report.prequential;
  BOOST_TEST(metrics.records == kRecords);
  check_near(metrics.accuracy, 0.719400000);
  check_near(metrics.precision, 0.560754190);
  check_near(metrics.recall, 0.917190177);
  check_near(metrics.f1, 0.695991333);
  check_near(metrics.kappa, 0.462257284);
  check_near(metrics.log_loss, 0.590478237);
  check_near(report.baselines.last_label_accuracy, 0.858600000);
  check_near(metrics.kappa_temporal, -0.984441301);
  BOOST_TEST((metrics.confusion_matrix ==
              std::vector<std::vector<std::uint64_t>>{{1991, 1258}, {145, 1606}}));
  BOOST_TEST(!metrics.mae.has_value());
}

BOOST_AUTO_TEST_CASE(the_exact_auc_is_within_the_printed_bound) {
  const auto metrics = scored(binary_stream(kRecords)).report().prequential;
  BOOST_REQUIRE(metrics.auc && metrics.auc_error_bound);
  BOOST_TEST(std::abs(*metrics.auc - 0.858411032) <= *metrics.auc_error_bound);
  BOOST_TEST(*metrics.auc_error_bound < 0.005);
}

BOOST_AUTO_TEST_CASE(auc_has_closed_forms) {
  const auto perfect = scored(binary({0, 1, 0, 1}, {0.1f, 0.9f, 0.2f, 0.8f})).report().prequential;
  BOOST_TEST(*perfect.auc == 1.0);
  BOOST_TEST(*perfect.auc_error_bound == 0.0);
  const auto equal = scored(binary({0, 1, 0, 1}, {0.3f, 0.3f, 0.3f, 0.3f})).report().prequential;
  BOOST_TEST(*equal.auc == 0.5);
  BOOST_TEST(*equal.auc_error_bound == 0.5);
  const auto one_class = scored(binary({1, 1}, {0.3f, 0.6f})).report().prequential;
  BOOST_TEST(!one_class.auc.has_value());
}

BOOST_AUTO_TEST_CASE(multiclass_metrics_equal_scikit_learn_and_river) {
  const auto report = scored(multiclass_stream(kRecords)).report();
  const auto& metrics = report.prequential;
  check_near(metrics.accuracy, 0.648800000);
  check_near(metrics.precision, 0.636185638);
  check_near(metrics.recall, 0.652251836);
  check_near(metrics.f1, 0.641089095);
  check_near(metrics.kappa, 0.523080021);
  check_near(metrics.log_loss, 1.004157330);
  check_near(report.baselines.last_label_accuracy, 0.640800000);
  check_near(metrics.kappa_temporal, 0.022271715);
  BOOST_TEST((metrics.confusion_matrix ==
              std::vector<std::vector<std::uint64_t>>{{1235, 240, 240, 0, 222},
                                                      {104, 626, 89, 0, 98},
                                                      {141, 123, 673, 0, 113},
                                                      {0, 0, 0, 0, 0},
                                                      {139, 127, 120, 0, 710}}));
  BOOST_TEST(!metrics.auc.has_value());
}

BOOST_AUTO_TEST_CASE(regression_metrics_equal_scikit_learn) {
  const auto report = scored(value_stream(kRecords)).report();
  check_near(report.prequential.mae, 0.985383789);
  check_near(report.prequential.rmse, 1.139491134);
  check_near(report.prequential.r2, 0.844413885);
  check_near(report.baselines.last_label_mae, 3.375495412);
  check_near(report.baselines.mean_mae, 2.507642975);
  check_near(report.baselines.mean_rmse, 2.891446748);
  BOOST_TEST(report.baselines.warnings.empty());
  BOOST_TEST(!report.prequential.accuracy.has_value());
}

BOOST_AUTO_TEST_CASE(a_probability_of_one_half_predicts_class_0_and_ties_the_smaller_id) {
  const auto half = scored(binary({0, 1}, {0.5f, 0.5f})).report().prequential;
  BOOST_TEST((half.confusion_matrix == std::vector<std::vector<std::uint64_t>>{{1, 0}, {1, 0}}));
  const Stream tie{Task::multiclass, 3, {1}, {0.2f, 0.4f, 0.4f}};
  BOOST_TEST(*scored(tie).report().prequential.accuracy == 1.0);
}

BOOST_AUTO_TEST_CASE(certain_and_wrong_costs_the_clipped_loss_and_so_does_no_number) {
  const double worst = -std::log(1e-15);
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& stream : {binary({1}, {0.0f}), binary({1}, {nan}), binary({0}, {nan})})
    check_near(scored(stream).report().prequential.log_loss, worst);
  check_near(scored(binary({0}, {1.0f})).report().prequential.log_loss, -std::log(1 - (1 - 1e-15)));
  check_near(scored(binary({1}, {1.0f})).report().prequential.log_loss, 0.0);
}

BOOST_AUTO_TEST_CASE(one_class_alone_has_no_kappa_and_no_skill_over_time) {
  const auto report = scored(binary({0, 0, 0}, {0.1f, 0.1f, 0.1f})).report();
  BOOST_TEST(*report.prequential.kappa == 0.0);  // as River
  BOOST_TEST(*report.prequential.f1 == 0.0);
  // The first record of the split counts as wrong for the last label, and for the majority.
  BOOST_TEST(*report.baselines.last_label_accuracy == 2.0 / 3);
  BOOST_TEST(*report.baselines.majority_accuracy == 2.0 / 3);
  BOOST_TEST(*report.prequential.kappa_temporal == 1.0);
}

BOOST_AUTO_TEST_CASE(the_majority_is_that_of_the_labels_before_with_ties_to_the_smaller_id) {
  // Before each record: none, {1}, {0, 1} tied, {0, 0, 1}: hits at the third and fourth.
  const auto report = scored(binary({1, 0, 0, 0}, {0.9f, 0.1f, 0.1f, 0.1f})).report();
  BOOST_TEST(*report.baselines.majority_accuracy == 0.5);
}

BOOST_AUTO_TEST_CASE(each_baseline_that_wins_is_named) {
  const auto report = scored(binary({0, 0, 0, 0}, {0.9f, 0.9f, 0.1f, 0.9f})).report();
  const std::vector<std::string> expected = {
      "predicting the last label scores 0.7500, above the model's 0.2500",
      "predicting the majority label scores 0.7500, above the model's 0.2500"};
  BOOST_TEST(report.baselines.warnings == expected, boost::test_tools::per_element());
  BOOST_TEST(scored(binary({0, 1}, {0.1f, 0.9f})).report().baselines.warnings.empty());

  const Stream values{Task::regression, 0, {1, 1, 1, 1}, {3, 3, 3, 3}};
  BOOST_TEST(scored(values).report().baselines.warnings.size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_empty_evaluation_reports_nothing) {
  for (const auto task : {Task::binary, Task::regression}) {
    const Evaluation evaluation(task, task == Task::binary ? 2 : 0, 10);
    const auto report = evaluation.report();
    BOOST_TEST(report.prequential.records == 0u);
    BOOST_TEST(!report.prequential.accuracy.has_value());
    BOOST_TEST(!report.prequential.mae.has_value());
    BOOST_TEST(report.baselines.warnings.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
