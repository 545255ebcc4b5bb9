#include "tests/simulation/serving.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace millrace::sim {

namespace {

constexpr Time kRetry = 300 * kMillisecond;
constexpr Time kResend = 150 * kMillisecond;
constexpr std::size_t kVersionsRetained = 3;
const std::string kJob = "job";

// The smallest model there is. They are the same in every run.
std::shared_ptr<const PublishedModel> model_of(VersionId version) {
  static std::map<VersionId, std::shared_ptr<const PublishedModel>> models;
  auto& model = models[version];
  if (model != nullptr) return model;
  PublishedModelParts parts;
  parts.schema.task = Task::regression;
  parts.schema.fields.push_back({.name = "x", .role = FieldRole::numeric, .evidence = {}});
  parts.schema.fields.push_back({.name = "y", .role = FieldRole::label, .evidence = {}});
  parts.model.kind = ModelKind::linear;
  const auto pipeline = Pipeline::compile(parts.transforms, parts.schema);
  MILLRACE_CHECK(pipeline.is_ok());
  parts.dictionary = Dictionary(parts.schema, pipeline.value().dictionary_capacity());
  parts.statistics = pipeline.value().statistics();
  const auto shape = make_model(parts.model, {.features = pipeline.value().layout(),
                                              .task = parts.schema.task,
                                              .classes = parts.schema.max_classes});
  MILLRACE_CHECK(shape.is_ok());
  parts.theta.assign(shape.value()->parameters().total(), static_cast<float>(version.value));
  parts.lineage.job = kJob;
  parts.lineage.version = version;
  auto made = PublishedModel::make(std::move(parts));
  MILLRACE_CHECK(made.is_ok());
  return model = made.value();
}

bool is_served(const ModelCatalog& catalog, VersionId version) {
  const auto models = catalog.models();
  return !models.empty() && std::ranges::count(models.front().versions, version) != 0;
}

}  // namespace

Serving::Serving(World& world, Checkers& checkers) : world_(world), checkers_(checkers) {}

Time Serving::latency() {
  const auto most = static_cast<std::uint64_t>(world_.options().faults.store_latency);
  return 1 + static_cast<Time>(world_.random().below(most));
}

bool Serving::is_struck() {
  const Faults& faults = world_.options().faults;
  const double chance = faults.store_error + faults.store_ambiguous;
  if (world_.is_healed() || chance == 0.0 || world_.random().uniform() >= chance) return false;
  world_.injected().store_errors += 1;
  return true;
}

Serving::Sharer* Serving::sharer_of(Address coordinator) {
  const auto found = sharers_.find(coordinator.process);
  const bool lives = found != sharers_.end() && found->second.home == coordinator;
  return lives ? &found->second : nullptr;
}

Serving::Server* Serving::server_of(Address server) {
  const auto found = servers_.find(server.process);
  return found != servers_.end() && found->second.home == server ? &found->second : nullptr;
}

void Serving::send(Address from, Address to, const char* what, const World::Action& action) {
  const auto has_arrived = std::make_shared<bool>(false);
  const auto deliver = [has_arrived, action] {
    *has_arrived = true;
    action();
  };
  const auto again = std::make_shared<std::function<void()>>();
  *again = [this, from, to, what, has_arrived, deliver, weak = std::weak_ptr(again)] {
    if (*has_arrived || !world_.is_alive(to)) return;
    world_.send(from, to, what, 0, deliver);
    world_.after(from, kResend, "send again", [self = weak.lock()] { (*self)(); });
  };
  (*again)();
}

// ---- The registry

void Serving::publish(Address coordinator, CutId cut, bool is_restored) {
  if (!is_on() || cut == CutId(0)) return;
  world_.after(coordinator, latency(), "version published", [this, coordinator, cut, is_restored] {
    const VersionId version(cut.value);
    add(coordinator, version, is_restored);
    if (world_.is_alive(coordinator)) {
      checkers_.report(ServedForward::published(version, file_.promoted_up_to));
    }
  });
}

void Serving::add(Address coordinator, VersionId version, bool is_restored) {
  const bool is_there = !versions_.insert(version).second;
  const auto& mutations = world_.options().mutations.serving;
  if (is_there && is_restored && mutations.skip_what_is_there) return;
  if (dies_between(coordinator)) return;
  promote(version);
  delete_beyond_retention();
  if (Sharer* sharer = sharer_of(coordinator)) share(*sharer);
}

// A version's file and that of the aliases are written one after the other.
bool Serving::dies_between(Address coordinator) {
  const bool may_die = world_.options().faults.crash_in_step > 0.0 && !world_.is_healed();
  if (!may_die || world_.random().below(40) != 0) return false;
  world_.injected().crashes_in_step += 1;
  world_.crash(coordinator.process);
  return true;
}

