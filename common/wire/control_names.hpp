// How a field of control_fields.hpp is called in the schema.
//
// Place: inside common/wire only.
#pragma once

#include <capnp/schema.h>

#include <string>
#include <string_view>

namespace millrace::wire {

// "records_per_second" -> "recordsPerSecond"
inline std::string schema_name(std::string_view name) {
  std::string text;
  bool is_next_upper = false;
  for (const char c : name) {
    if (c != '_') text += is_next_upper ? static_cast<char>(c - 'a' + 'A') : c;
    is_next_upper = c == '_';
  }
  return text;
}

// A description that names a field which the schema lacks is a programmer's error, which every test
// of the codec meets.
inline capnp::StructSchema::Field schema_field(capnp::StructSchema schema, std::string_view name) {
  return schema.getFieldByName(schema_name(name).c_str());
}

}  // namespace millrace::wire
