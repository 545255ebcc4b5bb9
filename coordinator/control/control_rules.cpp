#include "coordinator/control/control_rules.hpp"

namespace millrace {

std::string subject_of(const control::RequestKind& what) {
  return std::visit(
      [](const auto& request) -> std::string {
        if constexpr (requires { request.job; }) {
          return request.job;
        } else if constexpr (requires { request.worker; }) {
          return request.worker;
        } else if constexpr (requires { request.file_name; }) {
          return request.file_name;
        } else if constexpr (requires { request.id; }) {
          return request.id;
        } else {
          return {};
        }
      },
      what);
}

}  // namespace millrace
