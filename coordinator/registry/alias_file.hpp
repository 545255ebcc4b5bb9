// aliases.json of a registry: which alias points to which version.
//
// Place: ModelRegistry reads it, and replaces it as a whole while it holds the registry's lock.
// Invariant: revisions and `promoted_up_to` never fall from one file to the next.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/store/disk.hpp"
#include "coordinator/registry/model_registry.hpp"

namespace millrace {

struct AliasFile {
  std::vector<RegistryAlias> aliases;  // by name
  // The newest version that was promoted when it was added: adding it again after a rollback must
  // not undo the rollback.
  VersionId promoted_up_to;

  const RegistryAlias* find(std::string_view name) const;
  // Points the alias to the version; its revision rises when that is a move.
  RegistryAlias& move(std::string_view name, VersionId version);
  // Points production to a version that was added. False, and nothing changes, when it was promoted
  // before, or a later one was.
  bool promote(VersionId version);
  // What clients are answered from where these versions are present (ascending): production, else
  // the newest.
  std::optional<ServingChoice> serving(const std::vector<VersionId>& present) const;
};

// Letters, digits, '-', '_' and '.', at most 128 bytes; neither a number nor `newest`.
Status check_alias_name(std::string_view name);

// An absent file is an empty one.
Result<AliasFile> read_aliases(const std::filesystem::path& folder);
Status write_aliases(Disk& disk, const std::filesystem::path& folder, const AliasFile& aliases);

}  // namespace millrace
