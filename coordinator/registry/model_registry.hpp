// The published versions of one job on disk, and the aliases that point to them.
//
// Place: the job master adds what it publishes; `millrace models`, `model show`, `serve` and
// `predict` read. Folder <state>/<job>/models: versions/<v>.model are immutable, aliases.json is
// replaced as a whole. Several processes may use one folder: a version is created or not at all,
// alias moves hold a file lock. Not thread-safe: one owner per object.
//
// Invariants: a version that `add` returned ok for survives a crash; a file is never rewritten; the
// revision of an alias only rises; a version that an alias names is never deleted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/ml/published_model.hpp"
#include "common/store/disk.hpp"

namespace millrace {

struct RegistryAlias {
  std::string name;
  VersionId version;
  std::uint64_t revision = 0;
};

// The version that clients are answered from, and the aliases that point to it.
struct ServingChoice {
  VersionId version;
  std::vector<RegistryAlias> aliases;
};

struct RegistryEntry {
  VersionId version;
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  Status status;  // not ok: the file cannot be read; `header` is then empty
  PublishedModelHeader header;
  std::vector<std::string> aliases;  // that point to it
};

struct RegistryOptions {
  std::uint32_t retain = 10;  // versions kept beside those an alias names, >= 1
  Disk* disk = &posix_disk();
};

class ModelRegistry {
 public:
  // Creates the folder where it is missing and removes what an interrupted `add` left.
  static Result<ModelRegistry> open(std::filesystem::path folder, RegistryOptions options = {});
  // Reads only; not_found when the folder holds no registry.
  static Result<ModelRegistry> open_existing(std::filesystem::path folder);

  enum class Promote { to_production, no };
  // Durable when it returns ok. The same version with the same digest again changes nothing; with
  // another digest it is a conflict. Moves `production` unless told not to, then deletes the oldest
  // beyond `retain`.
  Status add(const PublishedModel& model, Promote promote = Promote::to_production);

  // Points production to a version that is there, as `add` does: what is to be done when a life
  // that ended in the middle of an `add` left it out.
  Status promote(VersionId version);

  // Ascending. Only looks at names.
  Result<std::vector<VersionId>> versions() const;
  // Ascending, with lineage; a damaged file is an entry whose status says so.
  Result<std::vector<RegistryEntry>> list() const;
  // `reference`: a number ("7", "v7"), an alias, "newest", or empty: production, else the newest.
  Result<VersionId> resolve(std::string_view reference) const;
  Result<RegistryEntry> show(std::string_view reference) const;
  Result<std::shared_ptr<const PublishedModel>> load(VersionId version) const;
  Result<std::shared_ptr<const PublishedModel>> load(std::string_view reference) const;

  struct NewestUsable {
    std::shared_ptr<const PublishedModel> model;
    std::vector<Status> damaged;  // of the newer versions that were passed over
  };
  // The newest version whose file is intact.
  Result<NewestUsable> load_newest_usable() const;

  Result<std::vector<RegistryAlias>> aliases() const;
  // Points the alias to a version that exists and raises its revision; pointing it where it points
  // changes nothing. `newest` is reserved.
  Result<RegistryAlias> move_alias(const std::string& name, VersionId version);

  // Nothing when no version has been added.
  Result<std::optional<ServingChoice>> serving() const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  ModelRegistry(std::filesystem::path folder, RegistryOptions options)
      : folder_(std::move(folder)), options_(options) {}
  std::filesystem::path version_path(VersionId version) const;
  Result<RegistryEntry> entry(VersionId version, const std::vector<RegistryAlias>& aliases) const;
  Status promote_locked(VersionId version);
  Status delete_beyond_retention();

  std::filesystem::path folder_;
  RegistryOptions options_;
};

// <state>/<job>/models
std::filesystem::path registry_folder(const std::filesystem::path& state, const std::string& job);

}  // namespace millrace
