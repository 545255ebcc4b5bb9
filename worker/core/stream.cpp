#include "worker/core/stream.hpp"

namespace millrace {

const char* to_string(IgnoreReason reason) {
  switch (reason) {
    case IgnoreReason::old_attempt:
      return "old_attempt";
    case IgnoreReason::wrong_address:
      return "wrong_address";
    case IgnoreReason::duplicate:
      return "duplicate";
    case IgnoreReason::gap:
      return "gap";
    case IgnoreReason::old_cut:
      return "old_cut";
    case IgnoreReason::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace millrace
