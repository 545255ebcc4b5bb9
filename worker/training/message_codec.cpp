#include "worker/training/message_codec.hpp"

#include <cmath>
#include <cstring>

#include "common/base/fields.hpp"
#include "common/base/limits.hpp"
#include "common/ml/kernels/merge_kernels.hpp"
#include "worker/training/parameter_payload.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;

constexpr std::size_t width_of(Precision precision) {
  return precision == Precision::bfloat16 ? sizeof(std::uint16_t) : sizeof(float);
}

// Lengths of one vector's blocks, which follow all fields.
struct BlockSizes {
  std::uint32_t dense = 0;
  std::uint32_t rows = 0;
  std::uint32_t row_values = 0;

  std::uint64_t bytes(Precision precision) const {
    return dense * std::uint64_t{width_of(precision)} +
           (std::uint64_t{rows} + row_values) * sizeof(float);
  }
};

// Of the dense numbers. Slots travel whole: they are squares and slow averages, whose small gains
// count.
Precision precision_of(std::size_t vector, Precision precision) {
  return vector == 0 ? precision : Precision::float32;
}

template <typename T>
ByteView block_of(const T& values) {
  return std::as_bytes(std::span(values));
}

template <typename T>
void read_block(ByteReader& reader, std::uint32_t count, T& values) {
  static_assert(sizeof(values[0]) == sizeof(float));
  const auto block = reader.get_view(count * sizeof(float));
  if (!reader.is_ok() || count == 0) return;
  values.resize(count);
  std::memcpy(values.data(), block.data(), block.size());
}

void read_numbers(ByteReader& reader, std::uint32_t count, Precision precision,
                  AlignedVector<float>& values) {
  if (precision == Precision::float32) return read_block(reader, count, values);
  const auto block = reader.get_view(count * width_of(precision));
  if (!reader.is_ok() || count == 0) return;
  values.resize(count);
  kernels::widen_bfloat16(block.data(), count, values.data());
}

std::vector<BlockSizes> sizes_of(const std::vector<Gradient>& vectors) {
  std::vector<BlockSizes> sizes;
  for (const auto& vector : vectors) {
    sizes.push_back({static_cast<std::uint32_t>(vector.dense.size()),
                     static_cast<std::uint32_t>(vector.rows.size()),
                     static_cast<std::uint32_t>(vector.row_values.size())});
  }
  return sizes;
}

// Numbers that were made for one frame, and what it shares with others.
struct RoundedBlock {
  AlignedVector<std::uint16_t> numbers;
  std::shared_ptr<const void> payload;
};

std::shared_ptr<const RoundedBlock> rounded(const AlignedVector<float>& values,
                                            std::shared_ptr<const void> payload) {
  auto block = std::make_shared<RoundedBlock>();
  block->numbers.resize(values.size());
  kernels::round_to_bfloat16(values.data(), values.size(), block->numbers.data());
  block->payload = std::move(payload);
  return block;
}

void add_blocks(const std::vector<Gradient>& vectors, Precision precision,
                const std::shared_ptr<const void>& payload, Frame& frame) {
  frame.owner = payload;
  for (std::size_t v = 0; v < vectors.size(); ++v) {
    if (precision_of(v, precision) == Precision::float32) {
      frame.blocks.push_back(block_of(vectors[v].dense));
    } else {
      const auto dense = rounded(vectors[v].dense, payload);
      frame.blocks.push_back(block_of(dense->numbers));
      frame.owner = dense;
    }
    frame.blocks.push_back(block_of(vectors[v].rows));
    frame.blocks.push_back(block_of(vectors[v].row_values));
  }
}

// The blocks are all that remains.
void read_blocks(ByteReader& reader, const std::vector<BlockSizes>& sizes, Precision precision,
                 std::vector<Gradient>& vectors) {
  std::uint64_t bytes = 0;
  for (std::size_t v = 0; v < sizes.size(); ++v)
    bytes += sizes[v].bytes(precision_of(v, precision));
  if (reader.is_ok() && bytes != reader.remaining()) {
    reader.fail("the vectors are longer or shorter than their blocks");
  }
  if (!reader.is_ok()) return;
  vectors.resize(sizes.size());
  for (std::size_t v = 0; v < sizes.size(); ++v) {
    read_numbers(reader, sizes[v].dense, precision_of(v, precision), vectors[v].dense);
    read_block(reader, sizes[v].rows, vectors[v].rows);
    read_block(reader, sizes[v].row_values, vectors[v].row_values);
  }
}

