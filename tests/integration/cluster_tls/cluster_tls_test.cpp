// Who may connect with the actors of a cluster, and who may not.
#include <atomic>
#include <fstream>
#include <thread>

#include "common/actors/join_gate.hpp"
#include "tests/integration/cluster_tls/cluster_keys.hpp"
#include "tests/integration/cluster_tls/tls_client.hpp"

namespace millrace {
namespace {

using test::ClusterFolder, test::PlainPeer, test::start_system;

constexpr std::chrono::milliseconds kPatience{30'000};

cluster_registry::behavior_type count_ticks(std::shared_ptr<std::atomic<int>> ticks) {
  return {[](const AskToJoin&) {},
          [](const JoinCluster&) {},
          [](const JobOpened&) {},
          [](const JobPrepared&) {},
          [](const ServingNews&) {},
          [](const LeaveCluster&) {},
          [ticks](const WorkerTick&) { ++*ticks; }};
}

// A coordinator's node that counts what it hears.
class Listener {
 public:
  explicit Listener(std::shared_ptr<const security::NodeCredentials> credentials)
      : system_(start_system(std::move(credentials))),
        actor_(system_->actors().spawn(count_ticks, ticks_)) {
    const auto port = system_->publish(actor_, {"127.0.0.1", 0});
    BOOST_REQUIRE_MESSAGE(port.is_ok(), port.status().message());
    port_ = port.value();
  }
  ~Listener() { caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }
  bool hears(int ticks) const {
    for (int i = 0; i < 3'000 && *ticks_ < ticks; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return *ticks_ >= ticks;
  }
  bool is_linked(ClusterSystem& other) const {
    return system_->has_direct_link(other.actors().node());
  }
  // Whether a node of the cluster still gets through.
  bool is_well(const ClusterFolder& folder) const {
    const auto system = start_system(folder.credentials("worker-2"));
    auto found = system->connect<cluster_registry>({"127.0.0.1", port_}, kPatience);
    if (!found.is_ok()) return false;
    const int before = *ticks_;
    caf::anon_send(found.value(), WorkerTick{WorkerId(2), 0});
    return hears(before + 1);
  }

 private:
  std::shared_ptr<std::atomic<int>> ticks_ = std::make_shared<std::atomic<int>>(0);
  std::unique_ptr<ClusterSystem> system_;
  cluster_registry actor_;
  std::uint16_t port_ = 0;
};

test::TlsSettings settings_of(const ClusterFolder& folder, const std::string& node) {
  return {folder.file("nodes/" + node + "/node.crt"), folder.file("nodes/" + node + "/node.key")};
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string write_text(const std::string& path, std::string_view text) {
  std::ofstream(path) << text;
  return path;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_cluster_tls)

BOOST_AUTO_TEST_CASE(a_node_of_the_cluster_is_admitted) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  BOOST_TEST(listener.is_well(folder));
  BOOST_TEST(PlainPeer(listener.port()).is_admitted(settings_of(folder, "worker-1")));
}

BOOST_AUTO_TEST_CASE(whoever_shows_no_certificate_is_refused) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  BOOST_TEST(!PlainPeer(listener.port()).is_admitted({}));
  BOOST_TEST(listener.is_well(folder));
}

BOOST_AUTO_TEST_CASE(a_certificate_of_another_authority_is_refused) {
  const ClusterFolder folder, other;
  const Listener listener(folder.credentials("coordinator"));
  BOOST_TEST(!PlainPeer(listener.port()).is_admitted(settings_of(other, "worker-1")));
  const auto stranger = start_system(other.credentials("worker-1"));
  const auto found = stranger->connect<cluster_registry>({"127.0.0.1", listener.port()}, kPatience);
  BOOST_TEST((found.status().code() == Code::unreachable), found.status().message());
  BOOST_TEST(listener.is_well(folder));
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_is_refused) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  const auto read_secret = [](const std::string& path) {
    return security::Secret(as_bytes(read_text(path)));
  };
  const security::Certified authority{read_text(folder.file("ca/ca.crt")),
                                      read_secret(folder.file("ca/ca.key"))};
  const auto settings = settings_of(folder, "worker-1");
  const auto made = [&](std::chrono::sys_seconds at) {
    const auto certificate = security::make_node_certificate(
        authority, read_secret(settings.key), {security::NodeRole::worker, "worker-1"},
        security::kNodeDaysMin, at);
    BOOST_REQUIRE_MESSAGE(certificate.is_ok(), certificate.status().message());
    return write_text(folder.file("made.crt"), certificate.value());
  };
  const auto now = test::wall_now();
  const auto expired = made(now - security::kNodeDaysMin - std::chrono::hours(1));
  BOOST_TEST(!PlainPeer(listener.port()).is_admitted({expired, settings.key}));
  const auto valid = made(now);
  BOOST_TEST(PlainPeer(listener.port()).is_admitted({valid, settings.key}));
}

BOOST_AUTO_TEST_CASE(a_self_signed_certificate_is_refused) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  const auto key = security::make_private_key();
  const auto certificate = security::make_authority_certificate(key, test::wall_now());
  BOOST_REQUIRE(certificate.is_ok());
  BOOST_TEST(!PlainPeer(listener.port())
                  .is_admitted({write_text(folder.file("own.crt"), certificate.value()),
                                write_text(folder.file("own.key"), key.text())}));
  BOOST_TEST(listener.is_well(folder));
}

BOOST_AUTO_TEST_CASE(tls_before_1_2_is_refused) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  auto settings = settings_of(folder, "worker-1");
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    settings.newest_version = version;
    BOOST_TEST(!PlainPeer(listener.port()).is_admitted(settings));
  }
  settings.newest_version = TLS1_2_VERSION;
  BOOST_TEST(PlainPeer(listener.port()).is_admitted(settings));
}

