#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/security/cluster_keys.hpp"
#include "coordinator/cli/signals.hpp"
#include "coordinator/cli/state_folder.hpp"
#include "coordinator/cli/stored_models.hpp"
#include "coordinator/cli/verbs.hpp"
#include "worker/serving/prediction_server.hpp"

namespace millrace::cli {
namespace {

constexpr std::uint16_t kPredictionPort = 4711;
constexpr std::uint16_t kPortsTried = 20;  // when nobody asked for a port
constexpr std::chrono::milliseconds kSignalPoll{100};
constexpr int kPollsPerRefresh = 10;  // a new version is served within a second of being published

Result<std::unique_ptr<PredictionServer>> start_server(const ServeVerb& options) {
  PredictionServerOptions server;
  server.security.is_insecure_accepted = options.is_insecure_accepted;
  if (!options.keys.empty()) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    MILLRACE_ASSIGN(
        const auto keys,
        security::load_cluster_keys(
            {.folder = options.keys, .role = security::NodeRole::worker, .policy = options.policy},
            now));
    server.security.server = keys.curve;
    server.policy_file = keys.policy_file;
  }
  if (!options.listen.empty()) {
    MILLRACE_ASSIGN(server.endpoint, net::Endpoint::parse(options.listen));
    return PredictionServer::start(server);
  }
  for (std::uint16_t i = 0;; ++i) {
    server.endpoint.port = static_cast<std::uint16_t>(kPredictionPort + i);
    auto started = PredictionServer::start(server);
    if (started.is_ok() || started.status().code() != Code::conflict || i + 1 == kPortsTried)
      return started;
  }
}

// Keeps what the server answers from in step with what is stored.
class Publisher {
 public:
  Publisher(PredictionServer& server, Output& output) : server_(server), output_(output) {}

  // Publishes what is new. A version that cannot be read is told once and passed over.
  Status refresh(const StoredModel& stored) {
    auto opened = ModelRegistry::open_existing(stored.folder);
    if (!opened.is_ok()) return opened.status();
    const auto& registry = opened.value();
    auto& newest = newest_[stored.name];
    MILLRACE_ASSIGN(const auto versions, registry.versions());
    for (const auto version : versions) {
      if (version <= newest) continue;
      // Older versions than the newest few would be dropped again at once.
      newest = version;
      const auto model = registry.load(version);
      const auto status = model.is_ok() ? server_.publish(model.value()) : model.status();
      if (!status.is_ok())
        output_.note("warning: " + stored.name +
                     fmt::format(" v{} is not served: ", version.value) + status.message());
      else if (is_running_)
        output_.note(fmt::format("{} v{} is served now", stored.name, version.value));
    }
    MILLRACE_ASSIGN(const auto aliases, registry.aliases());
    for (const auto& alias : aliases) {
      auto& revision = revisions_[stored.name + "@" + alias.name];
      if (alias.revision <= revision) continue;
      revision = alias.revision;
      const auto status = server_.move_alias(
          stored.name, {.name = alias.name, .version = alias.version, .revision = alias.revision});
      if (!status.is_ok()) output_.note("warning: " + status.message());
    }
    return {};
  }
  void set_running() { is_running_ = true; }

 private:
  PredictionServer& server_;
  Output& output_;
  std::map<std::string, VersionId> newest_;
  std::map<std::string, std::uint64_t> revisions_;
  bool is_running_ = false;
};

void announce(const PredictionServer& server, const std::string& state, Output& output) {
  const auto models = server.models();
  if (!output.is_table()) {
    nlohmann::ordered_json document = {{"schema_version", 1}, {"endpoint", server.endpoint()}};
    document["models"] = nlohmann::ordered_json::array();
    for (const auto& model : models)
      document["models"].push_back(
          {{"name", model.name}, {"version", model.versions.back().value}});
    output.print_document(document);
    return;
  }
  output.print("serving at " + server.endpoint() + " from " + state + "; Ctrl-C ends it\n");
  for (const auto& model : models)
    output.print(fmt::format("  {} v{}\n", model.name, model.versions.back().value));
  if (!models.empty())
    output.print("next: millrace predict " + models.front().name + " --endpoint " +
                 server.endpoint() + " --file rows.csv\n");
}

Status serve(const ServeVerb& options, Output& output) {
  const auto state = state_folder(options.state);
  MILLRACE_ASSIGN(auto stored, find_stored_models(state, options.model));
  const auto& stop_signal = watch_signals();
  MILLRACE_ASSIGN(const auto server, start_server(options));
  Publisher publisher(*server, output);
  for (const auto& model : stored) MILLRACE_TRY(publisher.refresh(model));
  if (server->models().empty())
    return {Code::not_found, "no stored version can be served", "train one with `millrace run`"};
  publisher.set_running();
  announce(*server, state, output);
  for (int poll = 1; stop_signal.load() == 0; ++poll) {
    std::this_thread::sleep_for(kSignalPoll);
    if (poll % kPollsPerRefresh != 0) continue;
    if (options.model.empty())
      if (auto found = find_stored_models(state, ""); found.is_ok())
        stored = std::move(found).value();
    // A registry that cannot be read for a moment does not end the serving of what is in memory.
    for (const auto& model : stored)
      if (const auto status = publisher.refresh(model); !status.is_ok())
        output.note("warning: " + status.message());
  }
  server->stop();
  return {};
}

}  // namespace

int verb_serve(const ServeVerb& options, Output& output) {
  const auto status = serve(options, output);
  if (!status.is_ok()) return output.fail(status);
  return watch_signals().load() == 2 ? kExitInterrupted : kExitDone;
}

}  // namespace millrace::cli
