#include <boost/test/unit_test.hpp>

#include "coordinator/status/event_ring.hpp"
#include "coordinator/status/operation_list.hpp"

namespace millrace {
namespace {

EventRing ring_of(int events) {
  EventRing ring(100, 5);
  for (int i = 0; i < events; ++i) ring.add("info", "note", std::to_string(i), 1);
  return ring;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unit_status_lists)

BOOST_AUTO_TEST_CASE(the_oldest_events_make_room) {
  const auto list = ring_of(7).list(0, 100);
  BOOST_REQUIRE_EQUAL(list.events.size(), 5u);
  BOOST_TEST(list.oldest == 102u);
  BOOST_TEST(list.events.front().message == "2");
  BOOST_TEST(list.events.back().sequence == 106u);
}

BOOST_AUTO_TEST_CASE(who_follows_gets_the_oldest_of_what_is_new) {
  const auto ring = ring_of(5);
  const auto after = ring.list(101, 2);
  BOOST_REQUIRE_EQUAL(after.events.size(), 2u);
  BOOST_TEST(after.events.front().sequence == 102u);
  BOOST_TEST(ring.list(104, 2).events.empty());
  const auto newest = ring.list(0, 2);
  BOOST_TEST(newest.events.front().sequence == 103u);
}

BOOST_AUTO_TEST_CASE(an_empty_ring_says_where_it_will_begin) {
  const auto list = ring_of(0).list(0, 10);
  BOOST_TEST(list.events.empty());
  BOOST_TEST(list.oldest == 100u);
}

BOOST_AUTO_TEST_CASE(an_operation_ends_once) {
  OperationList list("7", 10);
  const auto id = list.begin("stop", "clicks", 5);
  BOOST_REQUIRE(id.is_ok());
  BOOST_TEST(id.value() == "op-7-1");
  list.succeed(id.value(), "the job is stopped", 6);
  list.fail(id.value(), Status(Code::internal, "too late"), 7);
  const auto* found = list.find(id.value());
  BOOST_REQUIRE(found != nullptr);
  BOOST_TEST((found->state == control::OperationState::succeeded));
  BOOST_TEST(found->ended_at_ms == 6u);
  BOOST_TEST(!found->error.has_value());
}

BOOST_AUTO_TEST_CASE(ended_operations_make_room_and_running_ones_do_not) {
  OperationList list("7", 2);
  const auto first = list.begin("stop", "a", 1);
  const auto second = list.begin("stop", "b", 1);
  BOOST_REQUIRE(first.is_ok() && second.is_ok());
  BOOST_TEST((list.begin("stop", "c", 1).status().code() == Code::resource_exhausted));
  list.fail(second.value(), Status(Code::cancelled, "no"), 2);
  BOOST_TEST(list.begin("stop", "c", 3).is_ok());
  BOOST_TEST(list.find(first.value()) != nullptr);
  BOOST_TEST(list.find(second.value()) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
