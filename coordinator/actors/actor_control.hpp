// Hands control requests on to the coordinator's actor.
//
// Place: between ControlServer and the actor. Threads: any.
#pragma once

#include "coordinator/actors/interfaces.hpp"
#include "coordinator/control/control_service.hpp"

namespace millrace {

class ActorControl final : public ControlService {
 public:
  explicit ActorControl(coordinator_actor coordinator) : coordinator_(std::move(coordinator)) {}

  void ask(ControlRequestPtr request, Answer answer) override {
    caf::anon_send(coordinator_, AskControl{std::move(request), std::move(answer)});
  }

 private:
  coordinator_actor coordinator_;
};

}  // namespace millrace
