// Where the inferred schema looks wrong, in words for people.
//
// Place: the last step of inference. Pure; warns about records numbered by a field, features that
// give the label away, classes seen once, constant and empty columns, values that will be
// quarantined.
#pragma once

#include <string>
#include <vector>

#include "common/data/inference_table.hpp"
#include "common/data/schema.hpp"

namespace millrace {

std::vector<std::string> find_warnings(const Schema& schema, const InferenceTable& table);

// "10,000".
std::string count_text(std::size_t count);

}  // namespace millrace
