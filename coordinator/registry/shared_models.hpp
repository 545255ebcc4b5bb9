// The version of a job that clients are answered from, as an object of the job's store, where
// workers on other machines find it.
//
// Place: the coordinator calls it after a publication, and for every job when it starts. Blocks:
// not for scheduled actors. Threads: any; what another call stored already is left as it is.
//
// Invariant: an object's bytes are those of the version's file in the registry. Only versions that
// the registry keeps stay in the store.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "coordinator/registry/model_registry.hpp"

namespace millrace {

struct SharedModel {
  std::string object;  // name in the store
  PublishedModelHeader header;
  std::vector<RegistryAlias> aliases;  // that point to this version
};

// Puts the production version, else the newest, into the store; nothing when none was published.
Result<std::optional<SharedModel>> share_production(CheckpointStore& store,
                                                    const std::filesystem::path& models_folder);

}  // namespace millrace
