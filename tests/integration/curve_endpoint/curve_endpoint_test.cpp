#include <zmq.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "common/net/handshake_probe.hpp"
#include "tests/integration/curve_endpoint/guarded.hpp"

namespace millrace {
namespace {

using namespace millrace::test;

BOOST_FIXTURE_TEST_SUITE(integration_curve_endpoint, GuardedServer)

BOOST_AUTO_TEST_CASE(a_client_that_may_predict_is_answered) {
  start();
  const auto client = connect_with(keys_of("app"));
  auto request = one_row();
  const auto reply = client->predict(request);
  BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
  BOOST_TEST(reply.value().predictions.size() == 1u);
  BOOST_TEST(server->gate_stats().admitted == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_without_the_role_gets_an_error_that_says_so) {
  start();
  CapturedErrors errors;
  const Status status = ask(*connect_with(keys_of("ops")));
  BOOST_TEST((status.code() == Code::permission_denied));
  BOOST_TEST(status.message() == "client ops may not do this, which needs the role predict");
  const auto log = errors.text();
  BOOST_TEST(log.find("a request was refused client=ops") != std::string::npos, log);
  const auto stats = final_stats();
  BOOST_TEST(stats.denied == 1u);
  BOOST_TEST(stats.requests == 1u);
  BOOST_TEST(stats.predicted == 0u);
  BOOST_TEST(server->gate_stats().denied_requests == 1u);
}

BOOST_AUTO_TEST_CASE(an_administrator_may_predict) {
  tree.name_client("root", {ClientRole::admin});
  tree.make();
  start();
  require_served("root");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_not_in_the_policy_is_refused_and_told) {
  start();
  CapturedErrors errors;
  const auto keys = strange_keys(server_key());
  const Status status = refused(keys);
  BOOST_TEST((status.code() == Code::permission_denied));
  BOOST_TEST(status.message().find("refuses the key of this client") != std::string::npos);
  const auto log = errors.text();
  BOOST_TEST(log.find("its key is not in the policy") != std::string::npos, log);
  BOOST_TEST(log.find(keys->own.public_key.text()) != std::string::npos, log);
  BOOST_TEST(server->gate_stats().admitted == 0u);
  BOOST_TEST(server->gate_stats().unknown_keys > 0u);
  require_served();
  BOOST_TEST(final_stats().requests == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_without_keys_is_refused) {
  start();
  BOOST_TEST((refused(nullptr).code() == Code::permission_denied));
  require_served();
  BOOST_TEST(final_stats().requests == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_that_expects_another_server_is_refused) {
  start();
  const auto another = make_curve_key_pair();
  BOOST_TEST((refused(strange_keys(another.public_key)).code() == Code::unreachable));
  require_served();
  BOOST_TEST(final_stats().requests == 1u);
}

// The public halves are no secret: what counts is who has the other one.
BOOST_AUTO_TEST_CASE(a_public_key_of_the_policy_without_its_secret_is_refused) {
  start();
  auto keys = std::make_shared<CurveClientKeys>();
  keys->own = {.public_key = keys_of("app")->own.public_key,
               .secret = Secret(make_curve_key_pair().secret.bytes())};
  keys->server = server_key();
  BOOST_TEST(!refused(keys).is_ok());
  BOOST_TEST(server->gate_stats().admitted == 0u);
  require_served();
}

BOOST_AUTO_TEST_CASE(a_client_with_a_name_and_a_password_is_refused) {
  start();
  void* context = zmq_ctx_new();
  void* client = zmq_socket(context, ZMQ_DEALER);
  const int linger = 0;
  zmq_setsockopt(client, ZMQ_LINGER, &linger, sizeof(linger));
  zmq_setsockopt(client, ZMQ_PLAIN_USERNAME, "admin", 5);
  zmq_setsockopt(client, ZMQ_PLAIN_PASSWORD, "admin", 5);
  BOOST_REQUIRE(zmq_socket_monitor(client, "inproc://events",
                                   ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) == 0);
  void* events = zmq_socket(context, ZMQ_PAIR);
  BOOST_REQUIRE(zmq_connect(events, "inproc://events") == 0);
  BOOST_REQUIRE(zmq_connect(client, server->endpoint().c_str()) == 0);
  std::uint16_t event = 0;
  char content[64];
  BOOST_REQUIRE(zmq_recv(events, content, sizeof(content), 0) >= 6);
  std::memcpy(&event, content, sizeof(event));
  BOOST_TEST(
      (event & (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)) != 0);
  zmq_close(events);
  zmq_close(client);
  zmq_ctx_term(context);
  require_served();
  BOOST_TEST(final_stats().requests == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_with_keys_does_not_tell_them_to_a_server_without) {
  options = {};
  server = start_server();
  const Status status = refused(keys_of("app"));
  BOOST_TEST((status.code() == Code::permission_denied));
  BOOST_TEST(status.message().find("does not use keys") != std::string::npos);
  BOOST_TEST(final_stats().requests == 0u);
}

BOOST_AUTO_TEST_CASE(who_is_taken_out_of_the_policy_is_refused_on_the_connection_that_stands) {
  start();
  const auto client = connect_with(keys_of("app"));
  BOOST_REQUIRE(ask(*client).is_ok());
  take_out("app");
  Status status = ask(*client);
  while (status.is_ok()) status = ask(*client);
  BOOST_TEST((status.code() == Code::permission_denied));
  BOOST_TEST(status.message().find("not in the server's policy any more") != std::string::npos);
  // And on a new one.
  BOOST_TEST((refused(keys_of("app")).code() == Code::permission_denied));
  BOOST_TEST(server->gate_stats().reloads == 1u);
}

BOOST_AUTO_TEST_CASE(a_role_that_is_given_or_taken_holds_for_the_connection_that_stands) {
  start();
  const auto client = connect_with(keys_of("ops"));
  BOOST_TEST((ask(*client).code() == Code::permission_denied));
  AccessPolicy changed = policy();
  PolicyClient ops = *changed.find("ops");
  ops.roles.add(ClientRole::predict);
  BOOST_REQUIRE(changed.put(ops).is_ok());
  const auto before = tree.text("policy.json");
  write_policy(changed.text());
  Status status = ask(*client);
  while (!status.is_ok()) status = ask(*client);
  write_policy(before);
  while (status.is_ok()) status = ask(*client);
  BOOST_TEST((status.code() == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(a_client_that_is_added_is_let_in_without_a_restart) {
  start();
  tree.name_client("late", {ClientRole::predict});
  tree.make();
  while (server->gate_stats().reloads == 0) std::this_thread::yield();
  require_served("late");
}

BOOST_AUTO_TEST_CASE(a_key_can_be_changed_while_both_are_valid) {
  start();
  const auto old_keys = keys_of("app");
  const auto client = connect_with(old_keys);
  const auto new_keys = strange_keys(server_key());
  AccessPolicy both = policy();
  PolicyClient app = *both.find("app");
  app.keys.push_back(new_keys->own.public_key);
  BOOST_REQUIRE(both.put(app).is_ok());
  write_policy(both.text());
  while (server->gate_stats().reloads == 0) std::this_thread::yield();
  const auto second = connect_with(new_keys);
  BOOST_TEST(ask(*client).is_ok());
  BOOST_TEST(ask(*second).is_ok());
  app.keys.erase(app.keys.begin());
  BOOST_REQUIRE(both.put(app).is_ok());
  write_policy(both.text());
  while (server->gate_stats().reloads == 1) std::this_thread::yield();
  BOOST_TEST((ask(*client).code() == Code::permission_denied));
  BOOST_TEST(ask(*second).is_ok());
}

BOOST_AUTO_TEST_CASE(an_edit_that_goes_wrong_opens_nothing_and_shuts_nobody_out) {
  start();
  CapturedErrors errors;
  const auto client = connect_with(keys_of("app"));
  write_policy("{\"format_version\": 1, \"clients\": [");
  while (server->gate_stats().failed_reloads == 0) std::this_thread::yield();
  BOOST_TEST(ask(*client).is_ok());
  BOOST_TEST((refused(strange_keys(server_key())).code() == Code::permission_denied));
  const auto log = errors.text();
  BOOST_TEST(log.find("the one before stays in force") != std::string::npos, log);
}

BOOST_AUTO_TEST_CASE(without_a_policy_that_can_be_read_the_server_does_not_start) {
  write_policy("");
  BOOST_TEST((PredictionServer::start(options).status().code() == Code::invalid_argument));
  options.policy_file = tree.path("absent.json").string();
  BOOST_TEST((PredictionServer::start(options).status().code() == Code::not_found));
  options.policy_file = "";
  BOOST_TEST(!PredictionServer::start(options).is_ok());
}

BOOST_AUTO_TEST_CASE(many_failed_handshakes_do_not_shut_out_a_good_client) {
  constexpr int kAttackers = 4, kHandshakes = 250;
  start();
  CapturedErrors errors;
  std::atomic<int> admitted = 0;
  std::vector<std::thread> attackers;
  for (int i = 0; i < kAttackers; ++i) {
    attackers.emplace_back([&] {
      net::Context context;
      for (int n = 0; n < kHandshakes; ++n) {
        net::SocketOptions socket_options;
        socket_options.security.client = strange_keys(server_key());
        const auto status = net::explain_unreachable(context, endpoint_of(*server), socket_options,
                                                     std::chrono::seconds(20));
        if (status.code() != Code::permission_denied) ++admitted;
      }
    });
  }
  const auto client = connect_with(keys_of("app"));
  int asked = 0;
  Status status;
  while (status.is_ok() && server->gate_stats().unknown_keys < kAttackers * kHandshakes) {
    status = ask(*client);
    if (++asked % 50 == 0) require_served();
  }
  for (auto& attacker : attackers) attacker.join();
  BOOST_TEST(status.is_ok(), status.message());
  BOOST_TEST(admitted == 0);
  BOOST_TEST(asked > 0);
  // Each is counted; the log is not flooded.
  BOOST_TEST(server->gate_stats().unknown_keys == kAttackers * kHandshakes);
  const auto log = errors.text();
  const auto lines = std::count(log.begin(), log.end(), '\n');
  BOOST_TEST(lines < kAttackers * kHandshakes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
