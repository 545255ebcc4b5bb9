// Assertions that stay on in release. They are for programmer errors and can never be reached from
// input.
#pragma once

namespace millrace {

// Prints the failed condition with its place and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace millrace

#define MILLRACE_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::millrace::check_failed(#condition, __FILE__, __LINE__))
