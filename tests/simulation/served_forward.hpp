// 11: what clients of predictions see never goes back (P5).
//
// Fed with every move of production in the registry, and with every answer as its client gets it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "coordinator/registry/model_registry.hpp"
#include "tests/simulation/world.hpp"

namespace millrace::sim {

struct ServedAnswer {
  std::uint32_t client = 0;
  Address server;  // one life of it
  std::uint64_t min_revision = 0;
  std::uint64_t revision = 0;
  VersionId version;
};

class ServedForward {
 public:
  // By a publication or by a client; each returns what is broken, or nothing.
  std::string promoted(std::uint64_t revision, VersionId version);
  std::string moved(std::uint64_t revision, VersionId version);
  // By a coordinator that did not die of it.
  static std::string published(VersionId version, VersionId promoted_up_to);
  // What this life of a coordinator orders all workers to serve from now on.
  std::string ordered(Address coordinator, const std::vector<RegistryAlias>& aliases);
  // A client's answers come in the order of its requests.
  std::string answered(const ServedAnswer& answer);

 private:
  std::map<std::uint64_t, VersionId> moves_;  // by revision
  VersionId promoted_;
  std::map<Address, std::uint64_t> ordered_;
  std::map<std::pair<std::uint32_t, Address>, std::uint64_t> seen_;
};

}  // namespace millrace::sim
