// Loads a published version from a job's checkpoint store into the prediction server.
//
// Place: the worker host's loader calls it when the coordinator orders ServeVersion. Blocking: the
// store is read. Any thread.
//
// Invariant: nothing is served that is not the version, of the job and with the digest that was
// named; the revision of an alias never goes back.
#pragma once

#include <string>
#include <vector>

#include "common/store/checkpoint_store.hpp"
#include "worker/serving/prediction_server.hpp"

namespace millrace {

struct VersionOrder {
  std::string job;
  std::string store_url;
  std::string object;  // empty: nothing is loaded
  std::string digest;
  VersionId version;
  std::vector<ModelAlias> aliases;
  StoreOptions stores;  // what the store is opened with
};

// ok also for what is served already, and for aliases that have gone further since. corrupted when
// the object is not what was named.
Status load_version(const VersionOrder& order, PredictionServer& server);
// The aliases of a job as they are served now.
std::vector<ModelAlias> served_aliases(const std::string& job, const PredictionServer& server);

}  // namespace millrace
