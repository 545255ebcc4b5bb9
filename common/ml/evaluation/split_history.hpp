// What depends on the order of one split's records: the ring of the sliding window, the last label,
// and what the trivial baselines know.
//
// Place: Evaluation holds one per split, made when the split's first record is scored; it stays
// when the split is finished, since the report needs its window. Memory: 8 bytes per record of the
// window, and a count per class.
//
// Invariant: a history that continues another (the split moved to another replica) can be appended
// to it as if the split had never moved, except that majority and mean began anew.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"

namespace millrace {

// One scored record in 8 bytes.
struct ScoredClass {
  float score;  // probability of class 1 (binary) or of the label's class
  std::uint16_t label;
  std::uint16_t predicted : 15;
  std::uint16_t is_repeat : 1;  // the label before it was the same
};
struct ScoredValue {
  float label, prediction;
};

// The last `window` entries, oldest first; grown as records come, never past the window.
class Ring {
 public:
  // Makes room for `records` more, so that `push` does not allocate.
  void reserve(std::size_t records, std::size_t window);
  template <typename Entry>
  void push(const Entry& entry) {
    static_assert(sizeof(Entry) == sizeof(std::uint64_t));
    entries_[next_] = std::bit_cast<std::uint64_t>(entry);
    next_ = next_ + 1 == entries_.size() ? 0 : next_ + 1;
    if (size_ < entries_.size()) ++size_;
  }
  std::size_t size() const { return size_; }
  std::vector<std::uint64_t> in_order() const;
  void assign(std::vector<std::uint64_t> in_order);

 private:
  std::vector<std::uint64_t> entries_;
  std::size_t next_ = 0;  // where the next entry goes
  std::size_t size_ = 0;
};

struct SplitHistory {
  static constexpr std::uint32_t kNoLabel = std::numeric_limits<std::uint32_t>::max();

  std::uint64_t records = 0;  // scored here
  Offset first_offset, last_offset;
  Ring ring;

  // classification
  std::uint32_t first_label = kNoLabel, last_label = kNoLabel;
  std::uint32_t majority = kNoLabel;  // of the labels so far, the smallest id on a tie
  std::vector<std::uint64_t> label_counts;

  // regression
  double first_value = 0.0, last_value = 0.0;
  double value_sum = 0.0;  // of value - first_value

  // Whether the next label repeats the last one; learns it. Sets `is_majority` to whether it is the
  // majority so far.
  bool learn_label(std::uint32_t label, bool& is_majority) {
    is_majority = label == majority;
    const bool is_repeat = label == last_label;
    const auto count = ++label_counts[label];
    if (majority == kNoLabel) {
      first_label = majority = label;
    } else if (count > label_counts[majority] ||
               (count == label_counts[majority] && label < majority)) {
      majority = label;
    }
    last_label = label;
    ++records;
    return is_repeat;
  }

  // After counts were added from elsewhere.
  void choose_majority();

  void encode(ByteWriter& writer) const;
  void decode(ByteReader& reader, std::uint32_t classes, std::size_t window);
};

}  // namespace millrace
