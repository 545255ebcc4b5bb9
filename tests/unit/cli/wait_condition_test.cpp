#include "coordinator/cli/wait_condition.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace::cli {
namespace {

using control::JobState;
using control::JobStatus;

bool holds(const std::string& text, const JobStatus& status) {
  const auto conditions = parse_conditions(text);
  BOOST_REQUIRE_MESSAGE(conditions.is_ok(), conditions.status().message());
  BOOST_REQUIRE(conditions.value().size() == 1);
  return conditions.value().front().holds(status);
}

Status refused(const std::string& text) {
  const auto conditions = parse_conditions(text);
  BOOST_REQUIRE_MESSAGE(!conditions.is_ok(), text);
  BOOST_TEST((conditions.status().code() == Code::invalid_argument));
  return conditions.status();
}

BOOST_AUTO_TEST_SUITE(coordinator_cli_wait_condition)

BOOST_AUTO_TEST_CASE(a_state_holds_when_the_job_is_in_it) {
  JobStatus status;
  status.state = JobState::running;
  BOOST_TEST(holds("state=running", status));
  BOOST_TEST(!holds("state=finished", status));
}

BOOST_AUTO_TEST_CASE(a_bound_itself_is_neither_above_nor_below) {
  JobStatus status;
  status.lag = 1000;
  BOOST_TEST(!holds("lag.below=1000", status));
  BOOST_TEST(holds("lag.below=1000.5", status));
  BOOST_TEST(!holds("lag.above=1000", status));
  status.records = 2'000'000;
  BOOST_TEST(holds("records.above=1e6", status));
}

BOOST_AUTO_TEST_CASE(a_metric_is_that_of_the_window_where_there_is_one) {
  JobStatus status;
  BOOST_TEST(!holds("metric.auc.above=0", status));
  BOOST_TEST(!holds("metric.auc.below=1", status));
  status.evaluation.prequential.auc = 0.9;
  BOOST_TEST(holds("metric.auc.above=0.8", status));
  status.evaluation.window.auc = 0.7;
  BOOST_TEST(!holds("metric.auc.above=0.8", status));
}

BOOST_AUTO_TEST_CASE(several_conditions_are_told_apart) {
  const auto conditions = parse_conditions("state=running, lag.below=10,metric.r2.above=-1e-3");
  BOOST_REQUIRE(conditions.is_ok());
  BOOST_TEST_REQUIRE(conditions.value().size() == 3u);
  BOOST_TEST(conditions.value()[1].text == "lag.below=10");
  BOOST_TEST(conditions.value()[2].bound == -1e-3);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_waited_for_is_refused_with_what_was_meant) {
  BOOST_TEST(refused("state=runing").hint().find("running") != std::string::npos);
  BOOST_TEST(refused("state=unknown").message().find("no state") != std::string::npos);
  BOOST_TEST(refused("metric.acuracy.above=1").hint().find("accuracy") != std::string::npos);
  BOOST_TEST(refused("lagg.below=1").hint().find("lag") != std::string::npos);
  BOOST_TEST(refused("lag.below=many").message().find("no number") != std::string::npos);
  BOOST_TEST(refused("lag.below=nan").message().find("no number") != std::string::npos);
  BOOST_TEST(refused("lag=5").message().find("neither") != std::string::npos);
  for (const auto* text : {"running", "", "state=running,"})
    BOOST_TEST(refused(text).hint().find("for example") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_ended_job_is_not_waited_for) {
  const auto conditions = parse_conditions("state=running").value();
  JobStatus status;
  status.state = JobState::recovering;
  BOOST_TEST(!is_out_of_reach(conditions, status));
  status.state = JobState::failed;
  BOOST_TEST(is_out_of_reach(conditions, status));
  BOOST_TEST(!is_out_of_reach(parse_conditions("state=failed").value(), status));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::cli
