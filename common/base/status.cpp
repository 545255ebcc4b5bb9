#include "common/base/status.hpp"

#include <cstdio>
#include <cstdlib>

namespace millrace {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "millrace: %s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

const char* to_string(Code code) {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::not_found:
      return "not_found";
    case Code::conflict:
      return "conflict";
    case Code::unreachable:
      return "unreachable";
    case Code::permission_denied:
      return "permission_denied";
    case Code::timed_out:
      return "timed_out";
    case Code::corrupted:
      return "corrupted";
    case Code::resource_exhausted:
      return "resource_exhausted";
    case Code::io_error:
      return "io_error";
    case Code::unsupported_format:
      return "unsupported_format";
    case Code::job_failed:
      return "job_failed";
    case Code::cancelled:
      return "cancelled";
    case Code::internal:
      return "internal";
  }
  return "unknown";
}

Status Status::with_context(const std::string& context) const {
  if (is_ok()) return *this;
  return Status(code_, context + ": " + message_, hint_);
}

}  // namespace millrace
