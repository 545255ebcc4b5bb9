#include "coordinator/registry/shared_models.hpp"

#include <set>

namespace millrace {
namespace {

const std::string kPrefix = "models/";

std::string object_of(VersionId version) {
  return kPrefix + std::to_string(version.value);
}

Status remove_unkept(CheckpointStore& store, const ModelRegistry& registry) {
  MILLRACE_ASSIGN(const auto versions, registry.versions());
  std::set<std::string> kept;
  for (const auto version : versions) kept.insert(object_of(version));
  MILLRACE_ASSIGN(const auto objects, store.list(kPrefix));
  for (const auto& object : objects) {
    if (!kept.contains(object)) MILLRACE_TRY(store.remove(object));
  }
  return {};
}

}  // namespace

Result<std::optional<SharedModel>> share_production(CheckpointStore& store,
                                                    const std::filesystem::path& models_folder) {
  const auto registry = ModelRegistry::open_existing(models_folder);
  if (registry.status().code() == Code::not_found) return std::optional<SharedModel>();
  MILLRACE_TRY(registry.status());
  const auto version = registry.value().resolve("");
  if (version.status().code() == Code::not_found) return std::optional<SharedModel>();
  MILLRACE_TRY(version.status());
  MILLRACE_ASSIGN(const auto model, registry.value().load(version.value()));
  SharedModel shared{object_of(version.value()), model->header(), {}};
  MILLRACE_ASSIGN(const auto aliases, registry.value().aliases());
  for (const auto& alias : aliases) {
    if (alias.version == version.value()) shared.aliases.push_back(alias);
  }
  MILLRACE_TRY(store.put_if_absent(shared.object, model->encode()).status());
  MILLRACE_TRY(remove_unkept(store, registry.value()));
  return std::optional<SharedModel>(std::move(shared));
}

}  // namespace millrace
