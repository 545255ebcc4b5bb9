#include "common/security/watched_policy.hpp"

#include "common/security/key_files.hpp"

namespace millrace::security {

WatchedPolicy::WatchedPolicy(std::string path, std::string text, AccessPolicy policy)
    : path_(std::move(path)),
      text_(std::move(text)),
      policy_(std::make_shared<const AccessPolicy>(std::move(policy))) {}

Result<std::shared_ptr<WatchedPolicy>> WatchedPolicy::open(const std::string& path) {
  MILLRACE_ASSIGN(std::string text, read_trusted_file(path));
  MILLRACE_ASSIGN(AccessPolicy policy, AccessPolicy::parse(text, path));
  return std::shared_ptr<WatchedPolicy>(
      new WatchedPolicy(path, std::move(text), std::move(policy)));
}

Result<bool> WatchedPolicy::refresh() {
  const auto failed = [&](const Status& status) -> Result<bool> {
    if (status.message() == last_error_) return false;
    last_error_ = status.message();
    return status;
  };
  // The whole file each time, a page as a rule: times and sizes can stay the same over an edit.
  auto read = read_trusted_file(path_);
  if (!read.is_ok()) return failed(read.status());
  if (read.value() == text_) {
    last_error_.clear();
    return false;
  }
  auto parsed = AccessPolicy::parse(read.value(), path_);
  if (!parsed.is_ok()) return failed(parsed.status());
  text_ = std::move(read).value();
  last_error_.clear();
  const std::lock_guard lock(mutex_);
  policy_ = std::make_shared<const AccessPolicy>(std::move(parsed).value());
  generation_.fetch_add(1, std::memory_order_release);
  return true;
}

std::shared_ptr<const AccessPolicy> WatchedPolicy::current() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

const AccessPolicy& PolicyView::get() {
  const auto now = watched_->generation();
  if (now != seen_) {
    policy_ = watched_->current();
    seen_ = now;
  }
  return *policy_;
}

}  // namespace millrace::security
