#include "common/security/client_keys.hpp"

#include "common/security/key_files.hpp"

namespace millrace::security {
namespace {

constexpr const char* kFirstClient = "admin";

}  // namespace

Status ClientKeys::find(bool renews_all) {
  has_policy_ = exists(layout_.policy());
  if (has_policy_) {
    MILLRACE_ASSIGN(const std::string text, read_trusted_file(layout_.policy()));
    MILLRACE_ASSIGN(policy_, AccessPolicy::parse(text, layout_.policy()));
  }
  MILLRACE_ASSIGN(const auto present, layout_.names_in("clients"));
  for (const auto& id : present) {
    clients_[id] = {.roles = {}, .is_named = false, .renews = renews_all};
  }
  auto wanted = options_.clients;
  // Also after a run that was killed before it wrote the policy.
  const bool is_first = present.empty() || (present.size() == 1 && present.front() == kFirstClient);
  if (wanted.empty() && is_first && !has_policy_) {
    wanted = {{kFirstClient, {}}};
    wanted.front().roles.add(ClientRole::admin);
  }
  for (const auto& request : wanted) {
    clients_[request.id] = {.roles = request.roles, .is_named = true, .renews = options_.renew};
  }
  return {};
}

Status ClientKeys::check() const {
  for (const auto& [id, client] : clients_) MILLRACE_TRY(check_client(id, client));
  return {};
}

Status ClientKeys::check_client(const std::string& id, const Client& client) const {
  const auto* entry = policy_.find(id);
  const auto secret = layout_.client(id, kCurveSecretFile);
  const auto make_new = "bring it back, or make a new one: --force --client " + id;
  if (!client.is_named) {
    if (!has_policy_) {
      return {Code::conflict,
              layout_.policy() + " is gone, and with it what client " + id + " may do",
              "bring it back, or name every client with its roles, for instance --client " + id +
                  "=predict"};
    }
    if (exists(secret) || client.renews) return {};
    return {Code::conflict, secret + " is gone", make_new};
  }
  if (entry == nullptr && client.roles.is_empty()) {
    return {Code::invalid_argument, "client " + id + " is new, and nothing says what it may do",
            "name its roles, for instance --client " + id + "=predict"};
  }
  if (entry == nullptr || client.renews) return {};
  if (!client.roles.is_empty() && !(client.roles == entry->roles)) {
    return {Code::conflict,
            "client " + id + " has the roles " + entry->roles.text() + " in " + layout_.policy(),
            "edit that file to change them: servers read it again within seconds"};
  }
  if (!exists(secret)) {
    return {Code::conflict, secret + " is gone, and " + layout_.policy() + " names its key",
            make_new};
  }
  MILLRACE_ASSIGN(const CurveKeyPair pair, read_curve_secret(secret));
  const auto* owner = policy_.find_key(pair.public_key);
  if (owner != nullptr && owner->id == id) return {};
  return {Code::conflict, layout_.policy() + " does not name the key in " + secret,
          "add it there by hand, or make a new one: --force --client " + id};
}

Status ClientKeys::make(KeyWriter& writer, SharedKeys& shared) {
  for (const auto& [id, client] : clients_) MILLRACE_TRY(make_client(id, client, writer, shared));
  if (has_policy_ && !is_policy_changed_) return {};
  return writer.write(layout_.policy(), as_bytes(policy_.text()));
}

Status ClientKeys::make_client(const std::string& id, const Client& client, KeyWriter& writer,
                               SharedKeys& shared) {
  MILLRACE_TRY(writer.make_folder(layout_.client(id)));
  const auto secret = layout_.client(id, kCurveSecretFile);
  const bool is_new = client.renews || !exists(secret);
  CurveKeyPair pair;
  if (is_new) {
    pair = make_curve_key_pair();
  } else {
    MILLRACE_ASSIGN(pair, read_curve_secret(secret));
  }
  MILLRACE_TRY(writer.write_pair(pair, secret, layout_.client(id, kCurvePublicFile), is_new));
  for (const auto role : {NodeRole::coordinator, NodeRole::worker}) {
    const auto path = layout_.client(id, server_public_file(role));
    if (!client.renews && exists(path)) continue;
    MILLRACE_ASSIGN(const CurveKeyPair* server, shared.server(role));
    MILLRACE_TRY(writer.write(path, as_bytes(server->public_key.text() + "\n")));
  }
  return put_in_policy(id, client, pair.public_key, is_new);
}

Status ClientKeys::put_in_policy(const std::string& id, const Client& client,
                                 const CurvePublicKey& key, bool is_new_key) {
  const auto* entry = policy_.find(id);
  if (entry != nullptr && !is_new_key) return {};
  // Taken out by hand: that it has a folder does not bring it back.
  if (entry == nullptr && !client.is_named) return {};
  const auto roles = client.roles.is_empty() ? entry->roles : client.roles;
  is_policy_changed_ = true;
  return policy_.put({.id = id, .roles = roles, .keys = {key}});
}

}  // namespace millrace::security
