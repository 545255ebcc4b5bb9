// The models in a state folder: one registry per job that has published something.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "coordinator/registry/model_registry.hpp"

namespace millrace::cli {

struct StoredModel {
  std::string name;
  std::filesystem::path folder;
};

// All of them by name, or the one called `name`. not_found, with the names there are, when there is
// none.
Result<std::vector<StoredModel>> find_stored_models(const std::string& state,
                                                    const std::string& name);

}  // namespace millrace::cli
