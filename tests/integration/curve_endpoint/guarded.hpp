// A prediction server with keys, made as keygen makes them, and clients that have some.
#pragma once

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "common/security/access_policy.hpp"
#include "common/security/cluster_keys.hpp"
#include "tests/integration/serving_endpoint/served.hpp"
#include "tests/unit/security/key_tree.hpp"

namespace millrace::test {

// Clients: `app` may predict, `ops` may not.
struct GuardedServer {
  GuardedServer() {
    tree.name_client("app", {ClientRole::predict});
    tree.name_client("ops", {ClientRole::operate, ClientRole::read_metrics});
    tree.make();
    tree.name_nobody();
    const auto keys = load_cluster_keys(
        {.folder = tree.path("nodes/worker-1").string(), .role = NodeRole::worker, .policy = {}},
        kNow);
    BOOST_REQUIRE_MESSAGE(keys.is_ok(), keys.status().message());
    options.security.server = keys.value().curve;
    options.policy_file = keys.value().policy_file;
    options.gate.refresh = std::chrono::milliseconds(20);
  }
  void start() {
    server = start_server(options);
    BOOST_REQUIRE(server->publish(example_model()).is_ok());
  }

  std::shared_ptr<const CurveClientKeys> keys_of(const std::string& id) const {
    auto keys = load_client_keys(tree.path("clients/" + id).string(), NodeRole::worker);
    BOOST_REQUIRE_MESSAGE(keys.is_ok(), keys.status().message());
    return keys.value();
  }
  // A pair that nobody put into a policy, for this server or another.
  std::shared_ptr<const CurveClientKeys> strange_keys(const CurvePublicKey& server_key) const {
    auto keys = std::make_shared<CurveClientKeys>();
    keys->own = make_curve_key_pair();
    keys->server = server_key;
    return keys;
  }
  const CurvePublicKey& server_key() const { return options.security.server->public_key; }

  std::unique_ptr<PredictionClient> connect_with(
      std::shared_ptr<const CurveClientKeys> keys,
      std::chrono::milliseconds connect_timeout = std::chrono::seconds(20)) const {
    auto client = PredictionClient::connect({.endpoint = endpoint_of(*server),
                                             .keys = std::move(keys),
                                             .connect_timeout = connect_timeout,
                                             .timeout = std::chrono::seconds(20)});
    BOOST_REQUIRE_MESSAGE(client.is_ok(), client.status().message());
    return std::move(client).value();
  }
  static Status ask(PredictionClient& client) {
    auto request = one_row();
    return client.predict(request).status();
  }
  // Of one who is not to be let in: does not wait for what will not come.
  Status refused(std::shared_ptr<const CurveClientKeys> keys) const {
    return ask(*connect_with(std::move(keys), std::chrono::milliseconds(100)));
  }
  void require_served(const std::string& id = "app") const {
    const Status status = ask(*connect_with(keys_of(id)));
    BOOST_REQUIRE_MESSAGE(status.is_ok(), status.message());
  }

  AccessPolicy policy() const {
    return AccessPolicy::parse(tree.text("policy.json"), "policy.json").value();
  }
  void write_policy(const std::string& text) const { overwrite(tree.path("policy.json"), text); }
  void take_out(const std::string& id) const {
    AccessPolicy rest;
    const AccessPolicy present = policy();
    for (const auto& client : present.clients()) {
      if (client.id != id) BOOST_REQUIRE(rest.put(client).is_ok());
    }
    write_policy(rest.text());
  }
  // The server's thread shows its counters after each round; a stop shows the last ones.
  ServingStats final_stats() const {
    server->stop();
    return server->stats();
  }

  KeyTree tree;
  PredictionServerOptions options;
  std::unique_ptr<PredictionServer> server;
};

// What is written to stderr while it lives.
class CapturedErrors {
 public:
  CapturedErrors() : saved_(::dup(STDERR_FILENO)) {
    BOOST_REQUIRE(saved_ >= 0 && std::freopen(path().c_str(), "w", stderr) != nullptr);
  }
  ~CapturedErrors() { restore(); }
  std::string text() {
    restore();
    return content_of(path());
  }

 private:
  std::string path() const { return (folder_.path() / "stderr").string(); }
  void restore() {
    if (saved_ < 0) return;
    std::fflush(stderr);
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
  }
  TemporaryFolder folder_;
  int saved_;
};

}  // namespace millrace::test