void Serving::promote(VersionId version) {
  if (world_.options().mutations.serving.promote_again) file_.promoted_up_to = VersionId(0);
  if (!file_.promote(version)) return;
  checkers_.report(forward_.promoted(file_.find("production")->revision, version));
}

void Serving::delete_beyond_retention() {
  const VersionId named = file_.find("production")->version;
  while (versions_.size() > kVersionsRetained + 1) {
    auto oldest = versions_.begin();
    if (*oldest == named) ++oldest;
    versions_.erase(oldest);
  }
}

// To any version that is kept, and all coordinators are told.
void Serving::move_back() {
  if (versions_.size() < 2 || file_.find("production") == nullptr) return;
  auto chosen = versions_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(world_.random().below(versions_.size())));
  const std::uint64_t before = file_.find("production")->revision;
  auto& alias = file_.move("production", *chosen);
  if (alias.revision == before) return;
  if (world_.options().mutations.serving.move_back_revision) alias.revision = before;
  world_.injected().moved_back += 1;
  checkers_.report(forward_.moved(alias.revision, alias.version));
  for (auto& [process, sharer] : sharers_) {
    if (world_.is_alive(sharer.home)) share(sharer);
  }
}

// ---- Coordinators

void Serving::coordinator_started(Address coordinator) {
  if (!is_on()) return;
  Sharer& sharer = sharers_[coordinator.process] = Sharer{coordinator, {}, {}, {}};
  share(sharer);
}

void Serving::share(Sharer& sharer) {
  const bool all_at_once = world_.options().mutations.serving.share_all_at_once;
  if (all_at_once || sharer.turns.want()) begin_sharing(sharer.home);
}

void Serving::begin_sharing(Address coordinator) {
  world_.after(coordinator, latency(), "registry read", [this, coordinator] {
    const auto choice = file_.serving({versions_.begin(), versions_.end()});
    if (!choice || is_struck()) return end_sharing(coordinator, std::nullopt, !choice);
    world_.after(coordinator, latency(), "version stored",
                 [this, coordinator, choice] { put_model(coordinator, *choice); });
  });
}

void Serving::put_model(Address coordinator, const ServingChoice& choice) {
  if (!versions_.contains(choice.version)) return end_sharing(coordinator, std::nullopt, false);
  objects_.insert(choice.version);
  const auto listed = objects_;
  world_.after(coordinator, latency(), "versions removed", [this, coordinator, choice, listed] {
    for (const VersionId version : listed) {
      if (!versions_.contains(version)) objects_.erase(version);
    }
    end_sharing(coordinator, choice, true);
  });
}

void Serving::end_sharing(Address coordinator, const std::optional<ServingChoice>& choice,
                          bool is_ok) {
  Sharer* sharer = sharer_of(coordinator);
  if (sharer == nullptr) return;
  if (choice) {
    sharer->served = choice;
    checkers_.report(forward_.ordered(coordinator, choice->aliases));
    for (const auto& [process, host] : sharer->hosts) order(*sharer, host);
  }
  if (world_.options().mutations.serving.share_all_at_once) return;
  if (!is_ok) retry_later(coordinator);
  if (sharer->turns.ended(is_ok)) begin_sharing(coordinator);
}

void Serving::retry_later(Address coordinator) {
  world_.after(coordinator, kRetry, "share again", [this, coordinator] {
    Sharer* sharer = sharer_of(coordinator);
    if (sharer != nullptr && sharer->turns.retry()) begin_sharing(coordinator);
  });
}

void Serving::joined(Address coordinator, Address server) {
  Sharer* sharer = is_on() ? sharer_of(coordinator) : nullptr;
  if (sharer == nullptr) return;
  Address& known = sharer->hosts.try_emplace(server.process, server).first->second;
  known = std::max(known, server);
  if (sharer->served) order(*sharer, server);
}

void Serving::order(Sharer& sharer, Address server) {
  send(sharer.home, server, "serve",
       [this, coordinator = sharer.home, server, choice = *sharer.served] {
         load(coordinator, server, choice);
       });
}

// ---- Servers

void Serving::server_started(Address server) {
  if (is_on()) servers_[server.process] = Server{server};
}

// One after the other, as the loader of a host does.
void Serving::load(Address coordinator, Address home, const ServingChoice& choice) {
  Server* server = server_of(home);
  if (server == nullptr) return;
  server->busy_until = std::max(server->busy_until, world_.now()) + latency();
  world_.after(home, server->busy_until - world_.now(), "load", [this, coordinator, home, choice] {
    Server* loading = server_of(home);
    if (loading == nullptr) return;
    const bool has_it = is_served(*loading->catalog, choice.version);
    if (has_it || (objects_.contains(choice.version) && !is_struck())) {
      return follow(*loading, choice);
    }
    send(home, coordinator, "not served", [this, coordinator] {
      if (Sharer* sharer = sharer_of(coordinator)) sharer->turns.loading_failed();
      retry_later(coordinator);
    });
  });
}

