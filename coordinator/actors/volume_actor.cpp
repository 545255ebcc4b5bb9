#include "coordinator/actors/volume_actor.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "common/base/limits.hpp"

namespace millrace {
// A message in this process alone.
struct VolumeOrder {
  VolumeRequest request;
  bool may_change = false;
};

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::VolumeOrder)

namespace millrace {
namespace {

// Has the disk's thread. Apart from the actor that other processes know, since CAF cannot end a
// detached actor that they still hold.
using volume_disk = caf::typed_actor<caf::replies_to<VolumeOrder>::with<VolumeReply>>;

struct State {
  std::map<std::string, std::set<caf::node_id>> writers;
  volume_disk disk;
  static inline const char* name = "volume";
};
using Self = volume_actor::stateful_pointer<State>;

std::chrono::milliseconds monotonic_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

// What all writers may have on their way together, shared among them.
std::uint32_t credit_of(const State& state) {
  std::set<caf::node_id> nodes;
  for (const auto& [job, writers] : state.writers) nodes.insert(writers.begin(), writers.end());
  const std::size_t share =
      limits::kVolumeCreditBytesOfAll / std::max<std::size_t>(1, nodes.size());
  return static_cast<std::uint32_t>(
      std::clamp(share, limits::kVolumeChunkBytesMax, limits::kVolumeCreditBytesMax));
}

bool may_change(Self self, const std::string& job) {
  const auto& sender = self->current_sender();
  const auto writers = self->state.writers.find(job);
  return sender != nullptr && writers != self->state.writers.end() &&
         writers->second.contains(sender->node());
}

volume_disk::behavior_type work(const std::shared_ptr<VolumeKeeper>& keeper) {
  return {[keeper](const VolumeOrder& order) {
    return keeper->answer(order.request, order.may_change, monotonic_now());
  }};
}

caf::result<VolumeReply> ask(Self self, VolumeRequest request) {
  const bool allowed = may_change(self, request.job);  // before the promise takes the sender
  auto promise = self->make_response_promise<VolumeReply>();
  self->request(self->state.disk, caf::infinite, VolumeOrder{std::move(request), allowed})
      .then(
          [self, promise](VolumeReply reply) mutable {
            reply.credit_bytes = credit_of(self->state);
            promise.deliver(std::move(reply));
          },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

volume_actor::behavior_type behavior(Self self, const std::shared_ptr<VolumeKeeper>& keeper) {
  self->state.disk = self->spawn<caf::detached + caf::linked>(work, keeper);
  return {[self](VolumeRequest& request) { return ask(self, std::move(request)); },
          [self](const VolumeWriters& writers) {
            if (writers.nodes.empty()) {
              self->state.writers.erase(writers.job);
            } else {
              self->state.writers[writers.job] = writers.nodes;
            }
          }};
}

}  // namespace

volume_actor spawn_volume(caf::actor_system& system, std::shared_ptr<VolumeKeeper> keeper) {
  return system.spawn(behavior, std::move(keeper));
}

}  // namespace millrace