BOOST_AUTO_TEST_CASE(a_peer_without_tls_is_refused_whatever_it_claims) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  const auto plain = start_system(nullptr);
  const auto found = plain->connect<cluster_registry>({"127.0.0.1", listener.port()}, kPatience);
  BOOST_TEST((found.status().code() == Code::unreachable), found.status().message());
  BOOST_TEST(listener.is_well(folder));
}

// BASP's header: operation, padding, flags, length of the payload, data and two actors.
BOOST_AUTO_TEST_CASE(a_header_that_asks_for_4_gib_before_tls_costs_nothing) {
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  BOOST_TEST(listener.is_well(folder));
  std::string header(72, '\0');
  for (std::size_t at = 4; at < 8; ++at) header[at] = '\xFF';
  const auto before = resident_bytes();
  for (int i = 0; i < 8; ++i) BOOST_TEST(!PlainPeer(listener.port()).is_answered(header));
  for (int i = 0; i < 8; ++i) {
    BOOST_TEST(!PlainPeer(listener.port()).is_answered(std::string(72, '\xFF')));
  }
  const auto after = resident_bytes();
  BOOST_TEST(after < before + (std::size_t{1} << 20));
  BOOST_TEST(listener.is_well(folder));
}

// CAF reads its files for every connection, and would end the process without them.
BOOST_AUTO_TEST_CASE(a_link_outlives_the_failures_of_others) {
  constexpr int kRounds = 40;
  const ClusterFolder folder;
  const Listener listener(folder.credentials("coordinator"));
  const auto member = start_system(folder.credentials("worker-1"));
  const auto found = member->connect<cluster_registry>({"127.0.0.1", listener.port()}, kPatience);
  BOOST_REQUIRE_MESSAGE(found.is_ok(), found.status().message());
  int said = 0;
  const auto say_and_look = [&] {
    // A reader that finds nothing more is the one that would take another's error for its own.
    caf::anon_send(found.value(), WorkerTick{WorkerId(1), 0});
    BOOST_TEST_REQUIRE(listener.hears(++said));
    BOOST_TEST_REQUIRE(listener.is_linked(*member));
    BOOST_TEST_REQUIRE(member->has_direct_link(found.value().node()));
  };
  for (int round = 0; round < kRounds; ++round) {
    // Its process is killed: the connection ends without TLS having been told.
    BOOST_TEST(PlainPeer(listener.port()).is_admitted(settings_of(folder, "worker-2")));
    say_and_look();
    BOOST_TEST(!PlainPeer(listener.port()).is_admitted({}));
    say_and_look();
    BOOST_TEST(!PlainPeer(listener.port()).is_answered("GET / HTTP/1.0\r\n\r\n"));
    say_and_look();
  }
}

BOOST_AUTO_TEST_CASE(files_that_go_away_later_are_not_missed) {
  auto folder = std::make_unique<ClusterFolder>();
  const Listener listener(folder->credentials("coordinator"));
  const auto system = start_system(folder->credentials("worker-1"));
  folder.reset();
  auto found = system->connect<cluster_registry>({"127.0.0.1", listener.port()}, kPatience);
  BOOST_REQUIRE_MESSAGE(found.is_ok(), found.status().message());
  caf::anon_send(found.value(), WorkerTick{WorkerId(2), 0});
  BOOST_TEST(listener.hears(1));
}

