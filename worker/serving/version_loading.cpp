#include "worker/serving/version_loading.hpp"

#include <algorithm>

namespace millrace {
namespace {

const ServedModel* find_model(const std::vector<ServedModel>& models, const std::string& job) {
  const auto found = std::ranges::find(models, job, &ServedModel::name);
  return found == models.end() ? nullptr : &*found;
}

bool is_served(const VersionOrder& order, const PredictionServer& server) {
  const auto models = server.models();
  const auto* model = find_model(models, order.job);
  return model != nullptr && std::ranges::count(model->versions, order.version) != 0;
}

Result<std::shared_ptr<const PublishedModel>> load(const VersionOrder& order) {
  MILLRACE_ASSIGN(const auto store, open_checkpoint_store(order.store_url, order.stores));
  MILLRACE_ASSIGN(const Bytes bytes, store->get(order.object));
  const auto where = store->describe(order.object);
  auto model = PublishedModel::decode(bytes);
  if (!model.is_ok()) return model.status().with_context(where);
  const auto& lineage = model.value()->lineage();
  if (lineage.job != order.job || lineage.version != order.version ||
      model.value()->digest() != order.digest) {
    return Status(Code::corrupted,
                  where + " holds version " + std::to_string(lineage.version.value) + " of " +
                      lineage.job + " with digest " + model.value()->digest() + ", not version " +
                      std::to_string(order.version.value) + " of " + order.job + " with digest " +
                      order.digest,
                  "restore the object, or publish the version again");
  }
  return model;
}

}  // namespace

std::vector<ModelAlias> served_aliases(const std::string& job, const PredictionServer& server) {
  const auto models = server.models();
  const auto* model = find_model(models, job);
  return model == nullptr ? std::vector<ModelAlias>() : model->aliases;
}

Status load_version(const VersionOrder& order, PredictionServer& server) {
  std::shared_ptr<const PublishedModel> model;
  if (!order.object.empty() && !is_served(order, server)) {
    MILLRACE_ASSIGN(model, load(order));
  }
  return server.serve(order.job, std::move(model), order.aliases);
}

}  // namespace millrace
