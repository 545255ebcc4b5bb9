// The folders below which the jobs of a cluster may read files.
//
// Place: whoever submits a job to a cluster names paths on the workers' machines; planner and state
// keeper ask here before a file is opened. Blocking; a value.
//
// Invariant: what is allowed lies, with every link followed, below a root, with every link
// followed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "worker/sources/split.hpp"

namespace millrace {

class DataRoots {
 public:
  // Whoever runs a job reads as that person: everything.
  DataRoots() = default;
  // Nothing but what lies below these; an empty list allows nothing. not_found when one is no
  // folder.
  static Result<DataRoots> below(const std::vector<std::string>& folders);

  // Where relative paths start that have no folder of their own; empty: nowhere.
  std::string first() const { return roots_ && !roots_->empty() ? roots_->front() : ""; }
  // permission_denied for a file that is outside; not_found when there is none.
  Status check(const std::string& path) const;
  // Every file that `source.path` means.
  Status check(const SourceSpec& source, const std::string& base_folder) const;
  Status check(const SourceSpec& source, const std::vector<SplitDescription>& splits) const;

 private:
  std::optional<std::vector<std::string>> roots_;  // canonical
};

}  // namespace millrace
