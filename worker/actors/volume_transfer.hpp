// Requests to the coordinator's volume, several on their way at a time, answered in order.
//
// Place: RemoteStore makes one for each try of an object and waits for its answers. One thread.
#pragma once

#include <deque>
#include <memory>

#include "worker/actors/volume_link.hpp"

namespace millrace {

class VolumeTransfer {
 public:
  VolumeTransfer(VolumeLink& link, const checkpoint_volume& volume)
      : link_(link), volume_(volume), self_(link.system()) {}
  // What is on its way is given up.
  ~VolumeTransfer();
  VolumeTransfer(const VolumeTransfer&) = delete;
  VolumeTransfer& operator=(const VolumeTransfer&) = delete;

  // False when an answer must be taken first. `bytes`: of the object, there or back.
  bool send(VolumeRequest request, std::size_t bytes);
  bool is_idle() const { return flying_.empty(); }
  // The answer to the oldest request; timed_out when none comes.
  Result<VolumeReply> receive();

 private:
  using Clock = std::chrono::steady_clock;
  using Answer = decltype(std::declval<caf::scoped_actor&>()->request(
      std::declval<const checkpoint_volume&>(), caf::timespan(), std::declval<VolumeRequest>()));
  struct Flight {
    Answer answer;
    std::size_t bytes;
    Clock::time_point sent_at;
  };

  VolumeLink& link_;
  checkpoint_volume volume_;
  caf::scoped_actor self_;
  std::deque<Flight> flying_;
};

}  // namespace millrace