bool is_share(double value) {
  return value >= 0.0 && value <= 1.0;  // and not NaN
}

}  // namespace

template <typename F>
static void fields(F& f, BlockSizes& sizes) {
  f(sizes.dense, sizes.rows, sizes.row_values);
}

template <typename F>
static void fields(F& f, DictionaryEntry& entry) {
  f(entry.field, TextField{entry.text, limits::kLineBytesMax, "bytes of a category"});
}

template <typename F>
static void fields(F& f, Entry& entry) {
  f(entry.attempt, entry.replica, entry.shard, entry.sequence,
    EnumField{entry.kind, EntryKind::barrier, "the kind of an entry"}, entry.cut, entry.round,
    entry.records, entry.weight,
    EnumField{entry.participation, Participation::finished, "a participation"}, entry.fingerprint);
}

template <typename F>
static void fields(F& f, CutOrder& order) {
  f(order.cut, order.after_round);
}

template <typename F>
static void fields(F& f, Answer& answer) {
  f(answer.attempt, answer.replica, answer.shard, answer.sequence, answer.slowest_active_round,
    answer.recent_share, answer.passed, answer.cut_order);
}

template <typename F>
static void fields(F& f, ParameterPush& push, std::vector<BlockSizes>& sizes) {
  f(EnumField{push.kind, PushKind::position, "the kind of a push"},
    EnumField{push.precision, Precision::bfloat16, "a precision"}, push.layout_id, push.rate_scale,
    ListField{sizes, limits::kPushVectorsMax, "vectors of a push"},
    ListField{push.scalars, limits::kScalarsMax, "scalars"},
    ListField{push.statistics, limits::kStatisticsMax, "statistics"},
    ListField{push.proposals, limits::kDictionaryEntriesMax, "categories"});
}

template <typename F>
static void fields(F& f, ParameterView& view, std::vector<BlockSizes>& sizes,
                   std::vector<DictionaryEntry>& dictionary) {
  f(EnumField{view.precision, Precision::bfloat16, "a precision"},
    ListField{sizes, limits::kPushVectorsMax, "vectors of a view"},
    ListField{view.scalars, limits::kScalarsMax, "scalars"},
    ListField{view.statistics, limits::kStatisticsMax, "statistics"},
    ListField{dictionary, limits::kDictionaryEntriesMax, "categories"});
}

template <typename F>
static void fields(F& f, Chunk& chunk) {
  f(chunk.origin, chunk.transfer, EnumField{chunk.kind, BulkKind::answer, "the kind of a chunk"},
    chunk.attempt, chunk.bytes, chunk.piece_bytes, chunk.index);
}

template <typename F>
static void fields(F& f, ChunkAck& ack) {
  f(ack.transfer, ack.index, ack.is_refused);
}

namespace {

Result<Frame> make_frame(const FieldWriter& writer, ByteWriter& bytes, const char* what) {
  if (!writer.status().is_ok()) return writer.status().with_context(what);
  return Frame{std::move(bytes).take(), {}, {}};
}

}  // namespace

// The descriptions above serve both directions; a FieldWriter changes nothing.
template <>
Result<Frame> encode_message(const Entry& entry) {
  ByteWriter bytes;
  bytes.envelope(kFormat, kFormat);
  FieldWriter writer(bytes);
  bool has_payload = entry.payload != nullptr;
  writer(const_cast<Entry&>(entry), has_payload);
  if (!has_payload) return make_frame(writer, bytes, "an entry");
  const auto& push = static_cast<const ParameterPush&>(*entry.payload);
  auto sizes = sizes_of(push.vectors);
  fields(writer, const_cast<ParameterPush&>(push), sizes);
  MILLRACE_ASSIGN(Frame frame, make_frame(writer, bytes, "an entry"));
  add_blocks(push.vectors, push.precision, entry.payload, frame);
  return frame;
}

