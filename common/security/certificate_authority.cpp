#include <openssl/ec.h>
#include <openssl/rand.h>

#include "common/base/digest.hpp"
#include "common/security/certificate.hpp"
#include "common/security/openssl_objects.hpp"

namespace millrace::security {
namespace {

constexpr long kVersion3 = 2;
constexpr std::size_t kSerialBytes = 16;
// Clocks of a cluster differ a little, and a certificate must not begin in somebody's future.
constexpr std::chrono::hours kBackdated{1};

// What only fails when memory runs out or a constant of ours is wrong.
void must(int outcome) {
  MILLRACE_CHECK(outcome > 0);
}

Status failed(const char* doing) {
  return {Code::internal, std::string(doing) + ": " + openssl_reason(), "please report this"};
}

Secret private_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  MILLRACE_CHECK(bio != nullptr);
  must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return Secret(as_bytes({data, static_cast<std::size_t>(size)}));
}

std::string public_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  MILLRACE_CHECK(bio != nullptr);
  must(PEM_write_bio_X509(bio.get(), certificate));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

void set_random_serial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  must(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())));
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7F) | 0x40);  // positive, of full length
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  MILLRACE_CHECK(number != nullptr);
  MILLRACE_CHECK(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr);
  BN_free(number);
}

void set_validity(X509* certificate, std::chrono::sys_seconds from, std::chrono::sys_seconds to) {
  const auto set = [](ASN1_TIME* time, std::chrono::sys_seconds at) {
    MILLRACE_CHECK(ASN1_TIME_set(time, at.time_since_epoch().count()) != nullptr);
  };
  set(X509_getm_notBefore(certificate), from);
  set(X509_getm_notAfter(certificate), to);
}

void set_name(X509_NAME* name, const std::string& common_name) {
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0));
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  MILLRACE_CHECK(extension != nullptr);
  must(X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

// Of the public half: the same for the same key, and no two clusters share it.
std::string authority_name(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  must(size);
  const auto digest =
      sha256_hex({reinterpret_cast<std::byte*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return "Millrace cluster " + digest.substr(0, 16);
}

Certificate begin_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  MILLRACE_CHECK(certificate != nullptr);
  must(X509_set_version(certificate.get(), kVersion3));
  must(X509_set_pubkey(certificate.get(), key));
  set_random_serial(certificate.get());
  return certificate;
}

}  // namespace

Secret make_private_key() {
  const Key key(EVP_EC_gen("P-256"));
  MILLRACE_CHECK(key != nullptr);
  return private_pem(key.get());
}

Result<std::string> make_authority_certificate(const Secret& key_pem,
                                               std::chrono::sys_seconds now) {
  MILLRACE_ASSIGN(const Key key, read_private_key(key_pem.text(), "the authority's key"));
  const Certificate certificate = begin_certificate(key.get());
  X509* raw = certificate.get();
  set_validity(raw, now - kBackdated, now + kAuthorityDays);
  set_name(X509_get_subject_name(raw), authority_name(key.get()));
  must(X509_set_issuer_name(raw, X509_get_subject_name(raw)));
  add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(raw, raw, NID_subject_key_identifier, "hash");
  if (X509_sign(raw, key.get(), EVP_sha256()) == 0) return failed("signing the authority");
  return public_pem(raw);
}

Result<std::string> make_node_certificate(const Certified& authority, const Secret& key_pem,
                                          const NodeIdentity& identity, std::chrono::days days,
                                          std::chrono::sys_seconds now) {
  MILLRACE_TRY(check_name("node", identity.name));
  MILLRACE_ASSIGN(const Key issuer_key,
                  read_private_key(authority.key.text(), "the authority's key"));
  MILLRACE_ASSIGN(const Certificate issuer,
                  read_certificate(authority.certificate, "the authority's certificate"));
  MILLRACE_ASSIGN(const Key key, read_private_key(key_pem.text(), "the node's key"));
  if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    ERR_clear_error();
    return Status(Code::conflict, "the authority's key and certificate do not belong together",
                  "bring back the pair that belongs together, or renew everything with --force");
  }
  if (now + days > to_time(X509_get0_notAfter(issuer.get()))) {
    return Status(Code::invalid_argument,
                  "a certificate for " + std::to_string(days.count()) +
                      " days would outlive the cluster's authority",
                  "ask for fewer --days, or renew everything with --force");
  }
  const Certificate certificate = begin_certificate(key.get());
  X509* raw = certificate.get();
  set_validity(raw, now - kBackdated, now + days);
  set_name(X509_get_subject_name(raw), identity.name);
  must(X509_set_issuer_name(raw, X509_get_subject_name(issuer.get())));
  add_extension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature");
  // Every node listens and connects.
  add_extension(raw, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(raw, issuer.get(), NID_subject_key_identifier, "hash");
  add_extension(raw, issuer.get(), NID_authority_key_identifier, "keyid:always");
  add_extension(raw, issuer.get(), NID_subject_alt_name,
                "URI:" + identity_uri(identity) + ",DNS:" + identity.name);
  if (X509_sign(raw, issuer_key.get(), EVP_sha256()) == 0) return failed("signing a certificate");
  return public_pem(raw);
}

}  // namespace millrace::security
