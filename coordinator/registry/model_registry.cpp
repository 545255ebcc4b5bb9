#include "coordinator/registry/model_registry.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "common/base/limits.hpp"
#include "coordinator/registry/alias_file.hpp"
#include "coordinator/registry/files.hpp"

namespace millrace {
namespace {

constexpr std::string_view kProduction = "production";
constexpr std::string_view kNewest = "newest";
constexpr std::string_view kSuffix = ".model";
// Parameters, with room for dictionary, statistics and lineage.
constexpr std::size_t kModelBytesMax = limits::kParametersMax * sizeof(float) + (256u << 20);
// Envelope and header size, which say how much of a file the header takes; then its checksum.
constexpr std::size_t kFrontBytes = 2 * sizeof(std::uint16_t) + sizeof(std::uint64_t);
constexpr std::size_t kHeaderBytesMax = 64u << 20;

std::optional<VersionId> parse_version(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return VersionId(number);
}

std::string list_text(const std::vector<VersionId>& versions, const AliasFile& aliases) {
  if (versions.empty()) return "no version has been published yet";
  constexpr std::size_t kShown = 10;
  std::string text = "there are the versions";
  const std::size_t first = versions.size() > kShown ? versions.size() - kShown : 0;
  if (first != 0) text += " ...";
  for (std::size_t i = first; i < versions.size(); ++i) {
    text += ' ' + std::to_string(versions[i].value);
  }
  for (const auto& alias : aliases.aliases) {
    text += ", " + alias.name + " (" + std::to_string(alias.version.value) + ")";
  }
  return text;
}

Status damaged(const Status& status, const std::filesystem::path& path) {
  if (status.code() != Code::corrupted) return status.with_context(path.string());
  return {Code::corrupted, path.string() + ": " + status.message(),
          "other versions are not affected: `millrace models` lists them"};
}

Result<PublishedModelHeader> read_model_header(const std::filesystem::path& path) {
  MILLRACE_ASSIGN(const Bytes front, read_prefix(path, kFrontBytes));
  std::uint64_t header_bytes = 0;
  if (front.size() == kFrontBytes) {
    std::memcpy(&header_bytes, front.data() + kFrontBytes - sizeof(header_bytes),
                sizeof(header_bytes));
  }
  const std::size_t wanted =
      std::min<std::uint64_t>(header_bytes, kHeaderBytesMax) + kFrontBytes + sizeof(std::uint32_t);
  MILLRACE_ASSIGN(const Bytes prefix, read_prefix(path, wanted));
  return PublishedModel::decode_header(prefix);
}

}  // namespace

std::filesystem::path registry_folder(const std::filesystem::path& state, const std::string& job) {
  return state / job / "models";
}

Result<ModelRegistry> ModelRegistry::open(std::filesystem::path folder, RegistryOptions options) {
  MILLRACE_CHECK(options.retain >= 1);
  ModelRegistry registry(std::move(folder), options);
  const auto versions = registry.folder_ / "versions";
  MILLRACE_TRY(make_folders(*options.disk, versions.string()));
  MILLRACE_ASSIGN(const FolderLock lock, FolderLock::take(registry.folder_));
  remove_temporaries(*options.disk, versions);
  remove_temporaries(*options.disk, registry.folder_);
  return registry;
}

Result<ModelRegistry> ModelRegistry::open_existing(std::filesystem::path folder) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder / "versions", ignored)) {
    return Status(Code::not_found, "no model has been published in " + folder.string(),
                  "train one with `millrace run`, or name another folder with --state");
  }
  return ModelRegistry(std::move(folder), RegistryOptions{});
}

std::filesystem::path ModelRegistry::version_path(VersionId version) const {
  return folder_ / "versions" / (std::to_string(version.value) + std::string(kSuffix));
}

Status ModelRegistry::add(const PublishedModel& model, Promote promote) {
  MILLRACE_ASSIGN(const FolderLock lock, FolderLock::take(folder_));
  const auto path = version_path(model.version());
  Status created = create_file(*options_.disk, path, model.encode());
  if (created.code() == Code::conflict) {
    MILLRACE_ASSIGN(const auto present, load(model.version()));
    if (present->digest() == model.digest()) created = {};
  }
  if (created.code() == Code::conflict) {
    return {Code::conflict,
            path.string() + " holds another model under version " +
                std::to_string(model.version().value),
            "publish it under the next version: a version is never rewritten"};
  }
  MILLRACE_TRY(created);
  if (promote == Promote::to_production) MILLRACE_TRY(promote_locked(model.version()));
  return delete_beyond_retention();
}

Status ModelRegistry::promote(VersionId version) {
  MILLRACE_ASSIGN(const FolderLock lock, FolderLock::take(folder_));
  return promote_locked(version);
}

Status ModelRegistry::promote_locked(VersionId version) {
  MILLRACE_ASSIGN(AliasFile file, read_aliases(folder_));
  if (!file.promote(version)) return {};
  return write_aliases(*options_.disk, folder_, file);
}

// Called with the lock held, so that no alias moves to a version that is being deleted.
Status ModelRegistry::delete_beyond_retention() {
  MILLRACE_ASSIGN(const AliasFile file, read_aliases(folder_));
  MILLRACE_ASSIGN(std::vector<VersionId> unnamed, versions());
  std::erase_if(unnamed, [&file](VersionId version) {
    return std::ranges::find(file.aliases, version, &RegistryAlias::version) != file.aliases.end();
  });
  if (unnamed.size() <= options_.retain) return {};
  unnamed.resize(unnamed.size() - options_.retain);
  for (const auto version : unnamed) {
    const std::string path = version_path(version).string();
    if (options_.disk->unlink(path) != 0) return disk_error("delete", path, errno);
  }
  return sync_folder(*options_.disk, (folder_ / "versions").string());
}

