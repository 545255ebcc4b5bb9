#include "common/security/certificate.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>

#include "common/security/openssl_objects.hpp"

namespace millrace::security {
namespace {

constexpr std::string_view kScheme = "millrace://";
constexpr int kAuthLevel = 2;  // OpenSSL's: at least 112 bits, no SHA-1

using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

const char* const kRenew = "renew it with `millrace keygen --force`";

std::string date_text(std::chrono::sys_seconds at) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
  const auto two = [](unsigned number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  const auto hours =
      std::chrono::floor<std::chrono::minutes>(at - std::chrono::floor<std::chrono::days>(at))
          .count();
  return std::to_string(static_cast<int>(day.year())) + "-" +
         two(static_cast<unsigned>(day.month())) + "-" + two(static_cast<unsigned>(day.day())) +
         " " + two(static_cast<unsigned>(hours / 60)) + ":" +
         two(static_cast<unsigned>(hours % 60)) + " UTC";
}

Status check_period(const X509* certificate, std::string_view file, std::chrono::sys_seconds now) {
  const auto begins = to_time(X509_get0_notBefore(certificate));
  const auto ends = to_time(X509_get0_notAfter(certificate));
  if (now < begins) {
    return {Code::permission_denied,
            std::string(file) + " is not valid before " + date_text(begins),
            "set this machine's clock right"};
  }
  if (now >= ends) {
    return {Code::permission_denied, std::string(file) + " expired on " + date_text(ends), kRenew};
  }
  if (ends - now < kValidityLeftMin) {
    return {Code::permission_denied,
            std::string(file) + " expires on " + date_text(ends) + ", in less than 24 hours",
            kRenew};
  }
  return {};
}

Status check_key(X509* certificate, const CertificateFiles& files, std::string_view of_file) {
  MILLRACE_ASSIGN(const Key key, read_private_key(files.key, files.key_file));
  if (X509_check_private_key(certificate, key.get()) == 1) return {};
  ERR_clear_error();
  return {Code::permission_denied,
          std::string(files.key_file) + " is not the key of " + std::string(of_file),
          "bring the pair that belongs together, or renew it with `millrace keygen --force`"};
}

Result<Certificate> read_authority(const CertificateFiles& files, std::chrono::sys_seconds now) {
  MILLRACE_ASSIGN(Certificate authority, read_certificate(files.authority, files.authority_file));
  // 1: version 3 with CA:TRUE and the right to sign; older and vaguer kinds are not ours.
  if (X509_check_ca(authority.get()) != 1) {
    return Status(Code::permission_denied,
                  std::string(files.authority_file) + " is not the certificate of an authority",
                  "name the ca.crt that `millrace keygen` made");
  }
  MILLRACE_TRY(check_period(authority.get(), files.authority_file, now));
  return authority;
}

Status chain_error(int error, const CertificateFiles& files) {
  const std::string file(files.certificate_file);
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {Code::permission_denied, file + " is self-signed: anybody could have made it",
              "use one that this cluster's authority signed, from `millrace keygen`"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {Code::permission_denied,
              file + " was not signed by the authority of " + std::string(files.authority_file),
              "take both from the same `millrace keygen` folder"};
    default:
      return {Code::permission_denied,
              file + " cannot be trusted: " + X509_verify_cert_error_string(error), kRenew};
  }
}

Status check_chain(X509* certificate, X509* authority, const CertificateFiles& files,
                   std::chrono::sys_seconds now) {
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  MILLRACE_CHECK(store != nullptr && context != nullptr);
  MILLRACE_CHECK(X509_STORE_add_cert(store.get(), authority) == 1);
  MILLRACE_CHECK(X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) == 1);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(rules, kAuthLevel);
  X509_VERIFY_PARAM_set_time(rules, now.time_since_epoch().count());
  const int is_trusted = X509_verify_cert(context.get());
  ERR_clear_error();
  if (is_trusted != 1) return chain_error(X509_STORE_CTX_get_error(context.get()), files);
  for (const int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    if (X509_check_purpose(certificate, purpose, 0) == 1) continue;
    return {Code::permission_denied,
            std::string(files.certificate_file) +
                " is not meant for a node that both listens and "
                "connects",
            kRenew};
  }
  return {};
}

Result<NodeIdentity> read_identity(X509* certificate, std::string_view file) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::optional<NodeIdentity> identity;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* uri = name->d.uniformResourceIdentifier;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                static_cast<std::size_t>(ASN1_STRING_length(uri)));
    if (!text.starts_with(kScheme)) continue;
    auto parsed = parse_identity_uri(text);
    if (!parsed.is_ok()) return parsed.status().with_context(std::string(file));
    if (identity) {
      return Status(Code::permission_denied, std::string(file) + " names more than one node",
                    kRenew);
    }
    identity = std::move(parsed).value();
  }
  if (identity) return *identity;
  return Status(Code::permission_denied,
                std::string(file) +
                    " does not say which node it belongs to (no millrace:// in its "
                    "alternative names)",
                "use one that `millrace keygen` made");
}

}  // namespace

