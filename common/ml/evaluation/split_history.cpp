#include "common/ml/evaluation/split_history.hpp"

#include <algorithm>

namespace millrace {

void Ring::reserve(std::size_t records, std::size_t window) {
  const std::size_t needed = std::min(size_ + records, window);
  if (needed <= entries_.size()) return;
  auto kept = in_order();
  kept.resize(std::min(std::max(needed, 2 * entries_.size()), window));
  next_ = size_;  // the ring was shorter than its window, so it was not yet overwriting
  entries_ = std::move(kept);
}

std::vector<std::uint64_t> Ring::in_order() const {
  std::vector<std::uint64_t> ordered;
  ordered.reserve(size_);
  const std::size_t oldest = next_ >= size_ ? next_ - size_ : next_ + entries_.size() - size_;
  for (std::size_t i = 0; i < size_; ++i)
    ordered.push_back(entries_[(oldest + i) % entries_.size()]);
  return ordered;
}

void Ring::assign(std::vector<std::uint64_t> in_order) {
  entries_ = std::move(in_order);
  size_ = entries_.size();
  next_ = 0;
}

void SplitHistory::choose_majority() {
  const auto most = std::ranges::max_element(label_counts);  // the first of equals
  majority = most == label_counts.end() || *most == 0
                 ? kNoLabel
                 : static_cast<std::uint32_t>(most - label_counts.begin());
}

void SplitHistory::encode(ByteWriter& writer) const {
  writer.put(records);
  writer.put(first_offset.value);
  writer.put(last_offset.value);
  writer.put_array(std::span<const std::uint64_t>(ring.in_order()));
  writer.put(first_label);
  writer.put(last_label);
  writer.put(majority);
  writer.put_array(std::span<const std::uint64_t>(label_counts));
  for (const double value : {first_value, last_value, value_sum}) writer.put(value);
}

void SplitHistory::decode(ByteReader& reader, std::uint32_t classes, std::size_t window) {
  records = reader.get<std::uint64_t>();
  first_offset = Offset(reader.get<std::uint64_t>());
  last_offset = Offset(reader.get<std::uint64_t>());
  auto entries = reader.get_array<std::uint64_t>();
  first_label = reader.get<std::uint32_t>();
  last_label = reader.get<std::uint32_t>();
  majority = reader.get<std::uint32_t>();
  label_counts = reader.get_array<std::uint64_t>();
  for (double* value : {&first_value, &last_value, &value_sum}) *value = reader.get<double>();
  if (!reader.is_ok()) return;
  if (entries.size() > window) return reader.fail("a window holds more than its records");
  if (label_counts.size() != classes) return reader.fail("label counts do not match the classes");
  for (const auto label : {first_label, last_label, majority}) {
    if (label != kNoLabel && label >= classes) return reader.fail("a label is beyond the classes");
  }
  for (const auto entry : entries) {
    const auto scored = std::bit_cast<ScoredClass>(entry);
    if (classes != 0 && (scored.label >= classes || scored.predicted >= classes))
      return reader.fail("a window's label is beyond the classes");
  }
  ring.assign(std::move(entries));
}

}  // namespace millrace
