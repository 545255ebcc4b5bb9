#include "worker/actors/shard_actor.hpp"

#include "worker/actors/bulk_port.hpp"
#include "worker/training/shard_cell.hpp"

namespace millrace {
namespace {

struct State {
  std::shared_ptr<ShardCell> cell;
  ShardActorOptions options;
  static inline const char* name = "shard";

  ~State() {
    if (options.exchange != nullptr) options.exchange->remove_shard(options.attempt, options.shard);
  }
};
using Self = shard_actor::stateful_pointer<State>;

// Hands on what a shard says to whoever is not in this process. Called by the actor or by a
// training thread, so it captures handles and nothing of the actor.
LocalExchange::EffectListener listener(const ShardActorOptions& options) {
  return [worker = options.worker, state = options.state, id = options.worker_id,
          attempt = options.attempt, shard = options.shard,
          routes = options.routes](ShardEffect effect) {
    const auto tell = [&](auto what) {
      caf::anon_send(worker, LocalReport{WorkerReport{id, attempt, std::move(what)}});
    };
    if (auto* send = std::get_if<SendAnswer>(&effect)) {
      const auto& host = routes->replicas[send->answer.replica.value];
      send_to_worker(worker, host, std::move(send->answer));
    } else if (auto* ready = std::get_if<CutReady>(&effect)) {
      tell(report::ShardCut{ready->cut, shard, std::move(ready->ledger)});
      caf::anon_send(state, ShardCutMessage{attempt, shard, ready->cut, std::move(ready->values)});
    } else if (auto* refused = std::get_if<CutRefused>(&effect)) {
      tell(report::CutFailed{refused->cut, refused->status});
    } else if (auto* failed = std::get_if<ShardFailed>(&effect)) {
      tell(report::AttemptFailed{failed->status});
    }
  };
}

void execute(Self self, std::vector<ShardEffect> effects) {
  const auto& options = self->state.options;
  options.exchange->route(options.attempt, options.shard, std::move(effects));
}

shard_actor::behavior_type behavior(Self self, ShardActorOptions options,
                                    std::shared_ptr<ShardCell> cell) {
  self->state.cell = std::move(cell);
  self->state.options = std::move(options);
  return {[self](const Entry& entry) { execute(self, self->state.cell->on_entry(entry)); },
          [self](const order::TriggerCut& order) {
            execute(self, self->state.cell->request_cut(order.cut));
          },
          [self](const order::AbortCut& order) {
            execute(self, self->state.cell->abort_cut(order.cut));
          }};
}

}  // namespace

shard_actor spawn_shard_actor(caf::actor_system& system, ShardActorOptions options,
                              std::unique_ptr<ParameterShard> values) {
  ShardOptions core;
  core.attempt = options.attempt;
  core.shard = options.shard;
  core.replicas = options.setup->spec.parallelism;
  core.mode = *options.setup->spec.merge->mode;
  auto cell = std::make_shared<ShardCell>(
      ShardCore(core, std::move(values), options.ledger, options.restored));
  options.exchange->add_shard(options.attempt, options.shard, cell, listener(options));
  return system.spawn(behavior, std::move(options), std::move(cell));
}

}  // namespace millrace
