#include "common/security/cluster_keys.hpp"

#include <filesystem>

#include "common/security/access_policy.hpp"
#include "common/security/key_files.hpp"
#include "common/security/key_folder.hpp"
#include "common/security/key_layout.hpp"

namespace millrace::security {
namespace {

namespace fs = std::filesystem;

// All that is missing in one message, so that it is brought in one go.
Status check_complete(const std::string& folder, const std::vector<std::string>& files,
                      const std::string& what) {
  if (!exists(folder)) {
    return {Code::not_found, "there is no folder " + folder,
            "name the folder of this " + what + "'s keys, or make one with `millrace keygen`"};
  }
  std::string missing;
  for (const auto& file : files) {
    if (!exists((fs::path(folder) / file).string()))
      missing += (missing.empty() ? "" : ", ") + file;
  }
  if (missing.empty()) return {};
  return {Code::not_found, folder + " lacks " + missing,
          "name the folder of one " + what +
              ", not the one of all keys; `millrace keygen` makes "
              "what is missing"};
}

Result<CurvePublicKey> read_public_key(const std::string& path) {
  MILLRACE_ASSIGN(const std::string text, read_trusted_file(path));
  auto key = CurvePublicKey::parse(text);
  if (key.is_ok()) return key;
  return Status(key.status().code(), path + " " + key.status().message(), key.status().hint());
}

Result<CurveKeyPair> read_curve_pair(const fs::path& folder) {
  const auto secret = (folder / kCurveSecretFile).string();
  const auto file = (folder / kCurvePublicFile).string();
  MILLRACE_ASSIGN(CurveKeyPair pair, read_curve_secret(secret));
  MILLRACE_ASSIGN(const CurvePublicKey key, read_public_key(file));
  if (key == pair.public_key) return pair;
  return Status(Code::permission_denied, file + " is not the public half of " + secret,
                "bring the pair that belongs together, or renew it with `millrace keygen --force`");
}

Result<std::string> find_policy(const ClusterKeyOptions& options) {
  if (!options.policy.empty()) return options.policy;
  const auto beside = (fs::path(options.folder) / kPolicyFile).string();
  if (exists(beside)) return beside;
  const auto above = (fs::path(options.folder) / ".." / ".." / kPolicyFile).string();
  if (exists(above)) return above;
  return Status(
      Code::not_found,
      "there is no policy that says which client may do what: neither " + beside + " nor " + above,
      "copy the policy.json that `millrace keygen` made there, or name it");
}

}  // namespace

Result<ClusterKeys> load_cluster_keys(const ClusterKeyOptions& options,
                                      std::chrono::sys_seconds now) {
  const std::string role = to_string(options.role);
  MILLRACE_TRY(check_complete(
      options.folder,
      {kAuthorityFile, kNodeCertificateFile, kNodeKeyFile, kCurvePublicFile, kCurveSecretFile},
      role));
  keep_memory_private();
  const fs::path folder(options.folder);
  ClusterKeys keys;
  keys.authority_file = (folder / kAuthorityFile).string();
  keys.certificate_file = (folder / kNodeCertificateFile).string();
  keys.key_file = (folder / kNodeKeyFile).string();
  MILLRACE_ASSIGN(const Secret key, read_secret_file(keys.key_file));
  MILLRACE_ASSIGN(const std::string authority, read_trusted_file(keys.authority_file));
  MILLRACE_ASSIGN(const std::string certificate, read_trusted_file(keys.certificate_file));
  MILLRACE_ASSIGN(const CheckedCertificate checked,
                  check_certificate({.authority = authority,
                                     .authority_file = keys.authority_file,
                                     .certificate = certificate,
                                     .certificate_file = keys.certificate_file,
                                     .key = key.text(),
                                     .key_file = keys.key_file},
                                    now));
  keys.identity = checked.identity;
  keys.expires_at = checked.expires_at;
  if (keys.identity.role != options.role) {
    return Status(Code::permission_denied,
                  keys.certificate_file + " makes its owner a " + to_string(keys.identity.role) +
                      ", and this process is a " + role,
                  "name the keys of a " + role);
  }
  MILLRACE_ASSIGN(CurveKeyPair pair, read_curve_pair(folder));
  keys.curve = std::make_shared<const CurveKeyPair>(std::move(pair));
  MILLRACE_ASSIGN(keys.policy_file, find_policy(options));
  MILLRACE_ASSIGN(const std::string policy, read_trusted_file(keys.policy_file));
  MILLRACE_TRY(AccessPolicy::parse(policy, keys.policy_file).status());
  return keys;
}

Result<std::shared_ptr<const CurveClientKeys>> load_client_keys(const std::string& folder,
                                                                NodeRole server) {
  const auto server_file = server_public_file(server);
  MILLRACE_TRY(check_complete(folder, {kCurvePublicFile, kCurveSecretFile, server_file}, "client"));
  keep_memory_private();
  auto keys = std::make_shared<CurveClientKeys>();
  MILLRACE_ASSIGN(keys->own, read_curve_pair(folder));
  MILLRACE_ASSIGN(keys->server, read_public_key((fs::path(folder) / server_file).string()));
  return std::shared_ptr<const CurveClientKeys>(std::move(keys));
}

}  // namespace millrace::security
