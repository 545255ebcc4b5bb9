// How published versions come to the workers that answer predictions.
#include "common/observe/log.hpp"
#include "coordinator/actors/coordinator_state.hpp"
#include "coordinator/registry/shared_models.hpp"

namespace millrace {
namespace {

ServeVersion order_of(const JobRun& run, const SharedModel& shared) {
  ServeVersion order;
  order.job = run.entry.name;
  order.store_url = run.entry.store_url;
  order.object = shared.object;
  order.digest = shared.header.digest;
  order.version = shared.header.lineage.version;
  for (const auto& alias : shared.aliases) {
    order.aliases.push_back({alias.name, alias.version, alias.revision});
  }
  return order;
}

bool can_serve(const HostRecord& host) {
  return host.handle && host.outline.roles.serve && !host.outline.predictions.empty();
}

}  // namespace

void share_model(CoordinatorSelf self, JobRun& run) {
  const std::string job = run.entry.name;
  run_apart(
      self,
      [from = store_of(self, run), folder = registry_folder(self->state.options.state, job)]()
          -> Result<std::optional<SharedModel>> {
        MILLRACE_ASSIGN(const auto store, from.open());
        return share_production(*store, folder);
      },
      [self, job](const Result<std::optional<SharedModel>>& shared) {
        JobRun* found = find_run(self, job);
        if (found == nullptr) return;
        if (!shared.is_ok()) {
          return note(*found, "warning", "warning",
                      "the newest version is not served yet: " + shared.status().message());
        }
        if (!shared.value()) return;
        found->figures.set_model(shared.value()->header);
        found->served = order_of(*found, *shared.value());
        for (auto& [id, host] : self->state.hosts) {
          if (can_serve(host)) self->send(host.handle, *found->served);
        }
      });
}

void serve_all(CoordinatorSelf self, const HostRecord& host) {
  if (!can_serve(host)) return;
  for (const auto& [name, run] : self->state.runs) {
    if (run.served) self->send(host.handle, *run.served);
  }
}

void on_serving(CoordinatorSelf self, const ServingNews& news) {
  JobRun* run = find_run(self, news.job);
  if (run == nullptr || news.status.is_ok()) return;
  note(*run, "warning", "warning",
       "worker '" + host_name(self, news.worker) + "' does not serve version " +
           std::to_string(news.version.value) + ": " + news.status.message());
}

}  // namespace millrace