template <>
Result<Entry> decode_message(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "an entry");
  FieldReader visitor(reader);
  Entry entry;
  bool has_payload = false;
  if (reader.is_ok()) visitor(entry, has_payload);
  if (reader.is_ok() && (!is_share(entry.weight) || entry.sequence == Sequence(0))) {
    reader.fail("its weight is no share, or it has no number");
  }
  if (reader.is_ok() && has_payload) {
    auto push = std::make_shared<ParameterPush>();
    std::vector<BlockSizes> sizes;
    fields(visitor, *push, sizes);
    if (!std::isfinite(push->rate_scale)) reader.fail("its rate is not a number");
    read_blocks(reader, sizes, push->precision, push->vectors);
    entry.payload = std::move(push);
  }
  if (const auto status = reader.finish(); !status.is_ok()) return status.with_context("an entry");
  return entry;
}

template <>
Result<Frame> encode_message(const Answer& answer) {
  ByteWriter bytes;
  bytes.envelope(kFormat, kFormat);
  FieldWriter writer(bytes);
  bool has_values = answer.values != nullptr;
  writer(const_cast<Answer&>(answer), has_values);
  if (!has_values) return make_frame(writer, bytes, "an answer");
  const auto& view = static_cast<const ParameterView&>(*answer.values);
  auto sizes = sizes_of(view.vectors);
  std::vector<DictionaryEntry> none;
  const auto* dictionary = view.dictionary != nullptr ? view.dictionary.get() : &none;
  fields(writer, const_cast<ParameterView&>(view), sizes,
         const_cast<std::vector<DictionaryEntry>&>(*dictionary));
  MILLRACE_ASSIGN(Frame frame, make_frame(writer, bytes, "an answer"));
  add_blocks(view.vectors, view.precision, answer.values, frame);
  return frame;
}

template <>
Result<Answer> decode_message(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "an answer");
  FieldReader visitor(reader);
  Answer answer;
  bool has_values = false;
  if (reader.is_ok()) visitor(answer, has_values);
  if (reader.is_ok() && !is_share(answer.recent_share)) reader.fail("its share is no share");
  if (reader.is_ok() && has_values) {
    auto view = std::make_shared<ParameterView>();
    std::vector<BlockSizes> sizes;
    auto dictionary = std::make_shared<std::vector<DictionaryEntry>>();
    fields(visitor, *view, sizes, *dictionary);
    if (!dictionary->empty()) view->dictionary = std::move(dictionary);
    read_blocks(reader, sizes, view->precision, view->vectors);
    answer.values = std::move(view);
  }
  if (const auto status = reader.finish(); !status.is_ok()) return status.with_context("an answer");
  return answer;
}

template <>
Result<Frame> encode_message(const Chunk& chunk) {
  ByteWriter bytes;
  bytes.envelope(kFormat, kFormat);
  FieldWriter writer(bytes);
  writer(const_cast<Chunk&>(chunk));
  MILLRACE_ASSIGN(Frame frame, make_frame(writer, bytes, "a chunk"));
  chunk.frame->for_each_piece(chunk.begin, chunk.size,
                              [&](ByteView piece) { frame.blocks.push_back(piece); });
  frame.owner = chunk.frame;
  return frame;
}

template <>
Result<Chunk> decode_message(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "a chunk");
  FieldReader visitor(reader);
  Chunk chunk;
  if (reader.is_ok()) visitor(chunk);
  const std::size_t size = reader.remaining();
  if (size > limits::kChunkBytesMax) reader.fail("it is longer than a chunk");
  const auto piece = reader.get_view(size);
  if (const auto status = reader.finish(); !status.is_ok()) return status.with_context("a chunk");
  chunk.frame = std::make_shared<const Frame>(Frame{Bytes(piece.begin(), piece.end()), {}, {}});
  chunk.size = static_cast<std::uint32_t>(size);
  return chunk;
}

template <>
Result<Frame> encode_message(const ChunkAck& ack) {
  ByteWriter bytes;
  bytes.envelope(kFormat, kFormat);
  FieldWriter writer(bytes);
  writer(const_cast<ChunkAck&>(ack));
  return make_frame(writer, bytes, "an acknowledgement");
}

template <>
Result<ChunkAck> decode_message(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "an acknowledgement");
  FieldReader visitor(reader);
  ChunkAck ack;
  if (reader.is_ok()) visitor(ack);
  if (const auto status = reader.finish(); !status.is_ok()) {
    return status.with_context("an acknowledgement");
  }
  return ack;
}

}  // namespace millrace
