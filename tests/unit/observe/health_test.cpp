#include "common/observe/health.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

HealthBoard::Time at(int ms) {
  return HealthBoard::Time(milliseconds(ms));
}

struct Fixture {
  Fixture() { board.set_started(); }
  HealthBoard::CheckId add(const char* name, int deadline_ms,
                           HealthScope scope = HealthScope::liveness) {
    return *board.add({.name = name, .scope = scope, .deadline = milliseconds(deadline_ms)}, at(0));
  }
  HealthBoard board;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(common_observe_health)

BOOST_FIXTURE_TEST_CASE(a_loop_is_stuck_once_its_deadline_is_over, Fixture) {
  const auto training = add("training", 100);
  board.step(training, at(50));
  BOOST_TEST(board.report(at(150)).is_alive);
  const HealthReport late = board.report(at(151));
  BOOST_TEST(!late.is_alive);
  BOOST_TEST(!late.is_ready);
  BOOST_TEST((late.checks.at(0).state == CheckState::stuck));
  BOOST_TEST(late.checks.at(0).reason == "no progress for 101 ms; it may take 100 ms");
  board.step(training, at(200));
  BOOST_TEST(board.report(at(201)).is_alive);
}

BOOST_FIXTURE_TEST_CASE(a_loop_that_never_began_is_stuck_too, Fixture) {
  add("actors_answer", 100);
  BOOST_TEST(board.report(at(100)).is_alive);
  BOOST_TEST(!board.report(at(101)).is_alive);
}

BOOST_FIXTURE_TEST_CASE(who_has_nothing_to_do_has_no_deadline, Fixture) {
  const auto training = add("training", 100);
  board.idle(training, at(10));
  BOOST_TEST(board.report(at(1'000'000)).is_alive);
  board.step(training, at(1'000'000));
  BOOST_TEST(!board.report(at(1'000'101)).is_alive);
}

BOOST_FIXTURE_TEST_CASE(without_a_deadline_what_was_said_last_holds, Fixture) {
  const auto store = add("store_writable", 0);
  board.step(store, at(1));
  BOOST_TEST(board.report(at(1'000'000)).is_alive);
}

BOOST_FIXTURE_TEST_CASE(readiness_does_not_ask_for_a_restart, Fixture) {
  const auto joined = add("joined", 0, HealthScope::readiness);
  const HealthReport before = board.report(at(1));
  BOOST_TEST(before.is_alive);
  BOOST_TEST(!before.is_ready);
  BOOST_TEST(before.not_ready_reason == "joined: not heard of yet");
  board.step(joined, at(2));
  BOOST_TEST(board.report(at(3)).is_ready);
  board.fail(joined, "the coordinator at 10.0.0.1:4700 does not answer", at(4));
  const HealthReport after = board.report(at(5));
  BOOST_TEST(after.is_alive);
  BOOST_TEST(!after.is_ready);
  BOOST_TEST(after.not_ready_reason == "joined: the coordinator at 10.0.0.1:4700 does not answer");
}

BOOST_FIXTURE_TEST_CASE(a_failing_liveness_check_asks_for_a_restart, Fixture) {
  const auto actors = add("actors_answer", 100);
  board.fail(actors, "the scheduler has ended", at(1));
  BOOST_TEST(!board.report(at(2)).is_alive);
  board.step(actors, at(3));
  BOOST_TEST(board.report(at(4)).is_alive);
}

BOOST_AUTO_TEST_CASE(nothing_is_ready_before_it_has_started) {
  HealthBoard board;
  BOOST_TEST(board.report(at(0)).is_alive);
  BOOST_TEST(!board.report(at(0)).is_ready);
  BOOST_TEST(board.report(at(0)).not_ready_reason == "starting");
  board.set_started();
  BOOST_TEST(board.report(at(0)).is_ready);
}

BOOST_FIXTURE_TEST_CASE(who_drains_is_alive_and_never_ready_again, Fixture) {
  const auto joined = add("joined", 0, HealthScope::readiness);
  board.drain("SIGTERM");
  board.drain("later");
  board.step(joined, at(1));
  board.set_started();
  const HealthReport report = board.report(at(2));
  BOOST_TEST(report.is_alive);
  BOOST_TEST(!report.is_ready);
  BOOST_TEST(report.not_ready_reason == "draining: SIGTERM");
}

BOOST_FIXTURE_TEST_CASE(one_stuck_component_is_named_among_many, Fixture) {
  const auto training = add("training/clicks", 100);
  const auto other = add("training/fraud", 100);
  board.step(training, at(500));
  board.step(other, at(300));
  const HealthReport report = board.report(at(501));
  const auto json = nlohmann::json::parse(liveness_json(report));
  BOOST_TEST(json["status"] == "stuck");
  BOOST_TEST(json["reason"] == "training/fraud: no progress for 201 ms; it may take 100 ms");
  BOOST_TEST(json["checks"][0]["ok"] == true);
  BOOST_TEST(json["checks"][1]["name"] == "training/fraud");
  BOOST_TEST(json["checks"][1]["state"] == "stuck");
  BOOST_TEST(json["checks"][1]["seconds_since_progress"] == 0.201);
  BOOST_TEST(json["checks"][1]["deadline_seconds"] == 0.1);
}

BOOST_FIXTURE_TEST_CASE(an_earlier_reading_of_the_clock_undoes_no_later_one, Fixture) {
  const auto training = add("training", 100);
  board.step(training, at(200));
  board.step(training, at(50));
  BOOST_TEST(board.report(at(300)).is_alive);
  // Nor does a report that read the clock before the step.
  BOOST_TEST(board.report(at(0)).is_alive);
}

BOOST_FIXTURE_TEST_CASE(a_check_that_was_removed_is_nobodys_concern, Fixture) {
  const auto training = add("training", 100);
  board.remove(training);
  board.fail(training, "gone", at(1));
  BOOST_TEST(board.report(at(1'000)).is_alive);
  BOOST_TEST(board.report(at(1'000)).checks.empty());
}

BOOST_FIXTURE_TEST_CASE(checks_and_their_texts_are_bounded, Fixture) {
  for (std::size_t n = 0; n < limits::kHealthChecksMax; ++n) {
    BOOST_REQUIRE(board.add({.name = std::string(1'000, 'x')}, at(0)).has_value());
  }
  BOOST_TEST(!board.add({.name = "one_more"}, at(0)).has_value());
  board.fail(1, std::string(1'000, 'y'), at(1));
  const auto report = board.report(at(1));
  const auto& check = report.checks.at(0);
  BOOST_TEST(check.name.size() == limits::kHealthTextBytesMax);
  BOOST_TEST(check.reason.size() == limits::kHealthTextBytesMax);
}

BOOST_FIXTURE_TEST_CASE(hostile_text_leaves_the_json_whole, Fixture) {
  const auto store = add("store", 0);
  board.fail(store, "cannot read \"a\nb\"\xff\xfe</script>", at(1));
  const std::string text = liveness_json(board.report(at(2)));
  BOOST_TEST(nlohmann::json::accept(text), text);
  BOOST_TEST(text.find('\n') == text.size() - 1);
}

BOOST_AUTO_TEST_CASE(a_check_counts_as_long_as_it_lives) {
  Health health;
  health.set_started();
  {
    auto check = health.add({.name = "store", .scope = HealthScope::readiness});
    BOOST_REQUIRE(check.is_ok());
    HealthCheck store = std::move(check).value();
    store.tell(Status(Code::resource_exhausted, "the disk is full"));
    BOOST_TEST(health.report().not_ready_reason == "store: the disk is full");
    store.tell({});
    BOOST_TEST(health.report().is_ready);
    store.fail("again");
    store = HealthCheck();
    BOOST_TEST(health.report().is_ready);
    store.step();  // watched by nobody
  }
  BOOST_TEST(health.report().checks.empty());
}

BOOST_AUTO_TEST_CASE(a_check_may_outlive_its_health) {
  HealthCheck check;
  {
    Health health;
    check = health.add({.name = "training"}).value();
  }
  check.step();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
