// Who knows the answers to control requests.
//
// Place: ControlServer asks, the coordinator answers. Requests that arrive here were allowed to
// their client; `client` of each says who it is.
//
// Threads: `ask` is called from the server's thread and must return at once. `answer` may be called
// from any thread, also before `ask` returns and after the server has ended, and counts once.
#pragma once

#include <functional>

#include "common/wire/control.hpp"

namespace millrace {

class ControlService {
 public:
  using Answer = std::function<void(ControlReplyPtr)>;

  virtual ~ControlService() = default;
  virtual void ask(ControlRequestPtr request, Answer answer) = 0;
};

}  // namespace millrace
