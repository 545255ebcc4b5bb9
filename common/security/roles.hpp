// Who takes part in a cluster and what each may do: nodes with one role, clients with any.
//
// Place: in certificates (nodes), the access policy (clients) and on the command line of keygen.
// Values. Default deny: a role that nobody gave is not had.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/base/status.hpp"

namespace millrace::security {

enum class NodeRole : std::uint8_t { coordinator, worker };
const char* to_string(NodeRole role);
Result<NodeRole> parse_node_role(std::string_view word);

enum class ClientRole : std::uint8_t {
  predict,       // ask for predictions and explanations
  read_metrics,  // see jobs, their figures and events
  operate,       // submit, stop, rescale, take savepoints, and see what becomes of that
  admin,         // everything, what the other roles may included
  ingest,        // send records to a source
};
inline constexpr ClientRole kClientRoles[] = {ClientRole::predict, ClientRole::read_metrics,
                                              ClientRole::operate, ClientRole::admin,
                                              ClientRole::ingest};
// As the policy writes it: "read-metrics".
const char* to_string(ClientRole role);
Result<ClientRole> parse_client_role(std::string_view word);

// A set of client roles.
class ClientRoles {
 public:
  constexpr ClientRoles() = default;
  constexpr ClientRoles(std::initializer_list<ClientRole> roles) {
    for (const auto role : roles) add(role);
  }

  constexpr void add(ClientRole role) { bits_ |= bit(role); }
  bool is_empty() const { return bits_ == 0; }
  // Whether the role was given by name.
  bool names(ClientRole role) const { return (bits_ & bit(role)) != 0; }
  // Whether what the role may do is allowed: by its name, or by `admin`.
  bool allow(ClientRole role) const { return names(role) || names(ClientRole::admin); }
  // Whether it allows what any of these roles may do.
  bool allow_any(const ClientRoles& roles) const {
    return (bits_ & roles.bits_) != 0 || names(ClientRole::admin);
  }
  // "predict, operate"
  std::string text(std::string_view between = ", ") const;
  bool operator==(const ClientRoles&) const = default;

 private:
  static constexpr std::uint8_t bit(ClientRole role) {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(role));
  }
  std::uint8_t bits_ = 0;
};

// Names of nodes and clients are file names, DNS names and words of log lines at once: lower-case
// letters, digits, '-' and '.', at most 63 characters, a letter or a digit at both ends.
Status check_name(const char* what, std::string_view name);

}  // namespace millrace::security
