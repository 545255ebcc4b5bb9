#include "coordinator/registry/alias_file.hpp"

#include "common/base/mark.hpp"
#include "common/store/sealed_json.hpp"
#include "coordinator/registry/files.hpp"

namespace millrace {
namespace {

constexpr std::string_view kProductionName = "production";
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kAliasesMax = 1'024;
constexpr std::size_t kAliasNameBytesMax = 128;
constexpr std::size_t kAliasFileBytesMax = 1u << 20;

std::filesystem::path alias_path(const std::filesystem::path& folder) {
  return folder / "aliases.json";
}

}  // namespace

const RegistryAlias* AliasFile::find(std::string_view name) const {
  const auto found = std::ranges::find(aliases, name, &RegistryAlias::name);
  return found == aliases.end() ? nullptr : &*found;
}

RegistryAlias& AliasFile::move(std::string_view name, VersionId version) {
  auto found = std::ranges::lower_bound(aliases, name, {}, &RegistryAlias::name);
  if (found == aliases.end() || found->name != name) {
    found = aliases.insert(found, {.name = std::string(name), .version = {}, .revision = 0});
  }
  if (found->version != version) {
    found->version = version;
    ++found->revision;
  }
  return *found;
}

bool AliasFile::promote(VersionId version) {
  if (version <= promoted_up_to) {
    MILLRACE_MARK(promoted_before);
    return false;
  }
  promoted_up_to = version;
  move(kProductionName, version);
  return true;
}

std::optional<ServingChoice> AliasFile::serving(const std::vector<VersionId>& present) const {
  const RegistryAlias* production = find(kProductionName);
  if (production == nullptr && present.empty()) return std::nullopt;
  ServingChoice choice{production != nullptr ? production->version : present.back(), {}};
  for (const auto& alias : aliases) {
    if (alias.version == choice.version) choice.aliases.push_back(alias);
  }
  return choice;
}

Status check_alias_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const auto digits = name.substr(name.starts_with('v') ? 1 : 0);
  const bool is_number = digits.find_first_not_of("0123456789") == digits.npos;
  if (!name.empty() && name.size() <= kAliasNameBytesMax && !is_number && name != "newest" &&
      name.find_first_not_of(kAllowed) == name.npos) {
    return {};
  }
  return {Code::invalid_argument,
          "'" + std::string(name.substr(0, kAliasNameBytesMax)) + "' cannot name an alias",
          "use letters, digits, '-', '_' and '.'; not a number, and not `newest`"};
}

Result<AliasFile> read_aliases(const std::filesystem::path& folder) {
  const auto path = alias_path(folder);
  if (!std::filesystem::exists(path)) return AliasFile{};
  MILLRACE_ASSIGN(const Bytes bytes, read_file(path, kAliasFileBytesMax));
  auto json = open_sealed_json(bytes, kFormat, "the aliases");
  if (!json.is_ok()) return json.status().with_context(path.string());
  Status status;
  AliasFile file;
  JsonFields fields(json.value(), "aliases", status);
  file.promoted_up_to = VersionId(fields.number<std::uint64_t>("promoted_up_to"));
  for (const auto& member : fields.array("aliases")) {
    JsonFields alias(member, "alias", status);
    file.aliases.push_back({.name = alias.text("name"),
                            .version = VersionId(alias.number<std::uint64_t>("version")),
                            .revision = alias.number<std::uint64_t>("revision")});
  }
  MILLRACE_TRY(status.with_context(path.string()));
  std::ranges::sort(file.aliases, {}, &RegistryAlias::name);
  return file;
}

Status write_aliases(Disk& disk, const std::filesystem::path& folder, const AliasFile& file) {
  if (file.aliases.size() > kAliasesMax) {
    return {Code::resource_exhausted,
            "the registry " + folder.string() + " has " + std::to_string(kAliasesMax) + " aliases",
            "move an alias that exists instead of making another"};
  }
  OrderedJson json;
  json["promoted_up_to"] = file.promoted_up_to.value;
  auto& list = json["aliases"] = OrderedJson::array();
  for (const auto& alias : file.aliases) {
    list.push_back(
        {{"name", alias.name}, {"version", alias.version.value}, {"revision", alias.revision}});
  }
  MILLRACE_ASSIGN(const Bytes bytes, seal_json(std::move(json), kFormat, JsonLayout::pretty));
  return replace_file(disk, alias_path(folder), bytes);
}

}  // namespace millrace
