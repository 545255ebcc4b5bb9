// Which roles each control request needs, and whether it changes anything: the one table.
//
// Place: read by ControlServer for every request, before anybody is asked. A kind of request
// without a line does not compile; a line in the wrong place fails the test of this table.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>

#include "common/security/roles.hpp"
#include "common/wire/control.hpp"

namespace millrace {

struct ControlRule {
  std::string_view request;     // its name in the schema
  security::ClientRoles roles;  // one of them is enough
  bool is_mutating = true;      // every one is written to the log with who asked
};

// By position in the variant. Whoever may start an operation may see what becomes of it.
inline constexpr auto kControlRules = [] {
  using enum security::ClientRole;
  return std::to_array<ControlRule>({
      {"submit", {operate}, true},
      {"jobs", {read_metrics}, false},
      {"status", {read_metrics}, false},
      {"describe", {read_metrics}, false},
      {"events", {read_metrics}, false},
      {"stop", {operate}, true},
      {"cancel", {operate}, true},
      {"savepoint", {operate}, true},
      {"checkpoints", {read_metrics}, false},
      {"resume", {operate}, true},
      {"rescale", {operate}, true},
      {"delete", {admin}, true},
      {"workers", {read_metrics}, false},
      {"drain", {admin}, true},
      {"operation", {read_metrics, operate}, false},
      {"models", {read_metrics}, false},
      {"aliases", {read_metrics}, false},
      {"version", {read_metrics}, false},
  });
}();
static_assert(kControlRules.size() == std::variant_size_v<control::RequestKind>,
              "every kind of request needs a rule");

inline const ControlRule& rule_of(const control::RequestKind& what) {
  return kControlRules.at(what.index());
}

// The job, worker or operation that it is about; empty where there is none. Of a submit: its file.
std::string subject_of(const control::RequestKind& what);

}  // namespace millrace
