#include "common/security/node_keys.hpp"

#include <algorithm>

#include "common/security/certificate.hpp"
#include "common/security/key_files.hpp"

namespace millrace::security {
namespace {

constexpr const char* kFirstCoordinator = "coordinator";
constexpr const char* kFirstWorker = "worker-1";

NodeRole usual_role(const std::string& name) {
  return name.starts_with("coordinator") ? NodeRole::coordinator : NodeRole::worker;
}

Status renew_hint(const std::string& why, const std::string& name) {
  return {Code::conflict, why, "renew it: --force --node " + name};
}

}  // namespace

Status NodeKeys::find(bool renews_all) {
  MILLRACE_ASSIGN(const auto present, layout_.names_in("nodes"));
  for (const auto& name : present) {
    const auto role = role_of(name);
    nodes_[name] = {.role = role.value_or(usual_role(name)), .renews = renews_all};
    has_certificates_ = has_certificates_ || role.has_value();
  }
  auto wanted = options_.nodes;
  // The policy is written last: without one, a first run was killed, and is completed.
  const bool is_first = !exists(layout_.policy()) &&
                        std::all_of(present.begin(), present.end(), [](const std::string& name) {
                          return name == kFirstCoordinator || name == kFirstWorker;
                        });
  if (wanted.empty() && (present.empty() || is_first)) {
    wanted = {{kFirstCoordinator, {}}, {kFirstWorker, {}}};
  }
  for (const auto& request : wanted) {
    const auto known = role_of(request.name);
    if (known && request.role && *known != *request.role && !options_.renew) {
      return {Code::conflict,
              "node " + request.name + " is a " + to_string(*known) + ", not a " +
                  to_string(*request.role),
              "choose another name, or make it anew with --force"};
    }
    const auto role = request.role ? *request.role : known.value_or(usual_role(request.name));
    nodes_[request.name] = {.role = role, .renews = options_.renew};
  }
  return {};
}

// As its certificate says; none when it has none that can be read.
std::optional<NodeRole> NodeKeys::role_of(const std::string& name) const {
  const auto pem = read_trusted_file(layout_.node(name, kNodeCertificateFile));
  if (!pem.is_ok()) return {};
  const auto identity = claimed_identity(pem.value(), kNodeCertificateFile);
  if (!identity.is_ok()) return {};
  return identity.value().role;
}

Status NodeKeys::check() const {
  for (const auto& [name, node] : nodes_) {
    if (!node.renews) MILLRACE_TRY(check_node(name, node));
  }
  return {};
}

Status NodeKeys::check_node(const std::string& name, const Node& node) const {
  // By the authority as it is, and as this node knows it. Whoever keeps it elsewhere has the
  // latter.
  for (const auto& authority_file : {layout_.authority(), layout_.node(name, kAuthorityFile)}) {
    MILLRACE_TRY(check_trusted(name, authority_file));
  }
  return check_copies(name, node);
}

Status NodeKeys::check_trusted(const std::string& name, const std::string& authority_file) const {
  const auto certificate_file = layout_.node(name, kNodeCertificateFile);
  const auto key_file = layout_.node(name, kNodeKeyFile);
  for (const auto& path : {certificate_file, key_file, authority_file}) {
    if (!exists(path)) return {};
  }
  MILLRACE_ASSIGN(const Secret key, read_secret_file(key_file));
  MILLRACE_ASSIGN(const std::string certificate, read_trusted_file(certificate_file));
  MILLRACE_ASSIGN(const std::string authority, read_trusted_file(authority_file));
  const auto checked = check_certificate({.authority = authority,
                                          .authority_file = authority_file,
                                          .certificate = certificate,
                                          .certificate_file = certificate_file,
                                          .key = key.text(),
                                          .key_file = key_file},
                                         now_);
  if (!checked.is_ok()) return renew_hint(checked.status().message(), name);
  const auto& owner = checked.value().identity.name;
  if (owner == name) return {};
  return renew_hint(certificate_file + " belongs to node " + owner + ", not to " + name, name);
}

// A node answers clients with the keys that they expect of its kind of server.
Status NodeKeys::check_copies(const std::string& name, const Node& node) const {
  const std::pair<std::string, const char*> copies[] = {
      {layout_.server_secret(node.role), kCurveSecretFile},
      {layout_.server_public(node.role), kCurvePublicFile}};
  for (const auto& [original, copy] : copies) {
    const auto path = layout_.node(name, copy);
    if (!exists(original) || !exists(path)) continue;
    MILLRACE_ASSIGN(const Secret ours, read_secret_file(original));
    MILLRACE_ASSIGN(const Secret theirs, read_secret_file(path));
    if (ours.text() != theirs.text()) {
      return renew_hint(path + " is not what " + original + " is", name);
    }
  }
  return {};
}

Status NodeKeys::make(KeyWriter& writer, SharedKeys& shared) const {
  for (const auto& [name, node] : nodes_) MILLRACE_TRY(make_node(name, node, writer, shared));
  return {};
}

Status NodeKeys::make_node(const std::string& name, const Node& node, KeyWriter& writer,
                           SharedKeys& shared) const {
  MILLRACE_TRY(writer.make_folder(layout_.node(name)));
  MILLRACE_TRY(make_certificate(name, node, writer, shared));
  const auto authority_file = layout_.node(name, kAuthorityFile);
  if (node.renews || !exists(authority_file)) {
    MILLRACE_ASSIGN(const Certified* authority, shared.authority());
    MILLRACE_TRY(writer.write(authority_file, as_bytes(authority->certificate)));
  }
  const auto secret = layout_.node(name, kCurveSecretFile);
  const auto file = layout_.node(name, kCurvePublicFile);
  if (!node.renews && exists(secret) && exists(file)) return {};
  MILLRACE_ASSIGN(const CurveKeyPair* pair, shared.server(node.role));
  return writer.write_pair(*pair, secret, file, node.renews);
}

Status NodeKeys::make_certificate(const std::string& name, const Node& node, KeyWriter& writer,
                                  SharedKeys& shared) const {
  const auto key_file = layout_.node(name, kNodeKeyFile);
  const auto certificate_file = layout_.node(name, kNodeCertificateFile);
  const bool needs_key = node.renews || !exists(key_file);
  if (!needs_key && exists(certificate_file)) return {};
  MILLRACE_ASSIGN(const Certified* authority, shared.authority());
  Secret key;
  if (needs_key) {
    key = make_private_key();
  } else {
    MILLRACE_ASSIGN(key, read_secret_file(key_file));
  }
  MILLRACE_ASSIGN(const std::string certificate,
                  make_node_certificate(*authority, key, {.role = node.role, .name = name},
                                        options_.days, now_));
  // In this order: a key without its certificate is completed by the next run.
  if (needs_key) {
    MILLRACE_TRY(writer.remove(certificate_file));
    MILLRACE_TRY(writer.write(key_file, key.bytes()));
  }
  return writer.write(certificate_file, as_bytes(certificate));
}

}  // namespace millrace::security
