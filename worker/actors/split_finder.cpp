#include "worker/actors/split_finder.hpp"

#include <utility>

#include "worker/sources/kafka_splits.hpp"

namespace millrace {
namespace {

// An attempt that ends waits for a look that is under way, and brokers that are away are asked
// again anyway.
constexpr std::chrono::milliseconds kPatience{3'000};

struct Options {
  WorkerId worker_id;
  Attempt attempt;
  worker_actor worker;
  SourceSpec source;
  std::vector<SplitDescription> known;
  SecretsFolder secrets;
  std::function<void(std::string)> warn;
};

struct State {
  Options options;
  bool has_warned = false;  // of what still stands in the way
  static inline const char* name = "split_finder";
};
using Self = split_finder::stateful_pointer<State>;

template <typename What>
void tell(Self self, What what) {
  const auto& options = self->state.options;
  self->send(options.worker,
             LocalReport{WorkerReport{options.worker_id, options.attempt, std::move(what)}});
}

JoinedSplits join(std::vector<SplitDescription> known, const std::vector<SplitDescription>& added) {
  JoinedSplits joined;
  for (const auto& split : added) {
    joined.splits.push_back({split.id, split.path, split.begin, split.end});
    known.push_back(split);
  }
  ByteWriter writer;
  encode_splits(known, writer);
  joined.split_plan = std::move(writer).take();
  return joined;
}

// A topic that is another one ends the job; whatever else stands in the way may pass.
void look(Self self) {
  auto& state = self->state;
  const auto& options = state.options;
  KafkaClientOptions client;
  client.patience = kPatience;
  const auto added =
      discover_kafka_splits(options.source.kafka, options.secrets, options.known, client);
  if (added.status().code() == Code::conflict) {
    tell(self, report::AttemptFailed{added.status()});
    return self->quit();
  }
  if (!added.is_ok() && !std::exchange(state.has_warned, true) && options.warn) {
    options.warn("new partitions of '" + options.source.kafka.topic +
                 "' cannot be looked for: " + added.status().message());
  }
  if (added.is_ok()) {
    state.has_warned = false;
    if (!added.value().empty()) tell(self, report::SplitsFound{join(options.known, added.value())});
  }
  self->delayed_send(self, options.source.kafka.discovery_interval, LookForSplits{});
}

split_finder::behavior_type behavior(Self self, Options options) {
  self->state.options = std::move(options);
  self->send(self, LookForSplits{});
  return {[self](const LookForSplits&) { look(self); }};
}

bool may_gain_splits(const SourceSpec& source) {
  const auto& kafka = source.kafka;
  return source.kind == SourceKind::kafka && !kafka.until && kafka.discovery_interval.count() > 0;
}

}  // namespace

split_finder spawn_split_finder(caf::actor_system& system, const WorkerOptions& options,
                                const order::StartAttempt& start, const worker_actor& worker,
                                const std::vector<SplitDescription>& known) {
  const SourceSpec& source = start.job->spec.source;
  if (!may_gain_splits(source)) return split_finder();
  return system.spawn<caf::detached>(behavior, Options{options.id, start.attempt, worker, source,
                                                       known, options.secrets, options.warn});
}

}  // namespace millrace
