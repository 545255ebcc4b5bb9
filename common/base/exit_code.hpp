// What a service gives back to whoever started it.
#pragma once

#include "common/base/status.hpp"

namespace millrace {

// As the command line: 1 failed, 2 wrong usage, 3 not found, 4 conflict, 5 unreachable, 6 not
// allowed, 7 timed out.
constexpr int exit_code(Code code) {
  switch (code) {
    case Code::ok:
      return 0;
    case Code::invalid_argument:
      return 2;
    case Code::not_found:
      return 3;
    case Code::conflict:
      return 4;
    case Code::unreachable:
      return 5;
    case Code::permission_denied:
      return 6;
    case Code::timed_out:
      return 7;
    default:
      return 1;
  }
}

}  // namespace millrace
