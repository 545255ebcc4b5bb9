#include "common/actors/cluster_system.hpp"

#include <openssl/ssl.h>

#include <caf/io/all.hpp>
#include <caf/openssl/manager.hpp>

#include "common/actors/tls_portal.hpp"
#include "common/net/reachability.hpp"

namespace millrace {
namespace {

using security::NodeCredentials;
using std::chrono::milliseconds;

// OpenSSL's: 112 bits at least, no SHA-1, and so nothing older than TLS 1.2.
constexpr int kTlsLevelMin = 2;
// What the library itself takes at most.
constexpr milliseconds kPortalTimeout{10'000};

struct Config : caf::actor_system_config {
  explicit Config(const ClusterSystemOptions& options) {
    load<caf::io::middleman>();
    if (options.credentials != nullptr) {
      // All three, or CAF would take connections from anybody.
      openssl_certificate = options.credentials->certificate_file();
      openssl_key = options.credentials->key_file();
      openssl_cafile = options.credentials->authority_file();
      MILLRACE_CHECK(!openssl_certificate.empty() && !openssl_key.empty() &&
                     !openssl_cafile.empty());
      load<caf::openssl::manager>();  // needs the middleman before it
    }
    set("scheduler.max-threads", options.scheduler_threads);
    set("scheduler.policy", caf::atom("sharing"));
    set("middleman.workers", std::size_t{0});
    set("middleman.heartbeat-interval", caf::timespan(options.heartbeat_interval));
    set("middleman.connection-timeout", caf::timespan(options.connection_timeout));
    set("logger.verbosity", caf::atom("quiet"));
    options.add_messages(*this);
  }
};

// CAF asks for no least version of TLS: what this machine's OpenSSL was told decides.
Status check_tls_level() {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  MILLRACE_CHECK(context != nullptr);
  const int level = SSL_CTX_get_security_level(context);
  SSL_CTX_free(context);
  if (level >= kTlsLevelMin) return {};
  return {Code::permission_denied,
          "OpenSSL on this machine is set to security level " + std::to_string(level) +
              ", which allows TLS 1.0 and 1.1",
          "set CipherString = DEFAULT@SECLEVEL=2 in openssl.cnf, or unset OPENSSL_CONF"};
}

Status not_found_at(const NodeAddress& address, const std::string& why) {
  return {Code::unreachable, "cannot reach " + to_string(address) + ": " + why,
          "check that it runs, that the address is right, and that its keys are of this cluster"};
}

}  // namespace

struct ClusterSystem::State {
  explicit State(const ClusterSystemOptions& options)
      : credentials(options.credentials), config(options), system(config) {
    portal = credentials != nullptr ? spawn_tls_portal(system) : system.middleman().actor_handle();
  }
  ~State() {
    if (credentials != nullptr) stop_tls_portal(system, portal);
    portal = nullptr;
  }

  std::shared_ptr<const NodeCredentials> credentials;
  Config config;
  caf::actor_system system;
  caf::io::middleman_actor portal;  // opens and accepts connections
};

ClusterSystem::ClusterSystem(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClusterSystem::~ClusterSystem() = default;

Result<std::unique_ptr<ClusterSystem>> ClusterSystem::start(const ClusterSystemOptions& options) {
  MILLRACE_CHECK(options.add_messages != nullptr);
  if (options.credentials != nullptr) MILLRACE_TRY(check_tls_level());
  return std::unique_ptr<ClusterSystem>(new ClusterSystem(std::make_unique<State>(options)));
}

caf::actor_system& ClusterSystem::actors() {
  return state_->system;
}
const std::shared_ptr<const NodeCredentials>& ClusterSystem::credentials() const {
  return state_->credentials;
}
void ClusterSystem::abandon_actors() {
  state_->system.await_actors_before_shutdown(false);
}

Result<std::uint16_t> ClusterSystem::publish(const caf::strong_actor_ptr& actor,
                                             std::set<std::string> types,
                                             const net::Endpoint& endpoint) {
  MILLRACE_TRY(net::check_listen_address(
      endpoint, {.plane = net::Plane::cluster, .has_keys = state_->credentials != nullptr}));
  const std::string host = endpoint.host == "*"           ? ""
                           : endpoint.host == "localhost" ? "127.0.0.1"
                                                          : endpoint.host;
  Result<std::uint16_t> port(Status(Code::timed_out, "actors were not published in time"));
  caf::scoped_actor self(state_->system);
  self->request(state_->portal, kPortalTimeout, caf::publish_atom_v, endpoint.port, actor,
                std::move(types), host, true)
      .receive([&](std::uint16_t taken) { port = taken; },
               [&](const caf::error& error) {
                 port = Status(Code::conflict,
                               "actors cannot listen at " +
                                   to_string(NodeAddress{endpoint.host, endpoint.port}) + ": " +
                                   state_->system.render(error),
                               "name another port, or stop the process that uses this one");
               });
  return port;
}

Result<caf::strong_actor_ptr> ClusterSystem::connect(std::set<std::string> types,
                                                     const NodeAddress& address,
                                                     milliseconds timeout) {
  const net::Endpoint endpoint{address.host, address.port};
  if (state_->credentials == nullptr && !endpoint.is_loopback()) {
    return Status(Code::permission_denied,
                  "refusing to connect actors with " + to_string(address) +
                      " without keys: whoever is there could do anything",
                  "make keys with `millrace keygen`, and name them with --keys");
  }
  // CAF connects without a time limit, one connection after the other.
  if (const auto status = net::check_reachable(endpoint, timeout); !status.is_ok()) {
    return not_found_at(address, status.message());
  }
  Result<caf::strong_actor_ptr> found(not_found_at(address, "it did not answer in time"));
  caf::scoped_actor self(state_->system);
  self->request(state_->portal, timeout, caf::connect_atom_v, address.host, address.port)
      .receive(
          [&](const caf::node_id&, const caf::strong_actor_ptr& actor,
              const std::set<std::string>& offered) {
            if (actor == nullptr) {
              found = not_found_at(address, "nothing is published there");
            } else if (!state_->system.assignable(offered, types)) {
              found = Status(Code::conflict,
                             "what answers at " + to_string(address) +
                                 " is of another kind or of another version",
                             "check the address; coordinator and workers have different ports");
            } else {
              found = actor;
            }
          },
          [&](const caf::error& error) {
            if (error != caf::sec::request_timeout)
              found = not_found_at(address, state_->system.render(error));
          });
  return found;
}

bool ClusterSystem::has_direct_link(const caf::node_id& node) {
  bool is_direct = false;
  caf::scoped_actor self(state_->system);
  self->request(state_->portal, kPortalTimeout, caf::get_atom_v, node)
      .receive([&](const caf::node_id&, const std::string& host,
                   std::uint16_t) { is_direct = !host.empty(); },
               [](const caf::error&) {});
  return is_direct;
}

std::string to_string(const NodeAddress& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace millrace
