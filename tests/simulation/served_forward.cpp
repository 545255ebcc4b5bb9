#include "tests/simulation/served_forward.hpp"

#include <utility>

namespace millrace::sim {

std::string ServedForward::promoted(std::uint64_t revision, VersionId version) {
  if (version <= promoted_) {
    return "version " + std::to_string(version.value) + " was promoted again";
  }
  promoted_ = version;
  // A client may have moved it there already.
  const bool is_there = moves_.contains(revision) && moves_.rbegin()->second == version;
  return is_there ? std::string() : moved(revision, version);
}

std::string ServedForward::moved(std::uint64_t revision, VersionId version) {
  const bool rises = moves_.empty() ? revision > 0 : revision > moves_.rbegin()->first;
  moves_.emplace(revision, version);
  return rises ? std::string() : "production was moved without a higher revision";
}

std::string ServedForward::published(VersionId version, VersionId promoted_up_to) {
  if (version <= promoted_up_to) return {};
  return "version " + std::to_string(version.value) + " was published and not promoted";
}

std::string ServedForward::ordered(Address coordinator, const std::vector<RegistryAlias>& aliases) {
  const std::uint64_t revision = aliases.empty() ? 0 : aliases.front().revision;
  std::uint64_t& before = ordered_[coordinator];
  if (revision < before) return "a coordinator ordered an older revision again";
  before = revision;
  return {};
}

std::string ServedForward::answered(const ServedAnswer& answer) {
  const std::string revision = "revision " + std::to_string(answer.revision);
  const auto move = moves_.find(answer.revision);
  if (answer.revision != 0 && (move == moves_.end() || move->second != answer.version)) {
    return revision + " was answered by another version than it points to";
  }
  // Before anything was promoted the newest version answers.
  if (answer.revision == 0 && !moves_.empty() && answer.version > moves_.begin()->second) {
    return "production was answered before it was known where it points";
  }
  std::uint64_t& seen = seen_[{answer.client, answer.server}];
  if (answer.revision < seen) {
    return "a server went back from revision " + std::to_string(seen) + " to " + revision;
  }
  seen = answer.revision;
  if (answer.revision >= answer.min_revision) return {};
  return "a client that has seen revision " + std::to_string(answer.min_revision) + " was given " +
         revision;
}

}  // namespace millrace::sim