std::string identity_uri(const NodeIdentity& identity) {
  return std::string(kScheme) + to_string(identity.role) + "/" + identity.name;
}

Result<NodeIdentity> parse_identity_uri(std::string_view uri) {
  const auto rest = uri.substr(std::min(uri.size(), kScheme.size()));
  const auto slash = rest.find('/');
  if (!uri.starts_with(kScheme) || slash == rest.npos) {
    return Status(Code::permission_denied, "is no millrace://ROLE/NODE", kRenew);
  }
  MILLRACE_ASSIGN(const NodeRole role, parse_node_role(rest.substr(0, slash)));
  const auto name = rest.substr(slash + 1);
  MILLRACE_TRY(check_name("node", name));
  return NodeIdentity{.role = role, .name = std::string(name)};
}

Result<CheckedCertificate> check_certificate(const CertificateFiles& files,
                                             std::chrono::sys_seconds now) {
  MILLRACE_ASSIGN(const Certificate authority, read_authority(files, now));
  MILLRACE_ASSIGN(const Certificate certificate,
                  read_certificate(files.certificate, files.certificate_file));
  MILLRACE_TRY(check_period(certificate.get(), files.certificate_file, now));
  MILLRACE_TRY(check_chain(certificate.get(), authority.get(), files, now));
  MILLRACE_TRY(check_key(certificate.get(), files, files.certificate_file));
  CheckedCertificate checked;
  MILLRACE_ASSIGN(checked.identity, read_identity(certificate.get(), files.certificate_file));
  checked.expires_at = std::min(to_time(X509_get0_notAfter(certificate.get())),
                                to_time(X509_get0_notAfter(authority.get())));
  return checked;
}

Result<NodeIdentity> check_peer_certificate(const CertificateFiles& files,
                                            std::chrono::sys_seconds now) {
  MILLRACE_ASSIGN(const Certificate authority,
                  read_certificate(files.authority, files.authority_file));
  auto certificate = read_certificate(files.certificate, files.certificate_file);
  if (!certificate.is_ok()) {
    return Status(Code::permission_denied, certificate.status().message(),
                  certificate.status().hint());
  }
  MILLRACE_TRY(check_chain(certificate.value().get(), authority.get(), files, now));
  return read_identity(certificate.value().get(), files.certificate_file);
}

Result<NodeIdentity> claimed_identity(std::string_view certificate, std::string_view file) {
  MILLRACE_ASSIGN(const Certificate read, read_certificate(certificate, file));
  return read_identity(read.get(), file);
}

Result<std::chrono::sys_seconds> check_authority(const CertificateFiles& files,
                                                 std::chrono::sys_seconds now) {
  MILLRACE_ASSIGN(const Certificate authority, read_authority(files, now));
  if (!files.key.empty()) {
    MILLRACE_TRY(check_key(authority.get(), files, files.authority_file));
  }
  return to_time(X509_get0_notAfter(authority.get()));
}

}  // namespace millrace::security
