#include <atomic>
#include <cstring>
#include <thread>

#include "tests/integration/serving_endpoint/served.hpp"

namespace millrace {
namespace {

using namespace millrace::test;

// Boost.Test's checks belong to the main thread: others count what is wrong.
using Failures = std::atomic<int>;

PredictionServerOptions listening_at(const net::Endpoint& endpoint) {
  PredictionServerOptions options;
  options.endpoint = endpoint;
  return options;
}

BOOST_AUTO_TEST_SUITE(integration_serving_endpoint)

BOOST_AUTO_TEST_CASE(concurrent_clients_get_what_the_version_predicts_bit_for_bit) {
  constexpr int kClients = 4;
  constexpr std::size_t kRows = 2'500;
  const auto server = start_server();
  const auto model = example_model();
  BOOST_REQUIRE(server->publish(model).is_ok());
  Failures failures = 0;
  std::vector<std::thread> clients;
  for (int id = 0; id < kClients; ++id) {
    clients.emplace_back([&, id] {
      const auto names = number_names(3);
      const auto batch = example_batch(kRows, 3, true, 100 + static_cast<std::uint64_t>(id));
      const auto direct = predict_directly(*model, batch);
      auto client = PredictionClient::connect({.endpoint = endpoint_of(*server)});
      RandomStream random(static_cast<std::uint64_t>(id));
      for (std::size_t row = 0; row < kRows;) {
        const std::size_t end = std::min(kRows, row + 1 + random.below(40));
        wire::PredictRequest request;
        request.probabilities = true;
        add_named_rows(batch, row, end, names, request);
        const auto reply = client.value()->predict(request);
        if (!reply.is_ok() || reply.value().predictions.size() != end - row) {
          ++failures;
          return;
        }
        for (const auto& prediction : reply.value().predictions) {
          const auto second = static_cast<float>(prediction.probabilities.at(1));
          if (std::memcmp(&second, &direct[row++], sizeof(float)) != 0) ++failures;
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  BOOST_TEST(failures == 0);
  server->stop();
  BOOST_TEST(server->stats().rows == kClients * kRows);
}

BOOST_AUTO_TEST_CASE(the_version_never_goes_back_while_new_ones_are_published) {
  constexpr std::uint64_t kVersions = 30;
  const auto server = start_server();
  std::vector<std::shared_ptr<const PublishedModel>> models;
  for (std::uint64_t v = 1; v <= kVersions; ++v) models.push_back(example_model({.version = v}));
  BOOST_REQUIRE(server->publish(models[0]).is_ok());
  Failures failures = 0;
  std::atomic<std::uint64_t> seen = 0;
  std::thread asking([&] {
    auto client = PredictionClient::connect({.endpoint = endpoint_of(*server)});
    while (seen < kVersions && failures == 0) {
      auto request = one_row();
      const auto reply = client.value()->predict(request);
      if (!reply.is_ok() || reply.value().version < seen) {
        ++failures;
      } else {
        seen = reply.value().version;
        seen.notify_all();
      }
    }
    seen.notify_all();
  });
  for (std::uint64_t v = 2; v <= kVersions; ++v) {
    // Each version is asked for before the next one comes.
    for (auto now = seen.load(); now + 1 < v && failures == 0; now = seen.load()) seen.wait(now);
    BOOST_TEST(server->publish(models[v - 1]).is_ok());
    BOOST_TEST(server->publish(models[v - 2]).is_ok());
  }
  asking.join();
  BOOST_TEST(failures == 0);
  BOOST_TEST(seen == kVersions);
}

BOOST_AUTO_TEST_CASE(a_rollback_is_answered_under_a_higher_revision) {
  const auto server = start_server();
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  BOOST_REQUIRE(server->publish(example_model({.version = 2})).is_ok());
  BOOST_REQUIRE(server->move_alias("example", {"production", VersionId(2), 1}).is_ok());
  const auto client = connect(*server);
  auto request = one_row();
  BOOST_TEST(client->predict(request).value().version == 2u);
  BOOST_REQUIRE(server->move_alias("example", {"production", VersionId(1), 2}).is_ok());
  const auto reply = client->predict(request);
  BOOST_TEST(reply.value().version == 1u);
  BOOST_TEST(reply.value().alias_revision == 2u);
  BOOST_TEST(
      (server->move_alias("example", {"production", VersionId(2), 1}).code() == Code::conflict));
}

BOOST_AUTO_TEST_CASE(a_plain_request_socket_is_answered) {
  const auto server = start_server();
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  RawClient client(*server, net::SocketKind::request);
  for (int i = 0; i < 3; ++i) {
    client.send({wire::encode(one_row()).value()});
    BOOST_TEST(!client.receive().error.has_value());
  }
  client.send({ByteView()});
  BOOST_TEST(client.receive().error->code == "invalid_argument");
}

BOOST_AUTO_TEST_CASE(malformed_messages_are_answered_with_structured_errors) {
  const auto server = start_server();
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  RawClient client(*server);
  const Bytes good = wire::encode(one_row()).value();
  const Bytes garbage(64, std::byte{0x5A});
  const std::vector<std::vector<ByteView>> malformed = {
      {garbage},
      {ByteView(good).first(good.size() - 8)},
      {ByteView(good).first(good.size() - 3)},
      {as_bytes("hello")},
      {good, good},
      {good, good, good, good, good, good},
  };
  for (const auto& frames : malformed) {
    client.send(frames);
    const auto reply = client.receive();
    BOOST_REQUIRE(reply.error.has_value());
    BOOST_TEST(reply.error->code == "invalid_argument");
    BOOST_TEST(!reply.error->hint.empty());
  }
  client.send({good});
  BOOST_TEST(!client.receive().error.has_value());
  server->stop();
  BOOST_TEST(server->stats().malformed == malformed.size());
}

BOOST_AUTO_TEST_CASE(an_oversized_frame_ends_only_its_own_connection) {
  const auto server = start_server();
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  RawClient oversized(*server);
  const Bytes frame(limits::kFrameBytesMax + 8);
  oversized.send({frame});
  const auto client = connect(*server);
  auto request = one_row();
  BOOST_TEST(client->predict(request).is_ok());
  BOOST_TEST(server->stats().malformed == 0u);
}

BOOST_AUTO_TEST_CASE(every_request_beyond_the_queue_is_answered_too) {
  constexpr int kRequests = 300;
  PredictionServerOptions options;
  options.queue_bytes_max = 1;
  const auto server = start_server(options);
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  const auto client = connect(*server);
  int predicted = 0, overloaded = 0;
  for (int i = 0; i < kRequests; ++i) {
    auto request = one_row();
    BOOST_REQUIRE(client->send(request).is_ok());
  }
  std::vector<bool> answered(kRequests + 1, false);
  for (int i = 0; i < kRequests; ++i) {
    const auto reply = client->receive();
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
    BOOST_REQUIRE(!answered.at(reply.value().id));
    answered[reply.value().id] = true;
    ++(reply.value().error ? overloaded : predicted);
    if (reply.value().error) BOOST_TEST(reply.value().error->code == "resource_exhausted");
  }
  BOOST_TEST(predicted + overloaded == kRequests);
  server->stop();
  BOOST_TEST(server->stats().overloaded == static_cast<std::uint64_t>(overloaded));
  BOOST_TEST(server->stats().requests == static_cast<std::uint64_t>(kRequests));
}

BOOST_AUTO_TEST_CASE(errors_of_the_server_become_statuses_of_the_client) {
  const auto server = start_server();
  const auto client = connect(*server);
  auto request = one_row();
  BOOST_TEST((client->predict(request).status().code() == Code::not_found));
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  request.version = 9;
  const auto reply = client->predict(request);
  BOOST_TEST((reply.status().code() == Code::not_found));
  BOOST_TEST(reply.status().hint() == "served versions: 1");
}

BOOST_AUTO_TEST_CASE(what_was_taken_is_answered_before_the_server_stops) {
  auto server = start_server();
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  const net::Endpoint endpoint = endpoint_of(*server);
  const auto client = connect(*server);
  auto request = one_row();
  BOOST_REQUIRE(client->predict(request).is_ok());
  for (int i = 0; i < 50; ++i) BOOST_REQUIRE(client->send(request).is_ok());
  server->stop();
  server->stop();
  const auto taken = server->stats().requests;
  server.reset();
  for (std::uint64_t i = 1; i < taken; ++i) {
    const auto reply = client->receive();
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
  }
  // The port is free again at once.
  const auto next = start_server(listening_at(endpoint));
  BOOST_TEST(next->endpoint() == endpoint.text());
}

BOOST_AUTO_TEST_CASE(a_port_in_use_and_an_open_door_are_refused) {
  const auto server = start_server();
  const auto second = PredictionServer::start(listening_at(endpoint_of(*server)));
  BOOST_TEST((second.status().code() == Code::conflict));
  const auto open = PredictionServer::start(listening_at({.host = "0.0.0.0", .port = 0}));
  BOOST_TEST((open.status().code() == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(nobody_there_and_nobody_answering_are_told_apart) {
  net::Context context;
  auto silent = net::Socket::bind(context, net::SocketKind::router, {});
  BOOST_REQUIRE(silent.is_ok());
  const std::chrono::milliseconds soon(30);
  PredictionClientOptions options{.endpoint = silent.value().endpoint()};
  options.timeout = soon;
  auto request = one_row();
  BOOST_TEST((PredictionClient::connect(options).value()->predict(request).status().code() ==
              Code::timed_out));
  { auto closed = std::move(silent).value(); }
  options.connect_timeout = soon;
  const auto reply = PredictionClient::connect(options).value()->predict(request);
  BOOST_TEST((reply.status().code() == Code::unreachable));
  BOOST_TEST(reply.status().message().find(options.endpoint.text()) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