Result<std::vector<VersionId>> ModelRegistry::versions() const {
  const auto folder = folder_ / "versions";
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) return disk_error("list", folder.string(), error.value());
  std::vector<VersionId> versions;
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    const auto number = std::string_view(name).substr(0, name.size() - kSuffix.size());
    if (const auto version = parse_version(number)) versions.push_back(*version);
  }
  std::ranges::sort(versions);
  return versions;
}

Result<RegistryEntry> ModelRegistry::entry(VersionId version,
                                           const std::vector<RegistryAlias>& aliases) const {
  RegistryEntry entry;
  entry.version = version;
  entry.path = version_path(version);
  std::error_code error;
  entry.bytes = std::filesystem::file_size(entry.path, error);
  if (error) return disk_error("read", entry.path.string(), error.value());
  auto header = read_model_header(entry.path);
  if (header.is_ok()) {
    entry.header = std::move(header).value();
  } else {
    entry.status = damaged(header.status(), entry.path);
  }
  for (const auto& alias : aliases) {
    if (alias.version == version) entry.aliases.push_back(alias.name);
  }
  return entry;
}

Result<std::vector<RegistryEntry>> ModelRegistry::list() const {
  MILLRACE_ASSIGN(const AliasFile file, read_aliases(folder_));
  MILLRACE_ASSIGN(const std::vector<VersionId> present, versions());
  std::vector<RegistryEntry> entries;
  for (const auto version : present) {
    auto found = entry(version, file.aliases);
    // Deleted by its owner since the folder was listed.
    if (!found.is_ok() && found.status().code() == Code::not_found) continue;
    if (!found.is_ok()) return found.status();
    entries.push_back(std::move(found).value());
  }
  return entries;
}

Result<VersionId> ModelRegistry::resolve(std::string_view reference) const {
  MILLRACE_ASSIGN(const AliasFile file, read_aliases(folder_));
  MILLRACE_ASSIGN(const std::vector<VersionId> present, versions());
  const bool is_default = reference.empty() || reference == kProduction;
  const auto* alias = file.find(is_default ? kProduction : reference);
  if (alias != nullptr) return alias->version;
  if ((is_default || reference == kNewest) && !present.empty()) return present.back();
  const auto number = parse_version(reference.substr(reference.starts_with('v') ? 1 : 0));
  if (number && std::ranges::binary_search(present, *number)) return *number;
  const std::string what =
      reference.empty() ? "no version" : "no version '" + std::string(reference) + "'";
  return Status(Code::not_found, what + " in " + folder_.string(), list_text(present, file));
}

Result<RegistryEntry> ModelRegistry::show(std::string_view reference) const {
  MILLRACE_ASSIGN(const VersionId version, resolve(reference));
  MILLRACE_ASSIGN(const AliasFile file, read_aliases(folder_));
  return entry(version, file.aliases);
}

Result<std::shared_ptr<const PublishedModel>> ModelRegistry::load(VersionId version) const {
  const auto path = version_path(version);
  MILLRACE_ASSIGN(const Bytes bytes, read_file(path, kModelBytesMax));
  auto model = PublishedModel::decode(bytes);
  if (!model.is_ok()) return damaged(model.status(), path);
  if (model.value()->version() != version) {
    return damaged(
        {Code::corrupted, "it holds version " + std::to_string(model.value()->version().value)},
        path);
  }
  return model;
}

Result<std::shared_ptr<const PublishedModel>> ModelRegistry::load(
    std::string_view reference) const {
  MILLRACE_ASSIGN(const VersionId version, resolve(reference));
  return load(version);
}

Result<ModelRegistry::NewestUsable> ModelRegistry::load_newest_usable() const {
  MILLRACE_ASSIGN(const std::vector<VersionId> present, versions());
  NewestUsable result;
  for (auto version = present.rbegin(); version != present.rend(); ++version) {
    auto model = load(*version);
    if (model.is_ok()) {
      result.model = std::move(model).value();
      return result;
    }
    result.damaged.push_back(model.status());
  }
  if (result.damaged.empty()) {
    return Status(Code::not_found, "no version in " + folder_.string(),
                  "train one with `millrace run`");
  }
  return result.damaged.front();
}

Result<std::vector<RegistryAlias>> ModelRegistry::aliases() const {
  MILLRACE_ASSIGN(AliasFile file, read_aliases(folder_));
  return std::move(file.aliases);
}

// The versions first: what an alias names afterwards is there, or was deleted since.
Result<std::optional<ServingChoice>> ModelRegistry::serving() const {
  MILLRACE_ASSIGN(const std::vector<VersionId> present, versions());
  MILLRACE_ASSIGN(const AliasFile file, read_aliases(folder_));
  return file.serving(present);
}

Result<RegistryAlias> ModelRegistry::move_alias(const std::string& name, VersionId version) {
  MILLRACE_TRY(check_alias_name(name));
  MILLRACE_ASSIGN(const FolderLock lock, FolderLock::take(folder_));
  MILLRACE_ASSIGN(AliasFile file, read_aliases(folder_));
  MILLRACE_ASSIGN(const std::vector<VersionId> present, versions());
  if (!std::ranges::binary_search(present, version)) {
    return Status(Code::not_found,
                  "no version " + std::to_string(version.value) + " in " + folder_.string(),
                  list_text(present, file));
  }
  const RegistryAlias alias = file.move(name, version);
  MILLRACE_TRY(write_aliases(*options_.disk, folder_, file));
  return alias;
}

}  // namespace millrace
