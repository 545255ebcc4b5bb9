// How published versions come to the workers that answer predictions.
#include "common/observe/log.hpp"
#include "coordinator/actors/coordinator_state.hpp"
#include "coordinator/registry/shared_models.hpp"

namespace millrace {
namespace {

// Between a failure and the next try: a store that is away is not asked without pause.
constexpr std::chrono::seconds kSharePause{5};

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

namespace {

void begin_sharing(CoordinatorSelf self, JobRun& run);

void order_to_serve(CoordinatorSelf self, JobRun& run, const SharedModel& shared) {
  run.figures.set_model(shared.header);
  run.served = order_of(run, shared);
  for (auto& [id, host] : self->state.hosts) {
    if (can_serve(host)) self->send(host.handle, *run.served);
  }
}

void end_sharing(CoordinatorSelf self, JobRun& run,
                 const Result<std::optional<SharedModel>>& shared) {
  if (!shared.is_ok()) {
    note(run, "warning", "warning",
         "the newest version is not served yet: " + shared.status().message());
    run.share_again_at = std::chrono::steady_clock::now() + kSharePause;
  } else if (shared.value()) {
    order_to_serve(self, run, *shared.value());
  }
  if (run.sharing->ended(shared.is_ok())) begin_sharing(self, run);
}

void begin_sharing(CoordinatorSelf self, JobRun& run) {
  const std::string job = run.entry.name;
  run_apart(
      self,
      [from = store_of(self, run), folder = registry_folder(self->state.options.state, job)]()
          -> Result<std::optional<SharedModel>> {
        MILLRACE_ASSIGN(const auto store, from.open());
        return share_production(*store, folder);
      },
      [self, job, sharing = run.sharing](const Result<std::optional<SharedModel>>& shared) {
        JobRun* found = find_run(self, job);
        if (found != nullptr && found->sharing == sharing) end_sharing(self, *found, shared);
      });
}

// Whether it may be otherwise the next time.
bool may_pass(const Status& status) {
  switch (status.code()) {
    case Code::not_found:
    case Code::unreachable:
    case Code::timed_out:
    case Code::resource_exhausted:
    case Code::io_error:
      return true;
    default:
      return false;
  }
}

}  // namespace

void share_model(CoordinatorSelf self, JobRun& run) {
  if (run.sharing->want()) begin_sharing(self, run);
}

void share_again(CoordinatorSelf self, JobRun& run, std::chrono::steady_clock::time_point now) {
  if (now >= run.share_again_at && run.sharing->retry()) begin_sharing(self, run);
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
  if (!may_pass(news.status)) return;
  run->sharing->loading_failed();
  run->share_again_at = std::chrono::steady_clock::now() + kSharePause;
}

}  // namespace millrace
