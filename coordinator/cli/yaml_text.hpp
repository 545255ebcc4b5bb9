// A JSON document as YAML text, for `--output yaml`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace millrace::cli {

std::string as_yaml(const nlohmann::ordered_json& document);

}  // namespace millrace::cli
