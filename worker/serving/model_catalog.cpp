#include "worker/serving/model_catalog.hpp"

#include "common/base/mark.hpp"
#include "common/data/field_values.hpp"

namespace millrace {
namespace {

std::string version_text(VersionId version) {
  return std::to_string(version.value);
}

// "served: a, b, c", at most twenty.
template <typename Names>
std::string list_text(const char* what, const Names& names) {
  constexpr std::size_t kShown = 20;
  std::string text(what);
  text += ':';
  std::size_t shown = 0;
  for (const auto& [name, value] : names) {
    if (shown++ == kShown) return text + " ...";
    text += shown == 1 ? " " : ", ";
    if constexpr (std::is_same_v<std::decay_t<decltype(name)>, VersionId>) {
      text += version_text(name);
    } else {
      text += name;
    }
  }
  return text;
}

}  // namespace

void ModelCatalog::drop_oldest(Entry& entry, std::uint32_t versions_kept) {
  const auto is_named = [&entry](VersionId version) {
    return std::ranges::any_of(
        entry.aliases, [version](const auto& named) { return named.second.version == version; });
  };
  std::vector<VersionId> unnamed;
  for (const auto& [version, model] : entry.versions) {
    if (!is_named(version)) unnamed.push_back(version);
  }
  // The newest stays in any case: it is what a request without version or alias may mean.
  const std::size_t kept = std::max<std::size_t>(versions_kept, 1);
  for (std::size_t i = 0; i + kept < unnamed.size(); ++i) entry.versions.erase(unnamed[i]);
}

Status ModelCatalog::add(Entry& entry, std::shared_ptr<const PublishedModel> model) {
  const auto [place, is_new] = entry.versions.emplace(model->version(), model);
  if (is_new || place->second->digest() == model->digest()) return {};
  return {Code::conflict,
          "version " + version_text(model->version()) + " of '" + model->lineage().job +
              "' is served with another digest",
          "publish it under the next version: a version never changes"};
}

Status ModelCatalog::move(Entry& entry, const std::string& model, const ModelAlias& alias) {
  if (!entry.versions.contains(alias.version)) {
    return {Code::not_found,
            "version " + version_text(alias.version) + " of '" + model + "' is not served",
            "publish the version before an alias names it"};
  }
  const auto present = entry.aliases.find(alias.name);
  if (present != entry.aliases.end()) {
    const auto& [revision, version] = std::pair(present->second.revision, present->second.version);
    if (alias.revision < revision || (alias.revision == revision && alias.version != version)) {
      return {Code::conflict,
              "alias '" + alias.name + "' of '" + model + "' is at revision " +
                  std::to_string(revision) + ", which revision " + std::to_string(alias.revision) +
                  " does not follow",
              "read the alias again: it has moved since"};
    }
    if (alias.version < version) MILLRACE_MARK(alias_rolled_back);
  }
  entry.aliases[alias.name] = alias;
  return {};
}

Result<std::shared_ptr<const ModelCatalog>> ModelCatalog::with_version(
    std::shared_ptr<const PublishedModel> model, std::uint32_t versions_kept) const {
  const std::string& name = model->lineage().job;
  if (name.empty()) {
    return Status(Code::invalid_argument, "a version without the name of its job cannot be served",
                  "set Lineage::job");
  }
  auto catalog = std::make_shared<ModelCatalog>(*this);
  Entry& entry = catalog->models_[name];
  MILLRACE_TRY(add(entry, std::move(model)));
  drop_oldest(entry, versions_kept);
  return std::shared_ptr<const ModelCatalog>(std::move(catalog));
}

Result<std::shared_ptr<const ModelCatalog>> ModelCatalog::with_alias(
    const std::string& model, const ModelAlias& alias, std::uint32_t versions_kept) const {
  auto catalog = std::make_shared<ModelCatalog>(*this);
  Entry& entry = catalog->models_[model];
  MILLRACE_TRY(move(entry, model, alias));
  drop_oldest(entry, versions_kept);
  return std::shared_ptr<const ModelCatalog>(std::move(catalog));
}

Status check_revision(const ResolvedVersion& resolved, MinRevision min) {
  if (resolved.alias_revision >= min.value) return {};
  MILLRACE_MARK(server_behind_its_client);
  return {Code::conflict,
          "the alias is at revision " + std::to_string(resolved.alias_revision) +
              " here, behind the revision " + std::to_string(min.value) +
              " that the request asks for",
          "ask again: the server follows as soon as it hears of the move; or ask another one"};
}

Result<std::shared_ptr<const ModelCatalog>> ModelCatalog::with_order(
    const std::string& name, std::shared_ptr<const PublishedModel> model,
    const std::vector<ModelAlias>& aliases, std::uint32_t versions_kept) const {
  if (model != nullptr && model->lineage().job != name) {
    return Status(Code::invalid_argument, "a version of '" + model->lineage().job +
                                              "' cannot be served as one of '" + name + "'");
  }
  auto catalog = std::make_shared<ModelCatalog>(*this);
  Entry& entry = catalog->models_[name];
  if (model != nullptr) MILLRACE_TRY(add(entry, std::move(model)));
  for (const auto& alias : aliases) {
    const auto present = entry.aliases.find(alias.name);
    if (present != entry.aliases.end() && alias.revision < present->second.revision) {
      MILLRACE_MARK(order_overtaken);
      continue;
    }
    MILLRACE_TRY(move(entry, name, alias));
  }
  if (entry.versions.empty()) {
    catalog->models_.erase(name);
  } else {
    drop_oldest(entry, versions_kept);
  }
  return std::shared_ptr<const ModelCatalog>(std::move(catalog));
}

Result<const ModelCatalog::Entry*> ModelCatalog::find(std::string_view model) const {
  if (models_.empty()) {
    return Status(Code::not_found, "no model is served yet",
                  "ask again after the first version has been published");
  }
  if (model.empty() && models_.size() > 1) {
    return Status(Code::invalid_argument, "the request names no model, and several are served",
                  list_text("name one of", models_));
  }
  const auto found = model.empty() ? models_.begin() : models_.find(model);
  if (found == models_.end()) {
    return Status(Code::not_found, "no model " + quote_for_message(model) + " is served",
                  list_text("served", models_));
  }
  return &found->second;
}

Result<ResolvedVersion> ModelCatalog::resolve(std::string_view model, std::uint64_t version,
                                              std::string_view alias) const {
  MILLRACE_ASSIGN(const Entry* entry, find(model));
  if (version != 0 && !alias.empty()) {
    return Status(Code::invalid_argument, "the request names both a version and an alias",
                  "name one of them, or none");
  }
  if (version != 0) {
    const auto found = entry->versions.find(VersionId(version));
    if (found != entry->versions.end()) return ResolvedVersion{found->second, 0};
    return Status(Code::not_found, "version " + std::to_string(version) + " is not served",
                  list_text("served versions", entry->versions));
  }
  const auto& newest = entry->versions.rbegin()->second;
  if (alias == kNewestAlias) return ResolvedVersion{newest, 0};
  const auto named = entry->aliases.find(alias.empty() ? kProductionAlias : alias);
  if (named != entry->aliases.end()) {
    const auto& target = named->second;
    return ResolvedVersion{entry->versions.at(target.version), target.revision};
  }
  if (alias.empty() || alias == kProductionAlias) return ResolvedVersion{newest, 0};
  return Status(Code::not_found, "no alias " + quote_for_message(alias),
                entry->aliases.empty() ? "aliases: newest"
                                       : list_text("aliases: newest, and", entry->aliases));
}

std::vector<ServedModel> ModelCatalog::models() const {
  std::vector<ServedModel> models;
  for (const auto& [name, entry] : models_) {
    auto& info = models.emplace_back();
    info.name = name;
    for (const auto& [version, model] : entry.versions) info.versions.push_back(version);
    for (const auto& [alias_name, alias] : entry.aliases) info.aliases.push_back(alias);
  }
  return models;
}

}  // namespace millrace
