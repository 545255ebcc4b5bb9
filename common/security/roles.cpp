#include "common/security/roles.hpp"

#include "common/config/nearest.hpp"

namespace millrace::security {
namespace {

constexpr std::size_t kNameBytesMax = 63;  // one label of a DNS name

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

const char* to_string(NodeRole role) {
  return role == NodeRole::coordinator ? "coordinator" : "worker";
}

Result<NodeRole> parse_node_role(std::string_view word) {
  for (const auto role : {NodeRole::coordinator, NodeRole::worker}) {
    if (word == to_string(role)) return role;
  }
  return Status(Code::invalid_argument,
                "a node has no role '" + std::string(word.substr(0, 64)) + "'",
                suggestion(word, std::vector<std::string>{"coordinator", "worker"}));
}

const char* to_string(ClientRole role) {
  switch (role) {
    case ClientRole::predict:
      return "predict";
    case ClientRole::read_metrics:
      return "read-metrics";
    case ClientRole::operate:
      return "operate";
    case ClientRole::admin:
      return "admin";
    case ClientRole::ingest:
      return "ingest";
  }
  return "none";
}

Result<ClientRole> parse_client_role(std::string_view word) {
  std::vector<std::string> known;
  for (const auto role : kClientRoles) {
    if (word == to_string(role)) return role;
    known.emplace_back(to_string(role));
  }
  return Status(Code::invalid_argument,
                "a client has no role '" + std::string(word.substr(0, 64)) + "'",
                suggestion(word.substr(0, 64), known));
}

std::string ClientRoles::text(std::string_view between) const {
  std::string text;
  for (const auto role : kClientRoles) {
    if (!names(role)) continue;
    if (!text.empty()) text += between;
    text += to_string(role);
  }
  return text;
}

Status check_name(const char* what, std::string_view name) {
  bool is_good = !name.empty() && name.size() <= kNameBytesMax &&
                 is_letter_or_digit(name.front()) && is_letter_or_digit(name.back());
  char before = '\0';
  for (const char c : name) {
    is_good = is_good && (is_letter_or_digit(c) || c == '-' || (c == '.' && before != '.'));
    before = c;
  }
  if (is_good) return {};
  return {Code::invalid_argument,
          "'" + std::string(name.substr(0, 64)) + "' is no name for a " + what,
          "use lower-case letters, digits, '-' and '.', at most 63, a letter or a digit at both "
          "ends: for instance " +
              std::string(what) + "-1"};
}

}  // namespace millrace::security
