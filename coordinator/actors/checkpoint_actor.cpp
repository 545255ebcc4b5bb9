#include "coordinator/actors/checkpoint_actor.hpp"

#include "coordinator/actors/checkpoint_keeper.hpp"

namespace millrace {
namespace {

struct State {
  std::shared_ptr<CheckpointKeeper> keeper;
  job_master_actor master;
  static inline const char* name = "checkpoints";
};
using Self = checkpoint_actor::stateful_pointer<State>;

checkpoint_actor::behavior_type behavior(Self self, std::shared_ptr<CheckpointKeeper> keeper,
                                         const job_master_actor& master) {
  self->state.keeper = std::move(keeper);
  self->state.master = master;
  return {[self](const StoreOrder& order) {
            self->send(self->state.master, self->state.keeper->execute(order));
          },
          [self](const PublishOrder& order) {
            self->send(self->state.master,
                       PublishOutcome{order.contents->cut, self->state.keeper->publish(order)});
          },
          [self](const PublishStoredOrder& order) {
            self->send(
                self->state.master,
                PublishOutcome{order.contents->cut, self->state.keeper->publish_stored(order)});
          }};
}

}  // namespace

checkpoint_actor spawn_checkpoint_actor(caf::actor_system& system,
                                        std::shared_ptr<CheckpointKeeper> keeper,
                                        const job_master_actor& master) {
  return system.spawn<caf::detached>(behavior, std::move(keeper), master);
}

}  // namespace millrace
