// Errors as values: `Status`, and `Result<T>` which holds a value or the status that explains why
// not.
//
// Place: every function that can fail for a reason outside the program returns one of the two.
// Exceptions come only from third parties and are converted where they enter. The code decides what
// a caller may do; the message says what happened and where; the hint says what to do about it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/base/check.hpp"

namespace millrace {

enum class Code : unsigned char {
  ok,
  invalid_argument,    // the caller's fault: do not retry (exit code 2)
  not_found,           // what was named does not exist (exit code 3)
  conflict,            // the present state forbids it (exit code 4)
  unreachable,         // nobody answered: the effect did not happen; retry (exit code 5)
  permission_denied,   // not allowed (exit code 6)
  timed_out,           // the effect may have happened: ask before retrying (exit code 7)
  corrupted,           // stored bytes are not what was written: never retried, never used
  resource_exhausted,  // a limit or a full disk: retry after making room
  io_error,            // disk or network failed: the medium is not trusted any more
  unsupported_format,  // written by a newer version: upgrade
  job_failed,          // the job's data or settings end it, and would again (exit code 1)
  cancelled,           // the user or a shutdown asked for it
  internal,            // a programmer's error that was caught: report it
};

// The name used in logs, JSON and documentation, for instance "invalid_argument".
const char* to_string(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, std::string hint = {})
      : code_(code), message_(std::move(message)), hint_(std::move(hint)) {
    MILLRACE_CHECK(code != Code::ok);
  }

  bool is_ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  // What happened, where and why.
  const std::string& message() const { return message_; }
  // What to do about it; may be empty.
  const std::string& hint() const { return hint_; }

  // The same error, seen from further out: "reading job.yaml: <message>".
  Status with_context(const std::string& context) const;

 private:
  Code code_ = Code::ok;
  std::string message_;
  std::string hint_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: conversion is the point
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT
    MILLRACE_CHECK(!std::get<1>(state_).is_ok());
  }

  bool is_ok() const { return state_.index() == 0; }
  const Status& status() const {
    static const Status ok_status;
    return is_ok() ? ok_status : std::get<1>(state_);
  }
  // Precondition: is_ok().
  T& value() & {
    MILLRACE_CHECK(is_ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    MILLRACE_CHECK(is_ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    MILLRACE_CHECK(is_ok());
    return std::move(std::get<0>(state_));
  }

 private:
  std::variant<T, Status> state_;
};

}  // namespace millrace

// Returns from the enclosing function when `expression` is an error.
#define MILLRACE_TRY(expression)                                                   \
  do {                                                                             \
    if (auto try_status_ = (expression); !try_status_.is_ok()) return try_status_; \
  } while (false)

// Declares `declaration` with the value of `expression`, or returns its status from the enclosing
// function.
#define MILLRACE_ASSIGN(declaration, expression) \
  MILLRACE_ASSIGN_NAMED(MILLRACE_JOIN(result_, __LINE__), declaration, expression)
#define MILLRACE_ASSIGN_NAMED(name, declaration, expression) \
  auto name = (expression);                                  \
  if (!name.is_ok()) return name.status();                   \
  declaration = std::move(name).value()
#define MILLRACE_JOIN(a, b) MILLRACE_JOIN_EXPANDED(a, b)
#define MILLRACE_JOIN_EXPANDED(a, b) a##b