BOOST_AUTO_TEST_CASE(without_keys_actors_stay_on_this_machine) {
  const auto system = start_system(nullptr);
  auto actor = system->actors().spawn(count_ticks, std::make_shared<std::atomic<int>>());
  for (const char* host : {"*", "0.0.0.0", "192.0.2.1"}) {
    BOOST_TEST((system->publish(actor, {host, 0}).status().code() == Code::permission_denied));
  }
  const auto away = system->connect<cluster_registry>({"192.0.2.1", 4700}, kPatience);
  BOOST_TEST((away.status().code() == Code::permission_denied));
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(keys_that_are_incomplete_start_nothing) {
  for (const char* file : {"ca.crt", "node.crt", "node.key"}) {
    const ClusterFolder folder;
    auto keys = folder.keys("worker-1");
    std::filesystem::remove(folder.file(std::string("nodes/worker-1/") + file));
    BOOST_TEST(!security::NodeCredentials::hold(keys, test::wall_now()).is_ok());
    BOOST_TEST(
        !security::load_cluster_keys(
             {folder.file("nodes/worker-1"), security::NodeRole::worker, ""}, test::wall_now())
             .is_ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Who joins

namespace {

worker_host::behavior_type hear_nothing() {
  return {[](const JoinChallenge&) {}, [](const Welcome&) {},      [](const JoinRefused&) {},
          [](const OpenJob&) {},       [](const CloseJob&) {},     [](const PrepareJob&) {},
          [](const ServeVersion&) {},  [](const Drain&) {},        [](const Released&) {},
          [](const WorkerTick&) {},    [](const VolumeOffered&) {}};
}

// Both halves of the handshake, without a connection.
struct Handshake {
  Handshake(CredentialsPtr coordinator, CredentialsPtr worker)
      : system(start_system(nullptr)),
        host(system->actors().spawn(hear_nothing)),
        gate(std::move(coordinator), system->actors().node()),
        prover(std::move(worker), system->actors().node()) {}
  ~Handshake() { caf::anon_send_exit(host, caf::exit_reason::user_shutdown); }

  Result<JoinCluster> join(const std::string& name) {
    const auto challenge = gate.challenge({WorkerId(7), prover.begin(), host});
    MILLRACE_ASSIGN(auto proof,
                    prover.answer(challenge, system->actors().node(), test::wall_now()));
    WorkerOutline outline;
    outline.id = WorkerId(7);
    outline.name = name;
    return JoinCluster{outline, std::move(proof), {}, host};
  }
  Code code_of(const std::string& name) {
    auto joined = join(name);
    return joined.is_ok() ? gate.check(joined.value(), test::wall_now()).code()
                          : joined.status().code();
  }

  std::unique_ptr<ClusterSystem> system;
  worker_host host;
  JoinGate gate;
  JoinProver prover;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(common_actors_join_gate)

BOOST_AUTO_TEST_CASE(a_worker_joins_under_the_name_of_its_certificate_only) {
  const ClusterFolder folder;
  Handshake handshake(folder.credentials("coordinator"), folder.credentials("worker-1"));
  BOOST_TEST((handshake.code_of("worker-1") == Code::ok));
  BOOST_TEST((handshake.code_of("worker-2") == Code::permission_denied));
  BOOST_TEST((handshake.code_of("coordinator") == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(roles_cannot_be_swapped) {
  const ClusterFolder folder;
  Handshake no_worker(folder.credentials("coordinator"), folder.credentials("coordinator"));
  BOOST_TEST((no_worker.code_of("coordinator") == Code::permission_denied));
  Handshake no_coordinator(folder.credentials("worker-2"), folder.credentials("worker-1"));
  BOOST_TEST((no_coordinator.code_of("worker-1") == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(a_proof_counts_once_and_for_one_question) {
  const ClusterFolder folder;
  Handshake handshake(folder.credentials("coordinator"), folder.credentials("worker-1"));
  const auto joined = handshake.join("worker-1");
  BOOST_REQUIRE(joined.is_ok());
  BOOST_TEST(handshake.gate.check(joined.value(), test::wall_now()).is_ok());
  BOOST_TEST((handshake.gate.check(joined.value(), test::wall_now()).code() == Code::conflict));
  // The old proof under a new challenge.
  (void)handshake.gate.challenge({WorkerId(7), handshake.prover.begin(), handshake.host});
  BOOST_TEST(
      (handshake.gate.check(joined.value(), test::wall_now()).code() == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(a_cluster_with_keys_takes_nobody_without) {
  const ClusterFolder folder, other;
  Handshake no_keys(folder.credentials("coordinator"), nullptr);
  BOOST_TEST((no_keys.code_of("worker-1") == Code::permission_denied));
  Handshake open(nullptr, folder.credentials("worker-1"));
  BOOST_TEST((open.code_of("worker-1") == Code::permission_denied));
  Handshake strangers(folder.credentials("coordinator"), other.credentials("worker-1"));
  BOOST_TEST((strangers.code_of("worker-1") == Code::permission_denied));
  Handshake both_open(nullptr, nullptr);
  BOOST_TEST((both_open.code_of("worker-1") == Code::ok));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
