// The access policy of a server as its file says it now: read again when the file changes.
//
// Place: common/net's ClientGate owns the thread that calls `refresh` once a second; servers ask
// through a PolicyView of their own. `current`, `generation` and views in different threads may be
// used at the same time; `refresh` belongs to one thread.
//
// Invariant: a file that cannot be read or is wrong changes nothing: the policy read before stays
// in force, and `refresh` says why, once per state of the file. So an edit that goes wrong neither
// opens the server nor shuts everybody out.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/status.hpp"
#include "common/security/access_policy.hpp"

namespace millrace::security {

class WatchedPolicy {
 public:
  // Fails when the file cannot be read, is wrong, or can be changed by others.
  static Result<std::shared_ptr<WatchedPolicy>> open(const std::string& path);

  // True when another policy is in force now; an error when the file is unusable and was not so at
  // the call before.
  Result<bool> refresh();

  std::shared_ptr<const AccessPolicy> current() const;
  // Changes whenever `current` does.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  const std::string& path() const { return path_; }

 private:
  WatchedPolicy(std::string path, std::string text, AccessPolicy policy);

  const std::string path_;
  // Of the refreshing thread alone.
  std::string text_;
  std::string last_error_;

  mutable std::mutex mutex_;
  std::shared_ptr<const AccessPolicy> policy_;
  std::atomic<std::uint64_t> generation_ = 1;
};

// The policy as one thread sees it: takes a lock only after a change.
class PolicyView {
 public:
  explicit PolicyView(std::shared_ptr<const WatchedPolicy> watched)
      : watched_(std::move(watched)), policy_(watched_->current()) {}
  // Valid until the next call.
  const AccessPolicy& get();

 private:
  std::shared_ptr<const WatchedPolicy> watched_;
  std::shared_ptr<const AccessPolicy> policy_;
  std::uint64_t seen_ = 0;
};

}  // namespace millrace::security
