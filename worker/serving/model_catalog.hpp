// Which versions are served and which one a request means: an immutable snapshot, replaced as a
// whole.
//
// Place: PredictionServer makes a new catalog on every publication and hands it to the serving
// thread; the thread resolves requests in it. Immutable once shared, so any thread may read it.
//
// Invariant: the newest version and the revision of an alias never fall from one catalog to its
// successor, so what a client sees under one alias never goes back unless the alias was moved.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/ml/published_model.hpp"

namespace millrace {

inline constexpr std::string_view kProductionAlias = "production";
inline constexpr std::string_view kNewestAlias = "newest";  // reserved: always the highest version

struct ModelAlias {
  std::string name;
  VersionId version;
  std::uint64_t revision = 0;  // raised by every move
};

struct ServedModel {
  std::string name;
  std::vector<VersionId> versions;  // ascending
  std::vector<ModelAlias> aliases;
};

// What a request means: the version, and the revision of the alias that led to it (0: none did).
struct ResolvedVersion {
  std::shared_ptr<const PublishedModel> model;
  std::uint64_t alias_revision = 0;
};

// What a client has seen of an alias on another server, or before this one was started again, must
// not be taken back: conflict where the alias has not come as far here. 0: the client did not say.
struct MinRevision {
  std::uint64_t value = 0;
};
Status check_revision(const ResolvedVersion& resolved, MinRevision min);

class ModelCatalog {
 public:
  // The catalog with one version more; at most `versions_kept` versions that no alias names are
  // kept per model.
  Result<std::shared_ptr<const ModelCatalog>> with_version(
      std::shared_ptr<const PublishedModel> model, std::uint32_t versions_kept) const;
  Result<std::shared_ptr<const ModelCatalog>> with_alias(const std::string& model,
                                                         const ModelAlias& alias,
                                                         std::uint32_t versions_kept) const;

  // An order to serve, as one change: nobody is answered from the version before the aliases have
  // moved. `model` null: no version comes with it. Aliases that are at the order's revision or
  // further stay: the order was overtaken.
  Result<std::shared_ptr<const ModelCatalog>> with_order(
      const std::string& name, std::shared_ptr<const PublishedModel> model,
      const std::vector<ModelAlias>& aliases, std::uint32_t versions_kept) const;

  // `model` empty: the only one. `version` 0: what `alias` names. `alias` empty: production, or the
  // newest where nothing is called so. not_found names what exists.
  Result<ResolvedVersion> resolve(std::string_view model, std::uint64_t version,
                                  std::string_view alias) const;
  std::vector<ServedModel> models() const;

 private:
  struct Entry {
    std::map<VersionId, std::shared_ptr<const PublishedModel>> versions;
    std::map<std::string, ModelAlias, std::less<>> aliases;
  };
  static Status add(Entry& entry, std::shared_ptr<const PublishedModel> model);
  static Status move(Entry& entry, const std::string& model, const ModelAlias& alias);
  static void drop_oldest(Entry& entry, std::uint32_t versions_kept);
  Result<const Entry*> find(std::string_view model) const;

  std::map<std::string, Entry, std::less<>> models_;
};

}  // namespace millrace
