// Which client may do what: public key -> client id -> roles. Whoever is not named may do nothing.
//
// Place: a JSON file beside the keys, made by `millrace keygen` and edited by people; servers read
// it through WatchedPolicy. A value; `find` may be called from any thread.
//
//   {"format_version": 1,
//    "clients": [{"id": "app", "roles": ["predict"], "keys": ["<40 characters>"]}]}
//
// A client may have several keys, so that a new one is known before the old one goes.
//
// Invariant: no id stands twice, and no key belongs to two clients.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/security/curve_keys.hpp"
#include "common/security/roles.hpp"

namespace millrace::security {

struct PolicyClient {
  std::string id;
  ClientRoles roles;
  std::vector<CurvePublicKey> keys;
};

class AccessPolicy {
 public:
  // `where` is the file's name, for messages. invalid_argument with the place of what is wrong,
  // unsupported_format for a file of a newer program.
  static Result<AccessPolicy> parse(std::string_view text, const std::string& where);
  // As `parse` reads it, one client a line.
  std::string text() const;

  // Null when nobody has this key, or this id.
  const PolicyClient* find_key(const CurvePublicKey& key) const;
  const PolicyClient* find_key(std::string_view key_text) const;
  const PolicyClient* find(std::string_view id) const;
  const std::vector<PolicyClient>& clients() const { return clients_; }

  // Adds a client, or replaces the one with its id. conflict when a key belongs to another client.
  Status put(PolicyClient client);

 private:
  std::vector<PolicyClient> clients_;
  std::map<std::string, std::size_t, std::less<>> by_key_;  // Z85 text -> index
};

}  // namespace millrace::security
