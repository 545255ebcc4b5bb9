// The folders of the clients, and the policy that says what each may do.
//
// Place: inside common/security, one step of make_key_folder. One thread, one run.
#pragma once

#include <map>
#include <string>

#include "common/base/status.hpp"
#include "common/security/access_policy.hpp"
#include "common/security/shared_keys.hpp"

namespace millrace::security {

class ClientKeys {
 public:
  ClientKeys(const KeyLayout& layout, const KeyFolderOptions& options)
      : layout_(layout), options_(options) {}

  // Reads the policy; those that have a folder and those that are asked for.
  Status find(bool renews_all);
  // Changes nothing: conflict when what is asked contradicts the policy.
  Status check() const;
  Status make(KeyWriter& writer, SharedKeys& shared);

 private:
  struct Client {
    ClientRoles roles;
    bool is_named = false;  // by the options
    bool renews = false;
  };
  Status check_client(const std::string& id, const Client& client) const;
  Status make_client(const std::string& id, const Client& client, KeyWriter& writer,
                     SharedKeys& shared);
  Status put_in_policy(const std::string& id, const Client& client, const CurvePublicKey& key,
                       bool is_new_key);

  const KeyLayout& layout_;
  const KeyFolderOptions& options_;
  std::map<std::string, Client> clients_;
  AccessPolicy policy_;
  bool has_policy_ = false;
  bool is_policy_changed_ = false;
};

}  // namespace millrace::security
