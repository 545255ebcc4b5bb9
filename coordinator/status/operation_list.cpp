#include "coordinator/status/operation_list.hpp"

#include <algorithm>

namespace millrace {

Result<std::string> OperationList::begin(const std::string& kind, const std::string& job,
                                         std::uint64_t now_ms) {
  if (!make_room()) {
    return Status(Code::resource_exhausted,
                  std::to_string(operations_max_) + " operations are running already",
                  "wait until some have ended, and ask again");
  }
  const std::uint64_t number = next_++;
  control::Operation& operation = operations_[number];
  operation.id = "op-" + life_ + "-" + std::to_string(number);
  operation.kind = kind;
  operation.job = job;
  operation.state = control::OperationState::running;
  operation.started_at_ms = now_ms;
  return operation.id;
}

bool OperationList::make_room() {
  if (operations_.size() < operations_max_) return true;
  const auto ended = std::ranges::find_if(operations_, [](const auto& entry) {
    return entry.second.state != control::OperationState::running;
  });
  if (ended == operations_.end()) return false;
  operations_.erase(ended);
  return true;
}

void OperationList::succeed(const std::string& id, const std::string& result,
                            std::uint64_t now_ms) {
  control::Operation* operation = running(id);
  if (operation == nullptr) return;
  operation->state = control::OperationState::succeeded;
  operation->result = result;
  operation->ended_at_ms = now_ms;
}

void OperationList::fail(const std::string& id, const Status& why, std::uint64_t now_ms) {
  control::Operation* operation = running(id);
  if (operation == nullptr) return;
  operation->state = control::OperationState::failed;
  operation->error = control::to_error(why);
  operation->ended_at_ms = now_ms;
}

control::Operation* OperationList::running(const std::string& id) {
  for (auto& [number, operation] : operations_) {
    if (operation.id == id && operation.state == control::OperationState::running)
      return &operation;
  }
  return nullptr;
}

const control::Operation* OperationList::find(const std::string& id) const {
  for (const auto& [number, operation] : operations_) {
    if (operation.id == id) return &operation;
  }
  return nullptr;
}

}  // namespace millrace
