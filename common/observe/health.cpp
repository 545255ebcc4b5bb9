#include "common/observe/health.hpp"

#include <mutex>
#include <nlohmann/json.hpp>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(std::chrono::milliseconds time) {
  return static_cast<double>(time.count()) / 1'000;
}

nlohmann::ordered_json json_of(const CheckReport& check) {
  nlohmann::ordered_json json;
  json["name"] = check.name;
  json["scope"] = check.scope == HealthScope::liveness ? "liveness" : "readiness";
  json["ok"] = check.is_ok;
  json["state"] = to_string(check.state);
  json["seconds_since_progress"] = seconds(check.since);
  if (check.deadline.count() > 0) json["deadline_seconds"] = seconds(check.deadline);
  if (!check.reason.empty()) json["reason"] = check.reason;
  return json;
}

std::string json_text(const std::string& status, const std::string& reason,
                      const HealthReport& report) {
  nlohmann::ordered_json json;
  json["status"] = status;
  if (!reason.empty()) json["reason"] = reason;
  json["checks"] = nlohmann::ordered_json::array();
  for (const auto& check : report.checks) json["checks"].push_back(json_of(check));
  // A reason may quote an error of any origin: what is not UTF-8 is replaced, and nothing thrown.
  return json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

struct Health::State {
  mutable std::mutex mutex;
  HealthBoard board;
};

struct HealthCheck::Registered {
  std::shared_ptr<Health::State> state;
  HealthBoard::CheckId id = 0;
};

HealthCheck::HealthCheck(std::shared_ptr<Registered> registered)
    : registered_(std::move(registered)) {}

HealthCheck::~HealthCheck() {
  if (registered_ == nullptr) return;
  const std::lock_guard lock(registered_->state->mutex);
  registered_->state->board.remove(registered_->id);
}

HealthCheck& HealthCheck::operator=(HealthCheck&& other) noexcept {
  // What was registered here goes with `other`.
  std::swap(registered_, other.registered_);
  return *this;
}

void HealthCheck::step() {
  if (registered_ == nullptr) return;
  const auto now = Clock::now();
  const std::lock_guard lock(registered_->state->mutex);
  registered_->state->board.step(registered_->id, now);
}

void HealthCheck::idle() {
  if (registered_ == nullptr) return;
  const auto now = Clock::now();
  const std::lock_guard lock(registered_->state->mutex);
  registered_->state->board.idle(registered_->id, now);
}

void HealthCheck::fail(std::string_view reason) {
  if (registered_ == nullptr) return;
  const auto now = Clock::now();
  const std::lock_guard lock(registered_->state->mutex);
  registered_->state->board.fail(registered_->id, reason, now);
}

void HealthCheck::tell(const Status& status) {
  if (status.is_ok()) {
    step();
  } else {
    fail(status.message());
  }
}

Health::Health() : state_(std::make_shared<State>()) {}
Health::~Health() = default;

Result<HealthCheck> Health::add(const HealthCheckOptions& options) {
  const std::lock_guard lock(state_->mutex);
  const auto id = state_->board.add(options, Clock::now());
  if (!id) {
    return Status(Code::resource_exhausted,
                  "the health check '" + options.name + "' is one too many: " +
                      std::to_string(limits::kHealthChecksMax) + " are there already",
                  "run fewer jobs in one process");
  }
  return HealthCheck(
      std::make_shared<HealthCheck::Registered>(HealthCheck::Registered{state_, *id}));
}

void Health::set_started() {
  const std::lock_guard lock(state_->mutex);
  state_->board.set_started();
}

void Health::drain(std::string_view reason) {
  const std::lock_guard lock(state_->mutex);
  state_->board.drain(reason);
}

HealthReport Health::report() const {
  const auto now = Clock::now();
  const std::lock_guard lock(state_->mutex);
  return state_->board.report(now);
}

std::string liveness_json(const HealthReport& report) {
  std::string reason;
  for (const auto& check : report.checks) {
    if (check.is_ok || check.scope != HealthScope::liveness) continue;
    reason = check.name + ": " + check.reason;
    break;
  }
  return json_text(report.is_alive ? "ok" : "stuck", reason, report);
}

std::string readiness_json(const HealthReport& report) {
  return json_text(report.is_ready ? "ready" : "not_ready", report.not_ready_reason, report);
}

}  // namespace millrace
