#include "coordinator/registry/shared_models.hpp"

#include <set>

namespace millrace {
namespace {

const std::string kPrefix = "models/";

std::string object_of(VersionId version) {
  return kPrefix + std::to_string(version.value);
}

Status remove_unkept(CheckpointStore& store, const ModelRegistry& registry) {
  // The objects first: one that is there by now has been in the registry.
  MILLRACE_ASSIGN(const auto objects, store.list(kPrefix));
  MILLRACE_ASSIGN(const auto versions, registry.versions());
  std::set<std::string> kept;
  for (const auto version : versions) kept.insert(object_of(version));
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
  MILLRACE_ASSIGN(const auto choice, registry.value().serving());
  if (!choice) return std::optional<SharedModel>();
  MILLRACE_ASSIGN(const auto model, registry.value().load(choice->version));
  SharedModel shared{object_of(choice->version), model->header(), choice->aliases};
  MILLRACE_TRY(store.put_if_absent(shared.object, model->encode()).status());
  MILLRACE_TRY(remove_unkept(store, registry.value()));
  return std::optional<SharedModel>(std::move(shared));
}

}  // namespace millrace
