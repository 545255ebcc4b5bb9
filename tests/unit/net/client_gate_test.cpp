#include "common/net/client_gate.hpp"

#include <zmq.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "common/net/handshake_probe.hpp"
#include "common/net/zmtp_greeting.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace::net {
namespace {

using security::ClientRole;

constexpr std::chrono::seconds kWait{20};

std::shared_ptr<const security::CurveKeyPair> make_pair() {
  return std::make_shared<const security::CurveKeyPair>(security::make_curve_key_pair());
}

// A server with a gate, whose policy knows one client.
struct Guarded {
  Guarded() {
    write_policy(R"("predict")");
    watched = security::WatchedPolicy::open((folder.path() / "policy.json").string()).value();
  }
  void write_policy(const std::string& roles) const {
    folder.write("policy.json", R"({"format_version": 1, "clients": [{"id": "app", "roles": [)" +
                                    roles + R"(], "keys": [")" +
                                    client_keys->own.public_key.text() + R"("]}]})");
  }
  void start_gate(const GateOptions& options = {}) {
    auto started = ClientGate::start(context, watched, options);
    BOOST_REQUIRE_MESSAGE(started.is_ok(), started.status().message());
    gate = std::move(started).value();
  }
  void bind() {
    SocketOptions options;
    options.security.server = server_keys;
    auto bound = Socket::bind(context, SocketKind::router, Endpoint{}, options);
    BOOST_REQUIRE_MESSAGE(bound.is_ok(), bound.status().message());
    server.emplace(std::move(bound).value());
  }
  Status probe(const SocketSecurity& security) const {
    SocketOptions options;
    options.security = security;
    Context other;
    return explain_unreachable(other, server->endpoint(), options, kWait);
  }
  // What the server receives from a client with these keys.
  std::vector<Message> receive_from(std::shared_ptr<const security::CurveClientKeys> keys) {
    SocketOptions options;
    options.security.client = std::move(keys);
    auto client = Socket::connect(clients, SocketKind::dealer, server->endpoint(), options).value();
    BOOST_REQUIRE(client.wait(Socket::Event::writable, kWait).value());
    Message message(as_bytes("hello"));
    BOOST_REQUIRE(client.try_send(std::span(&message, 1)).value());
    BOOST_REQUIRE(server->wait(Socket::Event::readable, kWait).value());
    std::vector<Message> parts;
    BOOST_REQUIRE(server->try_receive(parts).value() == 2u);
    return parts;
  }

  static std::shared_ptr<const security::CurveClientKeys> client_of(
      const security::CurvePublicKey& server_key) {
    auto keys = std::make_shared<security::CurveClientKeys>();
    keys->own = security::make_curve_key_pair();
    keys->server = server_key;
    return keys;
  }

  test::TemporaryFolder folder;
  std::shared_ptr<const security::CurveKeyPair> server_keys = make_pair();
  std::shared_ptr<const security::CurveClientKeys> client_keys = client_of(server_keys->public_key);
  std::shared_ptr<security::WatchedPolicy> watched;
  Context clients;
  Context context;
  std::unique_ptr<ClientGate> gate;
  std::optional<Socket> server;
};

BOOST_FIXTURE_TEST_SUITE(common_net_client_gate, Guarded)

BOOST_AUTO_TEST_CASE(a_message_says_whose_key_sent_it) {
  start_gate();
  bind();
  const auto parts = receive_from(client_keys);
  BOOST_TEST(parts.back().sender() == client_keys->own.public_key.text());
  BOOST_TEST(gate->stats().admitted == 1u);
  ClientGate::Guard guard(*gate);
  BOOST_TEST(guard.authorize(parts.back(), {ClientRole::predict}).is_ok());
}

