// The parts of a Trainer that concern what it puts out: collecting it, and waiting for sinks.
#include "common/base/limits.hpp"
#include "worker/training/trainer.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Between two wishes for a cut: one takes some milliseconds.
constexpr milliseconds kWishPause{250};

}  // namespace

void Trainer::complete(CutId cut) {
  if (outputs_ != nullptr) outputs_->complete(cut);
}

void Trainer::open_outputs() {
  const JobSpec& job = spec();
  if (!has_sinks(job)) return;
  ReplicaOutputsOptions options;
  options.replica = plan_.replica;
  options.kinds = output_kinds(job);
  options.complete = plan_.cut;
  options.lanes = std::exchange(state_.lanes, {});
  options.channels = plan_.channels ? plan_.channels : kafka_channels(job, plan_.secrets);
  options.on_released = [this](CutId cut) { listener_.on_released(cut); };
  options.listener.on_failed = [this](Status why) { listener_.on_failed(std::move(why)); };
  options.listener.on_warning = [this](const LaneName& lane, const std::string& text) {
    listener_.on_sink_warning("the sink of " + std::string(to_string(lane.kind)) + " of replica " +
                              std::to_string(lane.lane) + ": " + text);
  };
  options.listener.on_written = [this](OutputKind kind, std::uint64_t messages,
                                       std::uint64_t bytes) {
    listener_.on_sink_written(kind, messages, bytes);
  };
  options.listener.on_trouble = [this](OutputKind kind) { listener_.on_sink_trouble(kind); };
  outputs_ = std::make_unique<ReplicaOutputs>(std::move(options));
  messages_.emplace(job.name, plan_.setup->schema.task, plan_.setup->model->outputs());
}

// In synchronous merging the others wait for this replica's rounds, and a cut stands behind one: so
// it waits only where something that is complete already will make room.
bool Trainer::awaits_sinks() const {
  if (outputs_ == nullptr || outputs_->bytes() < limits::kOutputBytesMax) return false;
  return !is_synchronous() || outputs_->is_behind();
}

void Trainer::put_out_predictions(std::span<const float> predictions) {
  OutputBatch* into = outputs_ == nullptr ? nullptr : outputs_->pending(OutputKind::predictions);
  if (into != nullptr) messages_->add(batch_, predictions, dictionary_, *into);
}

Status Trainer::put_out_dead_letters() {
  if (outputs_ == nullptr) return {};
  if (OutputBatch* into = outputs_->pending(OutputKind::dead_letters)) {
    const KafkaSpec& kafka = spec().source.kafka;
    for (const auto& letter : source_->take_dead_letters()) {
      add_dead_letter(letter, spec().name, kafka.topic, *into);
    }
  }
  if (outputs_->bytes() <= 2 * limits::kOutputBytesMax) return {};
  return Status(Code::resource_exhausted,
                "replica " + std::to_string(plan_.replica.value) + " has put out " +
                    std::to_string(outputs_->bytes()) +
                    " bytes that are in no checkpoint, or that no sink has taken",
                "make checkpoint.interval shorter or training.batch_size smaller, and see whether "
                "the sinks and the checkpoint store can be written to");
}

void Trainer::wish_for_cut() {
  if (outputs_ == nullptr || outputs_->bytes_pending() < limits::kOutputBytesPerCut) return;
  const auto now = steady_clock::now();
  if (now < next_wish_) return;
  next_wish_ = now + kWishPause;
  listener_.on_cut_wanted();
}

}  // namespace millrace
