// Which columns a record has that do not stand in its message's value.
//
// Place: the source lays a message out as a line of these columns, and inference names them; both
// ask here, so that they agree. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/config/job_spec.hpp"

namespace millrace {

// The name of the column that holds the key, which may be the label; empty: the key is no column.
std::string kafka_key_column(const KafkaSpec& kafka, const std::string& label);

// The columns behind those of the value, in the order of a line: key, timestamp, headers.
std::vector<std::string> kafka_columns_behind(const KafkaSpec& kafka, const std::string& label);

}  // namespace millrace
