#include <boost/test/unit_test.hpp>

#include "common/wire/control_codec.hpp"
#include "coordinator/control/client_budget.hpp"
#include "coordinator/control/control_rules.hpp"
#include "tests/support/control_messages.hpp"

namespace millrace {
namespace {

using security::ClientRole, security::ClientRoles;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(coordinator_control_rules)

BOOST_AUTO_TEST_CASE(every_kind_of_request_has_the_rule_of_its_name) {
  std::size_t seen = 0;
  for (const auto& request : test::example_requests()) {
    BOOST_TEST(rule_of(request.what).request == wire::name_of(request.what));
    ++seen;
  }
  BOOST_TEST(seen == kControlRules.size());
}

BOOST_AUTO_TEST_CASE(whoever_may_only_look_changes_nothing) {
  for (const auto& rule : kControlRules) {
    BOOST_TEST_CONTEXT(rule.request) {
      BOOST_TEST(rule.roles.names(ClientRole::read_metrics) == !rule.is_mutating);
      const ClientRoles others{ClientRole::predict, ClientRole::ingest};
      BOOST_TEST(!others.allow_any(rule.roles));
      BOOST_TEST(ClientRoles{ClientRole::admin}.allow_any(rule.roles));
    }
  }
}

BOOST_AUTO_TEST_CASE(whoever_may_start_an_operation_may_see_what_becomes_of_it) {
  const auto& look = rule_of(control::GetOperation{}).roles;
  for (const auto& rule : kControlRules)
    for (const auto role : security::kClientRoles)
      if (rule.is_mutating && rule.roles.names(role))
        BOOST_TEST(ClientRoles{role}.allow_any(look), rule.request);
  BOOST_TEST(!ClientRoles{ClientRole::operate}.allow_any(rule_of(control::ListJobs{}).roles));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_taken_back_is_left_to_the_admin) {
  BOOST_TEST((rule_of(control::DeleteJob{}).roles == ClientRoles{ClientRole::admin}));
  BOOST_TEST((rule_of(control::DrainWorker{}).roles == ClientRoles{ClientRole::admin}));
  BOOST_TEST((rule_of(control::Submit{}).roles == ClientRoles{ClientRole::operate}));
}

BOOST_AUTO_TEST_CASE(a_log_line_names_what_the_request_is_about) {
  BOOST_TEST(subject_of(control::StopJob{.job = "clicks", .savepoint = "s"}) == "clicks");
  BOOST_TEST(subject_of(control::DrainWorker{.worker = "worker-2"}) == "worker-2");
  BOOST_TEST(subject_of(control::Submit{.file_name = "job.yaml"}) == "job.yaml");
  BOOST_TEST(subject_of(control::ListJobs{}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(coordinator_client_budget)

const ClientBudget::Time kStart{1h};

BOOST_AUTO_TEST_CASE(a_client_may_ask_one_seconds_worth_at_once_and_then_at_its_rate) {
  ClientBudget budget({.requests_per_second = 10});
  const auto ask = [&](ClientBudget::Time now) {
    const auto status = budget.admit("a", now);
    if (status.is_ok()) budget.release("a");
    return status;
  };
  for (int i = 0; i < 10; ++i) BOOST_TEST_REQUIRE(ask(kStart).is_ok());
  BOOST_TEST((ask(kStart).code() == Code::resource_exhausted));
  BOOST_TEST(!ask(kStart + 99ms).is_ok());
  BOOST_TEST(ask(kStart + 201ms).is_ok());
  BOOST_TEST(ask(kStart + 201ms).is_ok());
  BOOST_TEST(!ask(kStart + 201ms).is_ok());
}

BOOST_AUTO_TEST_CASE(one_client_at_its_bound_keeps_nobody_else_out) {
  ClientBudget budget({.in_flight_per_client_max = 2, .in_flight_max = 3});
  BOOST_TEST(budget.admit("a", kStart).is_ok());
  BOOST_TEST(budget.admit("a", kStart).is_ok());
  BOOST_TEST((budget.admit("a", kStart).code() == Code::resource_exhausted));
  BOOST_TEST(budget.admit("b", kStart).is_ok());
  BOOST_TEST(!budget.admit("c", kStart).is_ok());
  budget.release("a");
  BOOST_TEST(budget.admit("c", kStart).is_ok());
  BOOST_TEST(budget.in_flight() == 3u);
}

BOOST_AUTO_TEST_CASE(clients_that_have_gone_are_forgotten) {
  ClientBudget budget({.requests_per_second = 2, .clients_max = 2});
  for (const auto* client : {"a", "b"}) {
    BOOST_TEST(budget.admit(client, kStart).is_ok());
    budget.release(client);
  }
  BOOST_TEST(!budget.admit("c", kStart).is_ok());
  BOOST_TEST(budget.admit("c", kStart + 1s).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
