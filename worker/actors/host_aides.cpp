#include "worker/actors/host_aides.hpp"

#include "common/base/limits.hpp"
#include "worker/serving/version_loading.hpp"
#include "worker/training/job_planner.hpp"

namespace millrace {
namespace {

coordinator_finder::behavior_type find_coordinators(coordinator_finder::pointer self,
                                                    ClusterSystem* system,
                                                    const worker_host_actor& host,
                                                    std::vector<NodeAddress> addresses,
                                                    Milliseconds patience) {
  return {[=, addresses = std::move(addresses)](const FindCoordinator& wanted) {
    auto found = system->connect<cluster_registry>(addresses.at(wanted.address), patience);
    if (found.is_ok()) {
      self->send(host, CoordinatorFound{found.value()});
    } else {
      self->send(host, CoordinatorMissing{found.status()});
    }
  }};
}

// As much as a message holds.
void trim(std::vector<std::string>& lines) {
  if (lines.size() > limits::kNotesMax) lines.resize(limits::kNotesMax);
  for (auto& line : lines) {
    if (line.size() > limits::kStringBytesMax) line.resize(limits::kStringBytesMax);
  }
}

JobPrepared prepare(const PrepareJob& order, const WorkerHostOptions& options) {
  PlannerOptions planner{order.base_folder, options.secrets, options.roots, MergeReach::hosts};
  if (planner.base_folder.empty()) planner.base_folder = options.roots.first();
  planner.stored_where = "what the cluster stores of this job";
  planner.conflict_hint =
      "give this job another name, or delete the one that is stored with `millrace job delete`";
  planner.may_rescale = true;
  auto planned = order.stored == nullptr ? plan_job(order.spec, planner)
                                         : resume_job(*order.stored, order.spec, planner);
  JobPrepared news;
  news.worker = options.outline.id;
  news.request = order.request;
  news.is_resumed = order.stored != nullptr;
  if (!planned.is_ok()) {
    news.status = planned.status();
    return news;
  }
  news.package = std::move(planned.value().package);
  news.notes = std::move(planned.value().notes);
  news.warnings = std::move(planned.value().warnings);
  trim(news.notes);
  trim(news.warnings);
  return news;
}

job_preparer::behavior_type prepare_jobs(job_preparer::pointer self, const worker_host_actor& host,
                                         const WorkerHostOptions& options) {
  return {[=](const PrepareJob& order) { self->send(host, prepare(order, options)); }};
}

ServingNews serve(const ServeVersion& order, const WorkerHostOptions& options,
                  const std::shared_ptr<StoreVolume>& volume) {
  ServingNews news{options.outline.id, order.job, order.version, {}, {}};
  if (options.server == nullptr) {
    news.status = Status(Code::conflict, options.outline.name + " serves no predictions",
                         "start the worker with --roles serve");
    return news;
  }
  VersionOrder wanted{order.job,
                      order.store_url,
                      order.object,
                      order.digest,
                      order.version,
                      {},
                      {.secrets = options.secrets, .volume = volume}};
  for (const auto& move : order.aliases) {
    wanted.aliases.push_back({move.alias, move.version, move.revision});
  }
  news.status = load_version(wanted, *options.server);
  ++(news.status.is_ok() ? options.health->versions_served : options.health->version_failures);
  for (const auto& alias : served_aliases(order.job, *options.server)) {
    news.aliases.push_back({alias.name, alias.version, alias.revision});
  }
  return news;
}

version_loader::behavior_type load_versions(version_loader::pointer self,
                                            const worker_host_actor& host,
                                            const WorkerHostOptions& options,
                                            const std::shared_ptr<StoreVolume>& volume) {
  return {[=](const ServeVersion& order) { self->send(host, serve(order, options, volume)); }};
}

}  // namespace

HostAides spawn_host_aides(ClusterSystem& system, const worker_host_actor& host,
                           const WorkerHostOptions& options,
                           const std::shared_ptr<StoreVolume>& volume) {
  auto& actors = system.actors();
  return {actors.spawn<caf::detached>(find_coordinators, &system, host, options.coordinators,
                                      options.connect_max),
          actors.spawn<caf::detached>(prepare_jobs, host, options),
          actors.spawn<caf::detached>(load_versions, host, options, volume)};
}

}  // namespace millrace
