// Decides what a label is: classes or a value, which classes, and how many places its head
// reserves.
//
// Place: a step of schema inference, whose header states the rules. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/inference_table.hpp"

namespace millrace {

struct LabelDecision {
  Task task = Task::regression;
  std::vector<std::string> classes;
  bool classes_are_declared = false;
  std::uint32_t max_classes = 0;
  std::string positive;
  std::string evidence;
  std::vector<std::string> warnings;
};

Result<LabelDecision> decide_label(const SchemaSpec& spec, const ColumnFacts& label,
                                   std::size_t records);

}  // namespace millrace
