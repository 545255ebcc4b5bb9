// The golden files: one folder per format version, read by every later version, written once.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/bytes.hpp"
#include "common/wire/prediction.hpp"

namespace millrace::test {

std::filesystem::path golden_path(const std::string& name);
Bytes read_golden(const std::string& name);
// Writes a file that does not exist yet; an existing one must hold these bytes.
void write_golden(const std::string& name, ByteView bytes);

// The requests and replies of the first version, as values.
struct GoldenMessages {
  wire::PredictRequest named, ordered, numeric;
  wire::PredictReply predictions, numeric_predictions, error;
};
GoldenMessages golden_messages();

}  // namespace millrace::test
