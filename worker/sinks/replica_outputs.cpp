#include "worker/sinks/replica_outputs.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

std::uint64_t draw_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

std::vector<OutputKind> output_kinds(const JobSpec& job) {
  std::vector<OutputKind> kinds;
  if (job.predictions) kinds.push_back(OutputKind::predictions);
  if (job.source.kind == SourceKind::kafka && job.source.kafka.dead_letter)
    kinds.push_back(OutputKind::dead_letters);
  return kinds;
}

ReplicaOutputs::ReplicaOutputs(ReplicaOutputsOptions options) : options_(std::move(options)) {
  if (!options_.draw) options_.draw = draw_number;
  options_.listener.on_released = [this] { tell_released(); };
  auto lanes = std::exchange(options_.lanes, {});
  for (const OutputKind kind : options_.kinds) {
    pending_[kind] = {};
    const LaneName own{kind, options_.replica.value};
    if (std::ranges::find(lanes, own, &LaneState::name) == lanes.end())
      lanes.push_back({own, options_.draw(), false, {}});
  }
  for (LaneState& lane : lanes) {
    const auto& kinds = options_.kinds;
    if (std::ranges::find(kinds, lane.name.kind) == kinds.end()) continue;
    auto channel = options_.channels(lane.name);
    writers_.push_back(std::make_unique<LaneWriter>(std::move(lane), options_.complete,
                                                    std::move(channel), options_.listener));
  }
}

ReplicaOutputs::~ReplicaOutputs() {
  for (const auto& writer : writers_) writer->stop();  // all at once; then each is joined
  writers_.clear();
}

void ReplicaOutputs::start() {
  for (const auto& writer : writers_) writer->start();
}

OutputBatch* ReplicaOutputs::pending(OutputKind kind) {
  const auto found = pending_.find(kind);
  return found == pending_.end() ? nullptr : &found->second;
}

void ReplicaOutputs::close(CutId cut) {
  for (auto& [kind, batch] : pending_) {
    if (batch.empty()) continue;
    const LaneName own{kind, options_.replica.value};
    const auto closed = std::make_shared<const OutputBatch>(std::exchange(batch, {}));
    for (const auto& writer : writers_) {
      if (writer->name() == own) writer->add(cut, closed);
    }
  }
}

std::vector<LaneState> ReplicaOutputs::lanes() const {
  std::vector<LaneState> lanes;
  for (const auto& writer : writers_) {
    LaneState lane = writer->state();
    const bool is_own = lane.name.lane == options_.replica.value;
    if (is_own || !lane.batches.empty()) lanes.push_back(std::move(lane));
  }
  return lanes;
}

std::size_t ReplicaOutputs::bytes_pending() const {
  std::size_t bytes = 0;
  for (const auto& [kind, batch] : pending_) bytes += batch.bytes().size();
  return bytes;
}

std::size_t ReplicaOutputs::bytes() const {
  std::size_t bytes = bytes_pending();
  for (const auto& writer : writers_) bytes += writer->bytes();
  return bytes;
}

bool ReplicaOutputs::is_behind() const {
  return std::ranges::any_of(writers_, [](const auto& writer) { return writer->is_behind(); });
}

void ReplicaOutputs::complete(CutId cut) {
  std::uint64_t known = complete_.load();
  while (known < cut.value && !complete_.compare_exchange_weak(known, cut.value)) {
  }
  for (const auto& writer : writers_) writer->complete(cut);
  tell_released();
}

CutId ReplicaOutputs::released() const {
  CutId released(complete_.load());
  for (const auto& writer : writers_) released = std::min(released, writer->released());
  return released;
}

void ReplicaOutputs::tell_released() {
  const CutId cut = released();
  if (cut > CutId(0)) options_.on_released(cut);
}

void encode_lanes(std::span<const LaneState> lanes, ByteWriter& writer) {
  writer.put<std::uint64_t>(lanes.size());
  for (const LaneState& lane : lanes) {
    writer.put(static_cast<std::uint8_t>(lane.name.kind));
    writer.put(lane.name.lane);
    writer.put(lane.incarnation);
    writer.put(static_cast<std::uint8_t>(lane.is_claimed));
    writer.put<std::uint64_t>(lane.batches.size());
    for (const auto& [cut, batch] : lane.batches) {
      writer.put(cut.value);
      writer.put(batch->messages());
      writer.put_bytes(batch->bytes());
    }
  }
}

Result<std::vector<LaneState>> decode_lanes(ByteReader& reader) {
  std::vector<LaneState> lanes;
  const auto count = reader.get<std::uint64_t>();
  if (count > 2 * limits::kReplicasMax) reader.fail("too many lanes of sinks");
  for (std::uint64_t i = 0; reader.is_ok() && i < count; ++i) {
    LaneState lane;
    const auto kind = reader.get<std::uint8_t>();
    if (kind > static_cast<std::uint8_t>(OutputKind::dead_letters)) reader.fail("unknown sink");
    lane.name = {static_cast<OutputKind>(kind), reader.get<std::uint32_t>()};
    lane.incarnation = reader.get<std::uint64_t>();
    lane.is_claimed = reader.get<std::uint8_t>() != 0;
    const auto batches = reader.get<std::uint64_t>();
    for (std::uint64_t j = 0; reader.is_ok() && j < batches; ++j) {
      const CutId cut(reader.get<std::uint64_t>());
      const auto messages = reader.get<std::uint64_t>();
      auto batch = OutputBatch::decode(messages, reader.get_bytes());
      if (!reader.is_ok()) break;
      if (!batch.is_ok()) return batch.status();
      lane.batches.emplace(cut, std::make_shared<const OutputBatch>(std::move(batch).value()));
    }
    lanes.push_back(std::move(lane));
  }
  MILLRACE_TRY(reader.status());
  return lanes;
}

std::vector<LaneState> lanes_of(std::span<const LaneState> all, ReplicaId replica,
                                std::uint32_t parallelism) {
  std::vector<LaneState> lanes;
  for (const LaneState& lane : all) {
    if (lane.name.lane % parallelism == replica.value) lanes.push_back(lane);
  }
  return lanes;
}

}  // namespace millrace
