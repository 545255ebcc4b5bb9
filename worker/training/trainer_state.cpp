#include "worker/training/trainer_state.hpp"

#include "worker/sinks/replica_outputs.hpp"

namespace millrace {
namespace {

// Since 2: what no sink has taken yet, and what sources keep beside their position.
constexpr std::uint16_t kFormat = 2;

void put_counters(ByteWriter& writer, const DecodeCounters& counters) {
  for (const auto count :
       {counters.read, counters.records, counters.quarantined, counters.skipped}) {
    writer.put(count);
  }
}

DecodeCounters get_counters(ByteReader& reader) {
  DecodeCounters counters;
  counters.read = reader.get<std::uint64_t>();
  counters.records = reader.get<std::uint64_t>();
  counters.quarantined = reader.get<std::uint64_t>();
  counters.skipped = reader.get<std::uint64_t>();
  return counters;
}

void put_split(ByteWriter& writer, const SplitState& split) {
  writer.put(split.progress.split.value);
  writer.put(split.progress.offset.value);
  writer.put(static_cast<std::uint8_t>(split.progress.is_finished));
  const auto& sums = split.progress.learned;
  for (const auto sum : {sums.count, sums.sum_low, sums.sum_high, sums.second, sums.parity}) {
    writer.put(sum);
  }
  put_counters(writer, split.counters);
}

SplitState get_split(ByteReader& reader) {
  SplitState split;
  split.progress.split = SplitId(reader.get<std::uint32_t>());
  split.progress.offset = Offset(reader.get<std::uint64_t>());
  split.progress.is_finished = reader.get<std::uint8_t>() != 0;
  auto& sums = split.progress.learned;
  for (auto* sum : {&sums.count, &sums.sum_low, &sums.sum_high, &sums.second, &sums.parity}) {
    *sum = reader.get<std::uint64_t>();
  }
  split.counters = get_counters(reader);
  return split;
}

void put_entry(ByteWriter& writer, const QuarantineEntry& entry) {
  writer.put(entry.split.value);
  writer.put(entry.offset.value);
  writer.put_string(entry.column);
  writer.put_string(entry.reason);
  writer.put_string(entry.record);
}

QuarantineEntry get_entry(ByteReader& reader) {
  QuarantineEntry entry;
  entry.split = SplitId(reader.get<std::uint32_t>());
  entry.offset = Offset(reader.get<std::uint64_t>());
  entry.column = reader.get_string();
  entry.reason = reader.get_string();
  entry.record = reader.get_string();
  return entry;
}

}  // namespace

DecodeCounters TrainerState::totals() const {
  DecodeCounters totals;
  for (const auto& split : splits) totals += split.counters;
  return totals;
}

Bytes TrainerState::encode() const {
  ByteWriter writer;
  writer.envelope(kFormat, kFormat);
  writer.put<std::uint64_t>(splits.size());
  for (const auto& split : splits) put_split(writer, split);
  evaluation.encode(writer);
  writer.put<std::uint64_t>(quarantine.size());
  for (const auto& entry : quarantine) put_entry(writer, entry);
  writer.put_array(std::span<const float>(replica.theta));
  writer.put<std::uint64_t>(replica.slots.size());
  for (const auto& slot : replica.slots) writer.put_array(std::span<const float>(slot));
  writer.put_array(std::span<const double>(replica.scalars));
  writer.put_array(std::span<const double>(statistics));
  writer.put<std::uint64_t>(dictionary.size());
  for (const auto& entry : dictionary) {
    writer.put(entry.field);
    writer.put_string(entry.text);
  }
  encode_lanes(lanes, writer);
  for (const auto& split : splits) writer.put_bytes(split.source);
  return std::move(writer).take();
}

Result<TrainerState> TrainerState::decode(ByteView bytes) {
  ByteReader reader(bytes);
  const auto format = reader.envelope(kFormat, "a trainer's state");
  std::vector<SplitState> splits;
  const auto count = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < count; ++i) splits.push_back(get_split(reader));
  MILLRACE_TRY(reader.status());
  MILLRACE_ASSIGN(Evaluation evaluation, Evaluation::decode(reader));
  TrainerState state(std::move(evaluation));
  state.splits = std::move(splits);
  const auto entries = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < entries; ++i) {
    state.quarantine.push_back(get_entry(reader));
  }
  const auto read_vector = [&] {
    const auto values = reader.get_array<float>();
    return AlignedVector<float>(values.begin(), values.end());
  };
  state.replica.theta = read_vector();
  const auto slots = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < slots; ++i) {
    state.replica.slots.push_back(read_vector());
  }
  state.replica.scalars = reader.get_array<double>();
  state.statistics = reader.get_array<double>();
  const auto words = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < words; ++i) {
    DictionaryEntry entry;
    entry.field = reader.get<std::uint32_t>();
    entry.text = reader.get_string();
    state.dictionary.push_back(std::move(entry));
  }
  if (reader.is_ok() && format > 1) {
    MILLRACE_ASSIGN(state.lanes, decode_lanes(reader));
    for (auto& split : state.splits) split.source = reader.get_bytes();
  }
  MILLRACE_TRY(reader.finish());
  return state;
}

TrainerState fresh_trainer_state(const TrainingSetup& setup) {
  return TrainerState(
      Evaluation(setup.schema.task, setup.head_classes, setup.spec.evaluation.window));
}

}  // namespace millrace
