#include "worker/sinks/lane_writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace {
namespace {

using std::chrono::milliseconds;

// How long the thread sleeps at most before it looks whether a rest is over.
constexpr milliseconds kPatience{100};

milliseconds now() {
  return std::chrono::duration_cast<milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

void append(std::vector<ReleaseEffect>& effects, std::vector<ReleaseEffect> more) {
  effects.insert(effects.end(), more.begin(), more.end());
}

ReleasePlan::Options plan_options(const LaneState& state, CutId complete) {
  ReleasePlan::Options options;
  options.incarnation = state.incarnation;
  options.is_claimed = state.is_claimed;
  options.complete = complete;
  for (const auto& [cut, batch] : state.batches) options.batches.insert(cut);
  return options;
}

}  // namespace

const char* to_string(OutputKind kind) {
  return kind == OutputKind::predictions ? "predictions" : "dead_letters";
}

LaneWriter::LaneWriter(LaneState state, CutId complete, std::unique_ptr<OutputChannel> channel,
                       const LaneListener& listener)
    : name_(state.name),
      listener_(listener),
      channel_(std::move(channel)),
      plan_(plan_options(state, complete)),
      batches_(std::move(state.batches)) {
  for (const auto& [cut, batch] : batches_) bytes_ += batch->bytes().size();
}

LaneWriter::~LaneWriter() = default;  // the thread is told to stop, and joined

void LaneWriter::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void LaneWriter::add(CutId cut, std::shared_ptr<const OutputBatch> batch) {
  const std::lock_guard lock(mutex_);
  bytes_ += batch->bytes().size();
  batches_.emplace(cut, std::move(batch));
  plan_.on_batch(cut);
}

void LaneWriter::complete(CutId cut) {
  {
    const std::lock_guard lock(mutex_);
    complete_ = std::max(complete_, cut);
  }
  changed_.notify_one();
}

LaneState LaneWriter::state() const {
  const std::lock_guard lock(mutex_);
  return {name_, plan_.incarnation(), plan_.is_claimed(), batches_};
}

CutId LaneWriter::released() const {
  const std::lock_guard lock(mutex_);
  return plan_.released();
}

bool LaneWriter::is_behind() const {
  const std::lock_guard lock(mutex_);
  return plan_.is_behind();
}

std::size_t LaneWriter::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void LaneWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  execute(plan_.start(), lock, stop);
  while (!stop.stop_requested()) {
    changed_.wait_for(lock, stop, kPatience, [&] { return plan_.complete() < complete_; });
    if (stop.stop_requested()) return;
    execute(plan_.on_complete(complete_), lock, stop);
    execute(plan_.on_tick(now()), lock, stop);
  }
}

// Effects follow each other until the plan has nothing to do: opening leads to writing.
void LaneWriter::execute(std::vector<ReleaseEffect> effects, std::unique_lock<std::mutex>& lock,
                         const std::stop_token& stop) {
  for (std::size_t i = 0; i < effects.size() && !stop.stop_requested(); ++i) {
    std::vector<ReleaseEffect> next;
    if (std::holds_alternative<release::Open>(effects[i])) {
      lock.unlock();
      const auto mark = channel_->open(stop);
      lock.lock();
      if (stop.stop_requested()) return;
      next = plan_.on_tick(now());  // a rest begins when the answer comes
      append(next, plan_.on_opened(mark));
      if (mark.is_ok() && std::exchange(is_in_trouble_, false)) warn("is written to again");
    } else if (const auto* write = std::get_if<release::Write>(&effects[i])) {
      const auto batch = batches_.at(write->cut);
      const LaneMark mark{plan_.incarnation(), write->cut};
      lock.unlock();
      const Status status = channel_->write(*batch, mark, stop);
      if (status.is_ok() && listener_.on_written)
        listener_.on_written(name_.kind, batch->messages(), batch->bytes().size());
      lock.lock();
      if (stop.stop_requested() && !status.is_ok()) return;
      next = plan_.on_tick(now());
      append(next, plan_.on_written(status));
    } else if (const auto* trouble = std::get_if<release::Trouble>(&effects[i])) {
      if (listener_.on_trouble) listener_.on_trouble(name_.kind);
      if (!std::exchange(is_in_trouble_, true))
        warn("cannot be written to, and is tried again: " + trouble->status.message());
    } else if (const auto* repeated = std::get_if<release::Repeated>(&effects[i])) {
      warn(repeated->why);
    } else if (const auto* overtaken = std::get_if<release::Overtaken>(&effects[i])) {
      listener_.on_failed(overtaken->status);
    }
    forget_released();
    if (std::holds_alternative<release::Released>(effects[i])) {
      lock.unlock();
      listener_.on_released();
      lock.lock();
    }
    append(effects, std::move(next));
  }
}

void LaneWriter::forget_released() {
  std::erase_if(batches_, [&](const auto& batch) {
    if (plan_.batches().contains(batch.first)) return false;
    bytes_ -= batch.second->bytes().size();
    return true;
  });
}

void LaneWriter::warn(std::string text) {
  if (listener_.on_warning) listener_.on_warning(name_, std::move(text));
}

}  // namespace millrace
