#include <thread>

#include "coordinator/control/control_rules.hpp"
#include "tests/integration/control_endpoint/controlled.hpp"
#include "tests/integration/curve_endpoint/guarded.hpp"
#include "tests/support/control_messages.hpp"

namespace millrace {
namespace {

using namespace test;
using namespace control;
using namespace std::chrono_literals;

Code code_of(const Result<Reply>& reply) {
  if (!reply.is_ok()) return reply.status().code();
  const auto* error = std::get_if<Error>(&reply.value().what);
  return error == nullptr ? Code::ok : error->code;
}

BOOST_AUTO_TEST_SUITE(control_endpoint)

BOOST_AUTO_TEST_CASE(a_client_gets_what_the_service_answers) {
  Controlled controlled;
  controlled.service.job("clicks").records = 7;
  controlled.start();
  const auto client = controlled.client();
  const auto status = client->ask_for<JobStatus>(GetStatus{.job = "clicks"});
  BOOST_REQUIRE_MESSAGE(status.is_ok(), status.status().message());
  BOOST_TEST(status.value().records == 7u);
  const auto missing = client->ask_for<JobStatus>(GetStatus{.job = "other"});
  BOOST_TEST((missing.status().code() == Code::not_found));
  BOOST_TEST(controlled.service.asked().front().client == "anonymous");
}

BOOST_AUTO_TEST_CASE(a_request_socket_is_answered_as_well) {
  Controlled controlled;
  controlled.start();
  RawAsker asker(controlled, net::SocketKind::request);
  asker.ask(5, ListJobs{});
  BOOST_TEST(asker.receive().id == 5u);
}

// For every kind of request and every client: the table decides, and nothing else.
BOOST_AUTO_TEST_CASE(each_client_may_do_what_its_roles_allow) {
  Controlled controlled;
  controlled.protect();
  controlled.start();
  const std::map<std::string, std::vector<ClientRole>> roles = {
      {"ops", {ClientRole::operate, ClientRole::read_metrics}},
      {"starter", {ClientRole::operate}},
      {"viewer", {ClientRole::read_metrics}},
      {"app", {}},
      {"root", {ClientRole::operate, ClientRole::read_metrics, ClientRole::admin}}};
  for (const auto& [id, has] : roles) {
    const auto client = controlled.client(id);
    for (const auto& request : example_requests()) {
      const auto& rule = rule_of(request.what);
      const bool is_allowed =
          std::ranges::any_of(has, [&](ClientRole role) { return rule.roles.names(role); });
      const auto before = controlled.service.asked().size();
      const auto code = code_of(client->ask(request.what));
      BOOST_TEST_CONTEXT(id << " asks " << rule.request) {
        BOOST_TEST((code == Code::permission_denied) == !is_allowed);
        BOOST_TEST(controlled.service.asked().size() - before == (is_allowed ? 1u : 0u));
        if (is_allowed) BOOST_TEST(controlled.service.asked().back().client == id);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stranger_is_refused_and_who_is_taken_out_of_the_policy_too) {
  Controlled controlled;
  controlled.protect();
  controlled.start();
  auto stranger = std::make_shared<CurveClientKeys>();
  stranger->own = make_curve_key_pair();
  stranger->server = controlled.options.security.server->public_key;
  auto client = ControlClient::connect(
      {.endpoint = controlled.endpoint(), .keys = stranger, .connect_timeout = 100ms});
  BOOST_TEST((code_of(client.value()->ask(GetVersion{})) == Code::permission_denied));
  auto nobody = ControlClient::connect(
      {.endpoint = controlled.endpoint(), .keys = {}, .connect_timeout = 100ms});
  BOOST_TEST((code_of(nobody.value()->ask(GetVersion{})) != Code::ok));

  const auto viewer = controlled.client("viewer");
  BOOST_TEST((code_of(viewer->ask(ListJobs{})) == Code::ok));
  AccessPolicy rest;
  const auto policy = AccessPolicy::parse(controlled.tree->text("policy.json"), "").value();
  for (const auto& known : policy.clients())
    if (known.id != "viewer") BOOST_REQUIRE(rest.put(known).is_ok());
  overwrite(controlled.tree->path("policy.json"), rest.text());
  Code code = Code::ok;
  for (int i = 0; i < 500 && code == Code::ok; ++i) {
    std::this_thread::sleep_for(20ms);
    code = code_of(viewer->ask(ListJobs{}));
  }
  BOOST_TEST((code == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(whoever_asks_is_told_as_whom_he_is_known) {
  Controlled controlled;
  controlled.protect();
  controlled.start();
  const auto info = controlled.client("ops")->ask_for<ServerFacts>(GetVersion{});
  BOOST_REQUIRE_MESSAGE(info.is_ok(), info.status().message());
  BOOST_TEST(info.value().client == "ops");
  BOOST_TEST(info.value().roles == (std::vector<std::string>{"read-metrics", "operate"}));
  BOOST_TEST(info.value().is_encrypted);
}

BOOST_AUTO_TEST_CASE(every_change_leaves_a_line_with_who_what_and_how_it_ended) {
  Controlled controlled;
  controlled.protect();
  controlled.service.job("clicks");
  controlled.start();
  const auto ops = controlled.client("ops");
  const auto viewer = controlled.client("viewer");
  CapturedErrors errors;
  BOOST_TEST((code_of(ops->ask(StopJob{.job = "clicks", .savepoint = ""})) == Code::ok));
  BOOST_TEST((code_of(ops->ask(StopJob{.job = "other", .savepoint = ""})) == Code::not_found));
  BOOST_TEST((code_of(viewer->ask(CancelJob{.job = "clicks"})) == Code::permission_denied));
  BOOST_TEST((code_of(viewer->ask(ListJobs{})) == Code::ok));
  controlled.server->stop();
  std::vector<std::string> lines;
  std::istringstream text(errors.text());
  for (std::string line; std::getline(text, line);)
    if (line.find("audit") != std::string::npos) lines.push_back(line);
  BOOST_TEST_REQUIRE(lines.size() == 3u);
  const auto has = [&](std::size_t line, const char* part) {
    BOOST_TEST(lines[line].find(part) != std::string::npos, lines[line] + " lacks " + part);
  };
  for (const auto* part : {"client=ops", "request=stop", "subject=clicks", "outcome=ok", "op-1"})
    has(0, part);
  for (const auto* part : {"subject=other", "outcome=not_found"}) has(1, part);
  for (const auto* part : {"client=viewer", "request=cancel", "outcome=permission_denied"})
    has(2, part);
}

BOOST_AUTO_TEST_CASE(a_slow_request_holds_nobody_up) {
  Controlled controlled;
  controlled.start();
  controlled.service.be_silent();
  RawAsker slow(controlled);
  slow.ask(1, ListWorkers{});
  slow.ask(2, ListJobs{});
  controlled.await_asked(2);
  controlled.service.listen_again();
  BOOST_TEST((code_of(controlled.client()->ask(ListJobs{})) == Code::ok));
  controlled.service.speak();
  BOOST_TEST(slow.receive().id + slow.receive().id == 3u);
}

BOOST_AUTO_TEST_CASE(a_deadline_is_kept_and_says_what_may_go_on) {
  Controlled controlled;
  controlled.start();
  controlled.service.be_silent();
  RawAsker asker(controlled);
  asker.ask(1, CancelJob{.job = "clicks"}, 30);
  const auto change = asker.receive_error(1);
  BOOST_TEST((change.code == Code::timed_out));
  BOOST_TEST(change.may_have_happened);
  BOOST_TEST(change.hint.find("millrace status") != std::string::npos);
  asker.ask(2, ListJobs{}, 30);
  BOOST_TEST(!asker.receive_error(2).may_have_happened);
  // Answers that come later reach nobody.
  controlled.service.speak();
  BOOST_TEST((code_of(controlled.client()->ask(ListJobs{})) == Code::ok));
  const auto stats = controlled.final_stats();
  BOOST_TEST(stats.timed_out == 2u);
  BOOST_TEST(stats.late == 2u);
  BOOST_TEST(stats.answered == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_that_gets_no_answer_is_told_that_it_may_go_on) {
  Controlled controlled;
  controlled.start();
  controlled.service.be_silent();
  // Sooner than the server's own word, which a busy server may not get out.
  controlled.options.deadline = 10s;
  const auto status = controlled.client("", 1ms)->ask(CancelJob{.job = "clicks"});
  BOOST_TEST((code_of(status) == Code::timed_out));
}

BOOST_AUTO_TEST_CASE(requests_beyond_a_clients_share_are_refused_at_once) {
  Controlled controlled;
  controlled.options.budget.in_flight_per_client_max = 2;
  controlled.start();
  controlled.service.be_silent();
  RawAsker asker(controlled);
  for (std::uint64_t id = 1; id <= 3; ++id) asker.ask(id, ListJobs{});
  BOOST_TEST((asker.receive_error(3).code == Code::resource_exhausted));
  controlled.service.speak();
  asker.receive();
  asker.receive();
  asker.ask(4, ListJobs{});
  BOOST_TEST(asker.receive().id == 4u);
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_answered_by_an_error) {
  Controlled controlled;
  controlled.start();
  RawAsker asker(controlled);
  asker.send(as_bytes("hello"));
  BOOST_TEST((asker.receive_error(0).code == Code::invalid_argument));
  asker.send({});
  BOOST_TEST((asker.receive_error(0).code == Code::invalid_argument));
  BOOST_TEST(controlled.service.asked().empty());
  asker.ask(9, ListJobs{});
  BOOST_TEST(asker.receive().id == 9u);
  BOOST_TEST(controlled.final_stats().malformed == 2u);
}

BOOST_AUTO_TEST_CASE(a_job_file_beyond_the_limit_is_refused_before_it_is_sent) {
  Controlled controlled;
  controlled.start();
  Submit submit;
  submit.yaml = std::string(limits::kControlRequestBytesMax, '#');
  BOOST_TEST((code_of(controlled.client()->ask(submit)) == Code::resource_exhausted));
}

BOOST_AUTO_TEST_CASE(an_open_port_without_keys_is_refused) {
  FakeService service;
  ControlServerOptions options;
  options.endpoint.host = "0.0.0.0";
  BOOST_TEST((ControlServer::start(options, service).status().code() == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(a_server_that_ends_answers_what_is_under_way) {
  Controlled controlled;
  controlled.start();
  controlled.service.be_silent();
  RawAsker asker(controlled);
  asker.ask(1, ListJobs{});
  controlled.await_asked(1);
  // Its answer was sent; a peer whose connection ends may drop what it has not read.
  const auto stats = controlled.final_stats();
  BOOST_TEST(stats.timed_out == 1u);
  BOOST_TEST(stats.undeliverable == 0u);
  controlled.service.speak();  // into a mailbox that nobody empties
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_unreachable) {
  Controlled controlled;
  controlled.start();
  const auto endpoint = controlled.endpoint();
  controlled.server.reset();
  auto client = ControlClient::connect({.endpoint = endpoint, .keys = {}, .connect_timeout = 50ms});
  BOOST_TEST((code_of(client.value()->ask(ListJobs{})) == Code::unreachable));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
