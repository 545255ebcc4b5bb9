// What must be found in the sink.
#include "tests/simulation/checkers.hpp"

namespace millrace::sim {

namespace {

std::string name_of(const OutputRecord& record) {
  return "record " + std::to_string(record.second.value) + " of split " +
         std::to_string(record.first.value);
}

// The newest complete cut from `cut` on.
const CutContents* covering(CutId cut, const Store& store) {
  const auto& log = store.log();
  for (auto entry = log.rbegin(); entry != log.rend(); ++entry) {
    if (entry->kind == CommitKind::complete && entry->cut >= cut)
      return store.manifest(entry->cut, entry->attempt);
  }
  return nullptr;
}

}  // namespace

std::string OutputOnce::put_out(const OutputRecords& records, CutId cut, bool may_repeat,
                                const Store& store) {
  const CutContents* complete = covering(cut, store);
  if (complete == nullptr && !may_repeat)
    return "what was put out before cut " + std::to_string(cut.value) +
           " is in the sink, and neither it nor a later one is complete";
  for (const OutputRecord& record : records) {
    if (++seen_[record] > 1 && !may_repeat) return name_of(record) + " is in the sink twice";
    if (complete == nullptr || may_repeat) continue;
    for (const SplitProgress& split : complete->splits) {
      if (split.split == record.first && split.offset <= record.second)
        return name_of(record) + " is in the sink, and lies behind every complete cut";
    }
  }
  return {};
}

std::string OutputOnce::at_end(const CutContents& contents) const {
  for (const SplitProgress& split : contents.splits) {
    for (std::uint64_t offset = 0; offset < split.offset.value; ++offset) {
      const OutputRecord record(split.split, Offset(offset));
      if (!seen_.contains(record)) return name_of(record) + " never came to the sink";
    }
  }
  return {};
}

void Checkers::put_out(const OutputRecords& records, CutId cut) {
  const bool may_repeat = world_.options().is_branched || world_.injected().rotten > 0;
  report(outputs_.put_out(records, cut, may_repeat, store_));
}

}  // namespace millrace::sim
