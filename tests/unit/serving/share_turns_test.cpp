#include "coordinator/registry/share_turns.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace {
namespace {

BOOST_AUTO_TEST_SUITE(coordinator_registry_share_turns)

BOOST_AUTO_TEST_CASE(wishes_during_a_sharing_are_met_by_one_after_it) {
  ShareTurns turns;
  BOOST_TEST(turns.want());
  BOOST_TEST(!turns.want());
  BOOST_TEST(!turns.want());
  BOOST_TEST(turns.ended(true));
  BOOST_TEST(!turns.ended(true));
  BOOST_TEST(!turns.retry());
  BOOST_TEST(turns.want());
}

BOOST_AUTO_TEST_CASE(what_failed_is_tried_again_until_it_succeeds) {
  ShareTurns turns;
  BOOST_TEST(turns.want());
  BOOST_TEST(!turns.ended(false));
  BOOST_TEST(turns.retry());
  BOOST_TEST(!turns.retry());
  BOOST_TEST(!turns.ended(false));
  BOOST_TEST(turns.retry());
  BOOST_TEST(!turns.ended(true));
  BOOST_TEST(!turns.retry());
}

BOOST_AUTO_TEST_CASE(a_failure_that_another_follows_is_not_owed) {
  ShareTurns turns;
  BOOST_TEST(turns.want());
  BOOST_TEST(!turns.want());
  BOOST_TEST(turns.ended(false));
  BOOST_TEST(!turns.retry());
  BOOST_TEST(!turns.ended(true));
  BOOST_TEST(!turns.retry());
}

BOOST_AUTO_TEST_CASE(a_worker_that_could_not_load_is_ordered_again) {
  ShareTurns turns;
  BOOST_TEST(turns.want());
  BOOST_TEST(!turns.ended(true));
  turns.loading_failed();
  BOOST_TEST(turns.retry());
  BOOST_TEST(!turns.retry());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