void Serving::follow(Server& server, const ServingChoice& choice) {
  const auto& mutations = world_.options().mutations.serving;
  const std::uint32_t kept = world_.options().versions_served;
  std::vector<ModelAlias> aliases;
  for (const auto& alias : choice.aliases) {
    aliases.push_back({alias.name, alias.version, alias.revision});
  }
  const auto model = model_of(choice.version);
  if (mutations.aliases_follow_later) {
    server.catalog = server.catalog->with_version(model, kept).value();
    world_.after(server.home, 20 * kMillisecond, "alias",
                 [this, home = server.home, aliases, kept] {
                   Server* later = server_of(home);
                   auto moved = later->catalog->with_order(kJob, nullptr, aliases, kept);
                   if (moved.is_ok()) later->catalog = moved.value();
                 });
    return;
  }
  const ModelCatalog nothing;
  const ModelCatalog& before = mutations.start_over ? nothing : *server.catalog;
  const auto next = before.with_order(kJob, model, aliases, kept);
  if (!next.is_ok()) return checkers_.report("an order to serve: " + next.status().message());
  server.catalog = next.value();
}

// ---- Clients

void Serving::plan(const std::vector<ProcessId>& servers) {
  if (!is_on()) return;
  const SimOptions& options = world_.options();
  for (std::uint32_t i = 0; i < options.predict_clients; ++i) {
    const ProcessId process = world_.add_process([] {});
    clients_.push_back({world_.address(process), 0, false, 0, world_.random().below(2) == 0});
    ask(i, servers);
  }
  for (int i = 0; i < options.moves_back; ++i) {
    const auto phase = static_cast<std::uint64_t>(options.safety_phase);
    world_.outside(static_cast<Time>(world_.random().below(phase)), [this] { move_back(); });
  }
}

// One request at a time; what is not answered by the next one is given up.
void Serving::ask(std::uint32_t client, const std::vector<ProcessId>& servers) {
  Client& asking = clients_[client];
  const Address server = world_.address(servers[world_.random().below(servers.size())]);
  const std::uint64_t request = ++asking.asked;
  asking.is_answered = false;
  const std::uint64_t min_revision = asking.is_careful ? asking.revision : 0;
  if (world_.is_alive(server)) {
    world_.send(asking.home, server, "predict", request,
                [this, client, request, min_revision, server] {
                  answer(client, request, min_revision, server);
                });
  }
  world_.after(asking.home, 40 * kMillisecond + latency(), "ask",
               [this, client, servers] { ask(client, servers); });
}

void Serving::answer(std::uint32_t client, std::uint64_t request, std::uint64_t min_revision,
                     Address home) {
  const Server* server = server_of(home);
  if (server == nullptr) return;
  const auto resolved = server->catalog->resolve(kJob, 0, "production");
  if (!resolved.is_ok()) return;
  const bool ignores = world_.options().mutations.serving.ignore_min_revision;
  if (!ignores && !check_revision(resolved.value(), {min_revision}).is_ok()) {
    world_.injected().servers_behind += 1;
    return;
  }
  const ServedAnswer said{client, home, min_revision, resolved.value().alias_revision,
                          resolved.value().model->version()};
  world_.send(home, clients_[client].home, "prediction", said.revision, [this, request, said] {
    Client& asking = clients_[said.client];
    if (request != asking.asked || asking.is_answered) return;
    asking.is_answered = true;
    world_.injected().predictions += 1;
    asking.revision = std::max(asking.revision, said.revision);
    checkers_.report(forward_.answered(said));
  });
}

void Serving::check_settled() {
  const RegistryAlias* production = file_.find("production");
  if (!is_on() || !world_.is_healed()) return;
  world_.injected().settled += 1;
  if (!versions_.empty() && file_.promoted_up_to < *versions_.rbegin()) {
    return checkers_.report("the newest version was never promoted");
  }
  if (production == nullptr) return;
  for (const auto& [process, server] : servers_) {
    if (!world_.is_alive(server.home)) continue;
    const auto served = server.catalog->resolve(kJob, 0, "production");
    const bool follows = served.is_ok() && served.value().alias_revision == production->revision &&
                         served.value().model->version() == production->version;
    if (!follows) checkers_.report("a server does not follow production");
  }
}

}  // namespace millrace::sim
