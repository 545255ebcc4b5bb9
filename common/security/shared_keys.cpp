#include "common/security/shared_keys.hpp"

#include "common/security/key_files.hpp"

namespace millrace::security {

Status SharedKeys::complete() {
  if (exists(layout_.authority_key())) MILLRACE_TRY(authority().status());
  for (const auto role : {NodeRole::coordinator, NodeRole::worker}) {
    if (exists(layout_.server_secret(role))) MILLRACE_TRY(server(role).status());
  }
  return {};
}

Result<const Certified*> SharedKeys::authority() {
  if (authority_) return &*authority_;
  const bool is_whole = exists(layout_.authority_key()) && exists(layout_.authority());
  auto found = is_whole && !renews_ ? load_authority() : make_authority();
  if (!found.is_ok()) return found.status();
  authority_ = std::move(found).value();
  return &*authority_;
}

Result<Certified> SharedKeys::load_authority() const {
  Certified authority;
  MILLRACE_ASSIGN(authority.key, read_secret_file(layout_.authority_key()));
  MILLRACE_ASSIGN(authority.certificate, read_trusted_file(layout_.authority()));
  const auto file = layout_.authority(), key_file = layout_.authority_key();
  const auto checked = check_authority({.authority = authority.certificate,
                                        .authority_file = file,
                                        .certificate = {},
                                        .certificate_file = {},
                                        .key = authority.key.text(),
                                        .key_file = key_file},
                                       now_);
  if (!checked.is_ok()) return checked.status();
  return authority;
}

// A key without its certificate was left by a run that was killed, and is completed.
Result<Certified> SharedKeys::make_authority() {
  const auto key_file = layout_.authority_key();
  const bool has_key = exists(key_file) && !renews_;
  if (!has_key && !renews_ && (has_nodes_ || exists(layout_.authority()))) {
    return Status(Code::conflict, key_file + " is gone, and without it nothing can be signed",
                  "bring it back, or renew everything with --force");
  }
  Certified authority;
  if (has_key) {
    MILLRACE_ASSIGN(authority.key, read_secret_file(key_file));
  } else {
    authority.key = make_private_key();
    MILLRACE_TRY(writer_.remove(layout_.authority()));
    MILLRACE_TRY(writer_.write(key_file, authority.key.bytes()));
  }
  MILLRACE_ASSIGN(authority.certificate, make_authority_certificate(authority.key, now_));
  MILLRACE_TRY(writer_.write(layout_.authority(), as_bytes(authority.certificate)));
  return authority;
}

Result<const CurveKeyPair*> SharedKeys::server(NodeRole role) {
  if (const auto known = servers_.find(role); known != servers_.end()) return &known->second;
  const auto secret = layout_.server_secret(role), file = layout_.server_public(role);
  const bool is_new = renews_ || !exists(secret);
  if (is_new && !renews_ && exists(file)) {
    return Status(Code::conflict, secret + " is gone, and clients know its public half",
                  "bring it back, or renew everything with --force");
  }
  CurveKeyPair pair;
  if (is_new) {
    pair = make_curve_key_pair();
  } else {
    MILLRACE_ASSIGN(pair, read_curve_secret(secret));
  }
  MILLRACE_TRY(writer_.write_pair(pair, secret, file, is_new));
  return &servers_.emplace(role, std::move(pair)).first->second;
}

}  // namespace millrace::security
