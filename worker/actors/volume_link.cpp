#include "worker/actors/volume_link.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

// A heartbeat behind what is on its way is late by no more, in time for the timeout of 2 s.
constexpr std::chrono::milliseconds kLateMax{200};
constexpr std::size_t kPiece = limits::kVolumeChunkBytesMax;
// Several workers send at a time over a link of 1 Mbit/s, and are heard within the timeout.
constexpr std::size_t kPieceMin = 8u << 10;

}  // namespace

void VolumeLink::connect(const checkpoint_volume& volume) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return;
    volume_ = volume;
    allowed_ = window_ = kPiece;  // of a coordinator that has said nothing yet
  }
  changed_.notify_all();
}

void VolumeLink::disconnect() {
  const std::lock_guard lock(mutex_);
  volume_ = nullptr;
}

void VolumeLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    volume_ = nullptr;
    is_stopped_ = true;
  }
  changed_.notify_all();
}

bool VolumeLink::is_stopped() {
  const std::lock_guard lock(mutex_);
  return is_stopped_;
}

checkpoint_volume VolumeLink::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, options_.absence_max,
                    [this] { return volume_ != nullptr || is_stopped_; });
  return volume_;
}

std::size_t VolumeLink::piece() {
  const std::lock_guard lock(mutex_);
  return std::clamp(window_, kPieceMin, kPiece);
}

bool VolumeLink::take(std::size_t bytes, bool may_wait) {
  std::unique_lock lock(mutex_);
  // Whoever is alone gets one piece, whatever the window.
  const auto fits = [&] { return taken_ == 0 || taken_ + bytes <= window_; };
  if (!fits() && !may_wait) return false;
  // Others give back what they have taken within the time of an answer.
  changed_.wait(lock, fits);
  taken_ += bytes;
  return true;
}

void VolumeLink::give_back(std::size_t bytes, std::optional<Milliseconds> late) {
  {
    const std::lock_guard lock(mutex_);
    taken_ -= bytes;
    if (!late || *late > kLateMax) {
      window_ /= 2;
    } else {
      window_ += kPieceMin;
    }
    window_ = std::clamp(window_, kPieceMin, std::max(allowed_, kPieceMin));
  }
  changed_.notify_all();
}

void VolumeLink::allow(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  allowed_ = std::min(bytes, limits::kVolumeCreditBytesMax);
}

}  // namespace millrace
