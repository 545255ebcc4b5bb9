#include "common/ml/shard_state.hpp"

#include <algorithm>

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;

AlignedVector<float> read_vector(ByteReader& reader) {
  const auto values = reader.get_array<float>();
  return {values.begin(), values.end()};
}

}  // namespace

Bytes ShardState::encode() const {
  ByteWriter writer;
  writer.envelope(kFormat, kFormat);
  writer.put(layout_id);
  writer.put(shard);
  writer.put_array(std::span<const float>(parameters.theta));
  writer.put<std::uint64_t>(parameters.slots.size());
  for (const auto& slot : parameters.slots) writer.put_array(std::span<const float>(slot));
  writer.put_array(std::span<const double>(parameters.scalars));
  writer.put_array(std::span<const double>(statistics));
  writer.put(static_cast<std::uint8_t>(dictionary.has_value()));
  if (dictionary) dictionary->encode(writer);
  return std::move(writer).take();
}

Result<ShardState> ShardState::decode(ByteView bytes) {
  ByteReader reader(bytes);
  reader.envelope(kFormat, "a parameter shard");
  ShardState state;
  state.layout_id = reader.get<std::uint64_t>();
  state.shard = reader.get<std::uint32_t>();
  state.parameters.theta = read_vector(reader);
  const auto slots = reader.get<std::uint64_t>();
  for (std::uint64_t i = 0; reader.is_ok() && i < slots; ++i) {
    state.parameters.slots.push_back(read_vector(reader));
    if (state.parameters.slots.back().size() != state.parameters.theta.size()) {
      reader.fail("a slot is not shaped like its parameters");
    }
  }
  state.parameters.scalars = reader.get_array<double>();
  state.statistics = reader.get_array<double>();
  const bool has_dictionary = reader.get<std::uint8_t>() != 0;
  MILLRACE_TRY(reader.status());
  if (has_dictionary) {
    MILLRACE_ASSIGN(state.dictionary, Dictionary::decode(reader));
  }
  MILLRACE_TRY(reader.finish());
  return state;
}

Status paste_shard(const ShardLayout& layout, std::uint32_t shard, std::span<const float> slice,
                   std::span<float> whole) {
  const ParameterLayout part = layout.slice(shard);
  if (slice.size() != part.total() || whole.size() != layout.whole().total()) {
    return Status(Code::corrupted, "parameter shard " + std::to_string(shard) + " has " +
                                       std::to_string(slice.size()) + " values, expected " +
                                       std::to_string(part.total()));
  }
  std::copy_n(slice.begin(), part.dense,
              whole.begin() + static_cast<std::ptrdiff_t>(layout.dense_begin(shard)));
  const std::size_t width = part.table_width;
  for (std::uint32_t row = 0; row < part.table_rows; ++row) {
    const std::size_t to =
        layout.whole().dense + std::size_t{layout.global_row(shard, row)} * width;
    std::copy_n(slice.data() + part.dense + row * width, width, whole.data() + to);
  }
  return {};
}

AlignedVector<float> cut_shard(const ShardLayout& layout, std::uint32_t shard,
                               std::span<const float> whole) {
  const ParameterLayout part = layout.slice(shard);
  AlignedVector<float> slice(part.total());
  std::copy_n(whole.data() + layout.dense_begin(shard), part.dense, slice.begin());
  const std::size_t width = part.table_width;
  for (std::uint32_t row = 0; row < part.table_rows; ++row) {
    const std::size_t from =
        layout.whole().dense + std::size_t{layout.global_row(shard, row)} * width;
    std::copy_n(whole.data() + from, width, slice.data() + part.dense + row * width);
  }
  return slice;
}

}  // namespace millrace
