// The entries of a commit log in memory, which answers what a CommitLog asks for.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "coordinator/core/commit_log.hpp"

namespace millrace::test {

struct LogShelf {
  std::map<std::uint64_t, CommitEntry> entries;

  LogListed answer(const ListLog& list) const {
    if (entries.empty()) return {list.query, std::optional<std::uint64_t>()};
    return {list.query, std::optional(entries.rbegin()->first)};
  }
  LogRead answer(const ReadLog& read) const {
    const auto found = entries.find(read.index);
    if (found == entries.end()) return {read.index, std::optional<CommitEntry>()};
    return {read.index, std::optional(found->second)};
  }
  LogWritten answer(const WriteLog& write) {
    const bool is_new = entries.emplace(write.index, write.entry).second;
    return {write.index, is_new ? WriteOutcome::created : WriteOutcome::exists, {}};
  }
  void trim(const TrimLog& trim) {
    entries.erase(entries.begin(), entries.lower_bound(trim.below));
  }
  // Answers until nothing is asked any more; what remains is for whoever owns the log.
  std::vector<LogEffect> drive(CommitLog& log, std::vector<LogEffect> effects) {
    std::vector<LogEffect> rest;
    for (std::size_t i = 0; i < effects.size(); ++i) {
      const LogEffect effect = effects[i];
      std::vector<LogEffect> next;
      if (const auto* list = std::get_if<ListLog>(&effect)) {
        next = log.on_listed(answer(*list));
      } else if (const auto* read = std::get_if<ReadLog>(&effect)) {
        next = log.on_read(answer(*read));
      } else if (const auto* write = std::get_if<WriteLog>(&effect)) {
        next = log.on_written(answer(*write));
      } else if (const auto* gone = std::get_if<TrimLog>(&effect)) {
        trim(*gone);
      } else {
        rest.push_back(effect);
      }
      effects.insert(effects.end(), next.begin(), next.end());
    }
    return rest;
  }
};

}  // namespace millrace::test
