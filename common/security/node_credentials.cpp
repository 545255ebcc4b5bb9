#include "common/security/node_credentials.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/security/key_files.hpp"
#include "common/security/openssl_objects.hpp"

namespace millrace::security {
namespace {

constexpr std::size_t kNonceBytes = 32;

using Digest = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

// A file without a name that cannot be changed any more.
class SealedFile {
 public:
  SealedFile() = default;
  ~SealedFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  SealedFile(SealedFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  SealedFile& operator=(SealedFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  static Result<SealedFile> make(std::string_view content) {
    SealedFile file;
    file.descriptor_ = ::memfd_create("millrace-tls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const bool is_written = file.descriptor_ >= 0 && ::fchmod(file.descriptor_, S_IRUSR) == 0 &&
                            ::write(file.descriptor_, content.data(), content.size()) ==
                                static_cast<ssize_t>(content.size()) &&
                            ::fcntl(file.descriptor_, F_ADD_SEALS,
                                    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
    if (is_written) return file;
    return Status(Code::io_error,
                  std::string("cannot keep keys in memory: ") + std::strerror(errno),
                  "this needs Linux with memfd_create, and a few files that may be opened");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_ = -1;
};

Status refuse(const std::string& why) {
  return {Code::permission_denied, why, "give every node its own keys, from one `millrace keygen`"};
}

}  // namespace

struct NodeCredentials::Held {
  std::string authority, certificate;
  Key key;
  SealedFile authority_file, certificate_file, key_file;
};

NodeCredentials::NodeCredentials(std::unique_ptr<Held> held) : held_(std::move(held)) {}
NodeCredentials::~NodeCredentials() = default;

Result<std::shared_ptr<const NodeCredentials>> NodeCredentials::hold(const ClusterKeys& keys,
                                                                     std::chrono::sys_seconds now) {
  auto held = std::make_unique<Held>();
  MILLRACE_ASSIGN(const Secret key, read_secret_file(keys.key_file));
  MILLRACE_ASSIGN(held->authority, read_trusted_file(keys.authority_file));
  MILLRACE_ASSIGN(held->certificate, read_trusted_file(keys.certificate_file));
  MILLRACE_ASSIGN(const CheckedCertificate checked,
                  check_certificate({.authority = held->authority,
                                     .authority_file = keys.authority_file,
                                     .certificate = held->certificate,
                                     .certificate_file = keys.certificate_file,
                                     .key = key.text(),
                                     .key_file = keys.key_file},
                                    now));
  MILLRACE_ASSIGN(held->key, read_private_key(key.text(), keys.key_file));
  MILLRACE_ASSIGN(held->authority_file, SealedFile::make(held->authority));
  MILLRACE_ASSIGN(held->certificate_file, SealedFile::make(held->certificate));
  MILLRACE_ASSIGN(held->key_file, SealedFile::make(key.text()));
  auto credentials = std::shared_ptr<NodeCredentials>(new NodeCredentials(std::move(held)));
  credentials->identity_ = checked.identity;
  return std::shared_ptr<const NodeCredentials>(std::move(credentials));
}

std::string NodeCredentials::authority_file() const {
  return held_->authority_file.path();
}
std::string NodeCredentials::certificate_file() const {
  return held_->certificate_file.path();
}
std::string NodeCredentials::key_file() const {
  return held_->key_file.path();
}

NodeProof NodeCredentials::prove(ByteView statement) const {
  const Digest digest(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(statement.data());
  std::size_t size = 0;
  MILLRACE_CHECK(digest != nullptr);
  MILLRACE_CHECK(
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, held_->key.get()) == 1);
  MILLRACE_CHECK(EVP_DigestSign(digest.get(), nullptr, &size, data, statement.size()) == 1);
  NodeProof proof{held_->certificate, Bytes(size)};
  auto* signature = reinterpret_cast<unsigned char*>(proof.signature.data());
  MILLRACE_CHECK(EVP_DigestSign(digest.get(), signature, &size, data, statement.size()) == 1);
  proof.signature.resize(size);
  return proof;
}

Result<NodeIdentity> NodeCredentials::check(const NodeProof& proof, ByteView statement,
                                            std::chrono::sys_seconds now) const {
  if (proof.certificate.empty()) return refuse("the other node shows no certificate");
  MILLRACE_ASSIGN(const NodeIdentity identity,
                  check_peer_certificate({.authority = held_->authority,
                                          .authority_file = "this node's authority",
                                          .certificate = proof.certificate,
                                          .certificate_file = "the other node's certificate",
                                          .key = {},
                                          .key_file = {}},
                                         now));
  MILLRACE_ASSIGN(const Certificate certificate,
                  read_certificate(proof.certificate, "the other node's certificate"));
  const Digest digest(EVP_MD_CTX_new());
  MILLRACE_CHECK(digest != nullptr);
  const auto* signature = reinterpret_cast<const unsigned char*>(proof.signature.data());
  const auto* data = reinterpret_cast<const unsigned char*>(statement.data());
  const bool is_signed = EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr,
                                              X509_get0_pubkey(certificate.get())) == 1 &&
                         EVP_DigestVerify(digest.get(), signature, proof.signature.size(), data,
                                          statement.size()) == 1;
  ERR_clear_error();
  if (is_signed) return identity;
  return refuse("whoever shows the certificate of " + identity_uri(identity) +
                " has not its key, or answers another question");
}

Bytes make_nonce() {
  MILLRACE_CHECK(sodium_init() >= 0);
  Bytes nonce(kNonceBytes);
  randombytes_buf(nonce.data(), nonce.size());
  return nonce;
}

}  // namespace millrace::security
