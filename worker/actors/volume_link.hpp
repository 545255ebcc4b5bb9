// This process's way to the coordinator's volume: who answers there now, and how much may be on its
// way to it and back.
//
// Place: the worker host tells it when the coordinator offers its volume and when it is lost;
// RemoteStores ask through it, on threads that may block. Any thread.
//
// Invariant: the bytes taken and not given back never exceed what the coordinator's last answer
// allows, but for one piece, and fall where answers come late, as does the size of pieces:
// heartbeats pass on the same connection.
#pragma once

#include <caf/all.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "common/actors/host_interfaces.hpp"

namespace millrace {

struct VolumeLinkOptions {
  // Of one request. Smaller ones take a slow link for a lost one.
  std::chrono::milliseconds answer_max{10'000};
  // How often an object is tried, and how long a coordinator that is away is waited for each time.
  int tries = 4;
  std::chrono::milliseconds absence_max{1'000};
  // Before it is tried again; doubled each time.
  std::chrono::milliseconds first_pause{200};
};

class VolumeLink {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // `system` outlives it.
  VolumeLink(caf::actor_system& system, VolumeLinkOptions options)
      : system_(system), options_(options) {}

  caf::actor_system& system() { return system_; }
  const VolumeLinkOptions& options() const { return options_; }

  void connect(const checkpoint_volume& volume);
  void disconnect();
  // The process ends: nobody is waited for any more.
  void stop();
  bool is_stopped();
  // Who answers; null when nobody does in time.
  checkpoint_volume wait();

  // Bytes of the next piece: small ones where answers are late.
  std::size_t piece();
  // Room for so many bytes. Waits for it where `may_wait`: only who has nothing on its way may.
  bool take(std::size_t bytes, bool may_wait);
  // They have arrived, or are given up. `late`: how long it took; nothing where it was given up.
  void give_back(std::size_t bytes, std::optional<Milliseconds> late);
  // As the coordinator says.
  void allow(std::size_t bytes);

 private:
  caf::actor_system& system_;
  VolumeLinkOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  checkpoint_volume volume_;  // null: the coordinator is away
  bool is_stopped_ = false;
  std::size_t allowed_ = 0, window_ = 0, taken_ = 0;
};

}  // namespace millrace
