#include "worker/actors/trainer_actor.hpp"

#include "worker/actors/bulk_port.hpp"

namespace millrace {
namespace {

// What a training thread says, turned into messages. Lives as long as its Trainer.
class Listener final : public TrainerListener {
 public:
  Listener(TrainerActorOptions options, const TrainerPlan& plan)
      : options_(std::move(options)), attempt_(plan.attempt), replica_(plan.replica) {}

  void send(Entry entry) override {
    if (options_.exchange->send(entry)) return;
    const auto& route = options_.routes->shards[entry.shard.value];
    send_to_worker(options_.worker, route, std::move(entry));
  }
  void on_snapshot(TrainerCut cut) override {
    auto shared = std::make_shared<TrainerCut>(std::move(cut));
    auto evaluation = std::make_shared<const Bytes>(std::move(shared->evaluation));
    tell(report::ReplicaCut{shared->cut, replica_, shared->splits, shared->totals,
                            std::move(evaluation), shared->is_finished});
    caf::anon_send(options_.state, TrainerCutMessage{attempt_, replica_, std::move(shared)});
  }
  void on_progress(TrainerProgress progress) override {
    tell(report::ReplicaProgress{replica_, progress.totals, std::move(progress.splits),
                                 std::make_shared<const Bytes>(std::move(progress.evaluation))});
  }
  void on_finished() override { tell(report::ReplicaFinished{replica_}); }
  void on_warning(const std::string& text) override {
    if (options_.warn) options_.warn(text);
  }
  void on_cut_wanted() override { tell(report::CutWanted{}); }
  void on_released(CutId cut) override { tell(report::OutputsReleased{replica_, cut}); }
  void on_sink_warning(const std::string& text) override { tell(report::Warning{text}); }
  void on_sink_written(OutputKind kind, std::uint64_t messages, std::uint64_t bytes) override {
    if (options_.health == nullptr) return;
    auto& sink = options_.health->sinks[static_cast<std::size_t>(kind)];
    sink.messages += messages;
    sink.bytes += bytes;
  }
  void on_sink_trouble(OutputKind kind) override {
    if (options_.health != nullptr) ++options_.health->sinks[static_cast<std::size_t>(kind)].errors;
  }
  void on_failed(Status status) override { tell(report::AttemptFailed{std::move(status)}); }

 private:
  template <typename What>
  void tell(What what) {
    caf::anon_send(options_.worker,
                   LocalReport{WorkerReport{options_.worker_id, attempt_, std::move(what)}});
  }

  TrainerActorOptions options_;
  Attempt attempt_;
  ReplicaId replica_;
};

struct State {
  TrainingSetupPtr setup;
  std::shared_ptr<LocalExchange> exchange;
  Attempt attempt;
  ReplicaId replica;
  std::shared_ptr<Listener> listener;  // before the trainer, whose thread uses it
  std::shared_ptr<Trainer> trainer;
  static inline const char* name = "trainer";

  ~State() {
    if (exchange != nullptr) exchange->remove_replica(attempt, replica);
  }
};
using Self = trainer_actor::stateful_pointer<State>;

// By message an answer may have come from another process: its view is looked at first.
void take_answer(Self self, const Answer& answer) {
  const auto& state = self->state;
  const bool is_mine =
      answer.attempt == state.attempt && answer.shard.value < state.setup->shards.shards();
  if (!is_mine) return;
  if (answer.values != nullptr) {
    const auto& view = static_cast<const ParameterView&>(*answer.values);
    const auto status = check_view(view, state.setup->view_shape(answer.shard));
    if (!status.is_ok()) return state.listener->on_failed(status);
  }
  state.trainer->inbox()->post(answer);
}

trainer_actor::behavior_type behavior(Self self, TrainingSetupPtr setup,
                                      std::shared_ptr<LocalExchange> exchange, Attempt attempt,
                                      ReplicaId replica, std::shared_ptr<Listener> listener,
                                      std::shared_ptr<Trainer> trainer) {
  auto& state = self->state;
  state.setup = std::move(setup);
  state.exchange = std::move(exchange);
  state.attempt = attempt;
  state.replica = replica;
  state.listener = std::move(listener);
  state.trainer = std::move(trainer);
  return {[self](const Answer& answer) { take_answer(self, answer); },
          [self](const order::TriggerCut& order) {
            self->state.trainer->inbox()->post(CutRequest{order.cut});
          },
          [self](const order::AbortCut& order) {
            self->state.trainer->inbox()->post(CutAbort{order.cut});
          },
          [self](const order::SendShards& order) {
            self->state.trainer->inbox()->post(CutCompleted{order.cut});
          },
          [self](const order::ReleaseOutputs& order) { self->state.trainer->complete(order.cut); }};
}

}  // namespace

Result<trainer_actor> spawn_trainer_actor(caf::actor_system& system, TrainerActorOptions options,
                                          TrainerPlan plan) {
  const auto setup = plan.setup;
  const auto exchange = options.exchange;
  const auto attempt = plan.attempt;
  const auto replica = plan.replica;
  auto listener = std::make_shared<Listener>(std::move(options), plan);
  MILLRACE_ASSIGN(std::shared_ptr<Trainer> trainer, Trainer::prepare(std::move(plan), *listener));
  exchange->add_replica(attempt, replica, trainer->inbox());
  trainer->start();
  return system.spawn(behavior, setup, exchange, attempt, replica, std::move(listener),
                      std::move(trainer));
}

}  // namespace millrace
