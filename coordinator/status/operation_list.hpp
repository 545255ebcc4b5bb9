// What was asked for and takes longer than a request: by id, with state and result.
//
// Place: the coordinator begins one for each such request and ends it when the effect is there, or
// cannot be. Pure; one thread.
//
// Invariant: an operation ends once. The list is bounded: the oldest ended ones are forgotten
// first.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/base/status.hpp"
#include "common/wire/control_report.hpp"

namespace millrace {

class OperationList {
 public:
  // `life` tells the ids of this life of the coordinator from those of others.
  OperationList(std::string life, std::size_t operations_max)
      : life_(std::move(life)), operations_max_(operations_max) {}

  // resource_exhausted when as many as may be kept are still running.
  Result<std::string> begin(const std::string& kind, const std::string& job, std::uint64_t now_ms);
  // Nothing happens to one that has ended, or was never begun.
  void succeed(const std::string& id, const std::string& result, std::uint64_t now_ms);
  void fail(const std::string& id, const Status& why, std::uint64_t now_ms);
  // Null when there is none, or none any more.
  const control::Operation* find(const std::string& id) const;

 private:
  control::Operation* running(const std::string& id);
  bool make_room();

  std::string life_;
  std::size_t operations_max_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, control::Operation> operations_;  // by number
};

}  // namespace millrace