BOOST_AUTO_TEST_CASE(a_role_that_is_not_had_is_refused_counted_and_named) {
  start_gate();
  bind();
  const auto parts = receive_from(client_keys);
  ClientGate::Guard guard(*gate);
  const Status refused = guard.authorize(parts.back(), {ClientRole::operate});
  BOOST_TEST((refused.code() == Code::permission_denied), refused.message());
  BOOST_TEST(refused.message() == "client app may not do this, which needs the role operate");
  BOOST_TEST(gate->stats().denied_requests == 1u);
}

BOOST_AUTO_TEST_CASE(a_change_of_the_policy_holds_for_connections_that_stand) {
  start_gate();
  bind();
  const auto parts = receive_from(client_keys);
  ClientGate::Guard guard(*gate);
  BOOST_TEST(guard.authorize(parts.back(), {ClientRole::predict}).is_ok());
  // The gate's own thread looks at the file too; whoever comes first reads it.
  folder.write("policy.json", R"({"format_version": 1, "clients": []})");
  while (watched->current()->find("app") != nullptr) std::this_thread::yield();
  const Status refused = guard.authorize(parts.back(), {ClientRole::predict});
  BOOST_TEST((refused.code() == Code::permission_denied), refused.message());
  BOOST_TEST(refused.message().find("any more") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_message_without_a_sender_is_refused) {
  start_gate();
  ClientGate::Guard guard(*gate);
  const Message message(as_bytes("hello"));
  BOOST_TEST(message.sender().empty());
  BOOST_TEST((guard.authorize(message, {ClientRole::predict}).code() == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_not_in_the_policy_gets_no_connection) {
  start_gate();
  bind();
  const Status refused = probe({.client = client_of(server_keys->public_key)});
  BOOST_TEST((refused.code() == Code::permission_denied), refused.message());
  BOOST_TEST(refused.message().find("refuses the key of this client") != std::string::npos);
  BOOST_TEST(gate->stats().unknown_keys == 1u);
  BOOST_TEST(gate->stats().admitted == 0u);
}

BOOST_AUTO_TEST_CASE(without_a_gate_nobody_connects) {
  bind();
  const Status refused = probe({.client = client_keys});
  BOOST_TEST((refused.code() == Code::unreachable));
  BOOST_TEST(refused.message().find("ended the connection") != std::string::npos,
             refused.message());
}

BOOST_AUTO_TEST_CASE(after_the_gate_has_ended_nobody_connects) {
  start_gate();
  bind();
  receive_from(client_keys);
  gate.reset();
  const Status refused = probe({.client = client_keys});
  BOOST_TEST((refused.code() == Code::unreachable), refused.message());
}

BOOST_AUTO_TEST_CASE(a_client_without_keys_is_told_that_it_needs_some) {
  start_gate();
  bind();
  const Status refused = probe({});
  BOOST_TEST((refused.code() == Code::permission_denied), refused.message());
  BOOST_TEST(refused.message().find("admits only clients with keys") != std::string::npos);
  BOOST_TEST(refused.hint().find("--keys") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_client_with_keys_does_not_speak_with_a_server_without) {
  server.emplace(Socket::bind(context, SocketKind::router, Endpoint{}).value());
  const Status refused = probe({.client = client_keys});
  BOOST_TEST((refused.code() == Code::permission_denied), refused.message());
  BOOST_TEST(refused.message().find("does not use keys") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_client_that_expects_another_server_is_told_where_to_look) {
  start_gate();
  bind();
  const Status refused = probe({.client = client_of(make_pair()->public_key)});
  BOOST_TEST((refused.code() == Code::unreachable));
  BOOST_TEST(refused.hint().find("server's public key") != std::string::npos);
  BOOST_TEST(gate->stats().admitted + gate->stats().unknown_keys == 0u);
}

BOOST_AUTO_TEST_CASE(a_server_says_whether_it_uses_keys) {
  server.emplace(Socket::bind(context, SocketKind::router, Endpoint{}).value());
  BOOST_TEST(ask_mechanism(server->endpoint(), kWait).value_or("") == "NULL");
  start_gate();
  bind();
  BOOST_TEST(ask_mechanism(server->endpoint(), kWait).value_or("") == "CURVE");
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_told_as_such) {
  Endpoint endpoint;
  {
    Context gone;  // whose end closes the port; that of a socket only begins to
    endpoint = Socket::bind(gone, SocketKind::router, Endpoint{}).value().endpoint();
  }
  Context other;
  const Status nobody = explain_unreachable(other, endpoint, {}, std::chrono::milliseconds(200));
  BOOST_TEST((nobody.code() == Code::unreachable));
  BOOST_TEST(nobody.message().find("nobody takes requests at") == 0u, nobody.message());
}

BOOST_AUTO_TEST_CASE(a_second_gate_of_one_context_is_a_conflict) {
  start_gate();
  BOOST_TEST((ClientGate::start(context, watched).status().code() == Code::conflict));
}

BOOST_AUTO_TEST_CASE(keys_allow_to_listen_beyond_this_machine) {
  SocketOptions options;
  options.security.server = server_keys;
  const Endpoint elsewhere{.host = "192.0.2.1", .port = 0};
  // Refused by the kernel, whose address this is not, no longer by the rule.
  BOOST_TEST((Socket::bind(context, SocketKind::router, elsewhere, options).status().code() ==
              Code::invalid_argument));
}

// Questions that libzmq would not ask for a server of ours, put to the gate by hand.
BOOST_AUTO_TEST_CASE(a_question_that_is_not_ours_is_answered_with_no) {
  start_gate();
  const std::string key(as_text(client_keys->own.public_key.bytes()));
  const std::vector<std::vector<std::string>> questions = {
      {"1.0", "1", "millrace", "127.0.0.1", "", "NULL"},
      {"1.0", "1", "millrace", "127.0.0.1", "", "PLAIN", "name", "password"},
      {"1.0", "1", "millrace", "127.0.0.1", "", "CURVE"},
      {"1.0", "1", "millrace", "127.0.0.1", "", "CURVE", key, "more"},
      {"1.0", "1", "millrace", "127.0.0.1", "", "CURVE", key.substr(1)},
      {"1.0", "1", "another", "127.0.0.1", "", "CURVE", key},
      {"1.0", "1", "", "127.0.0.1", "", "CURVE", key},
      {"2.0", "1", "millrace", "127.0.0.1", "", "CURVE", key},
      {"1.0", "1", "millrace", "127.0.0.1", "", "curve", key},
      {"1.0"},
      {""},
  };
  void* asking = zmq_socket(context.handle(), ZMQ_REQ);
  BOOST_REQUIRE(zmq_connect(asking, "inproc://zeromq.zap.01") == 0);
  const auto ask = [&](const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
      BOOST_REQUIRE(zmq_send(asking, frames[i].data(), frames[i].size(), more) >= 0);
    }
    std::vector<std::string> answer;
    for (int more = 1; more != 0;) {
      char buffer[256];
      const int size = zmq_recv(asking, buffer, sizeof(buffer), 0);
      BOOST_REQUIRE(size >= 0);
      answer.emplace_back(buffer, static_cast<std::size_t>(size));
      std::size_t more_size = sizeof(more);
      zmq_getsockopt(asking, ZMQ_RCVMORE, &more, &more_size);
    }
    BOOST_REQUIRE(answer.size() == 6u);
    return answer;
  };
  for (const auto& question : questions) {
    const auto answer = ask(question);
    BOOST_TEST(answer[2] == "500");
    BOOST_TEST(answer[4].empty());
  }
  BOOST_TEST(gate->stats().malformed == questions.size());
  const auto answer = ask({"1.0", "77", "millrace", "127.0.0.1", "", "CURVE", key});
  BOOST_TEST(answer[1] == "77");
  BOOST_TEST(answer[2] == "200");
  BOOST_TEST(answer[4] == client_keys->own.public_key.text());
  zmq_close(asking);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::net
