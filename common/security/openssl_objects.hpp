// Objects of OpenSSL that free themselves, and what both makers and checkers of certificates do
// with PEM.
//
// Place: inside common/security only; include from sources.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/check.hpp"
#include "common/base/status.hpp"
#include "common/security/secret.hpp"

namespace millrace::security {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
inline void free_names(GENERAL_NAMES* names) {
  GENERAL_NAMES_free(names);
}

using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, FreeWith<free_names>>;

inline Bio memory_bio(std::string_view content) {
  Bio bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  MILLRACE_CHECK(bio != nullptr);
  return bio;
}

// What OpenSSL says of its last failure; its queue is empty afterwards.
inline std::string openssl_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown" : reason;
}

// No terminal is asked for a pass phrase: an encrypted key is an error.
inline int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

inline Result<Key> read_private_key(std::string_view pem, std::string_view file) {
  Key key(PEM_read_bio_PrivateKey(memory_bio(pem).get(), nullptr, no_pass_phrase, nullptr));
  if (key != nullptr) return key;
  return Status(Code::invalid_argument,
                std::string(file) + " holds no private key (" + openssl_reason() + ")",
                "name a PEM key without a pass phrase, as `millrace keygen` makes them");
}

// The one certificate of a file.
inline Result<Certificate> read_certificate(std::string_view pem, std::string_view file) {
  const Bio bio = memory_bio(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (certificate == nullptr) {
    return Status(Code::invalid_argument,
                  std::string(file) + " holds no certificate (" + openssl_reason() + ")",
                  "name a PEM file, as `millrace keygen` makes them");
  }
  const Certificate second(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
  ERR_clear_error();
  if (second == nullptr) return certificate;
  return Status(Code::invalid_argument, std::string(file) + " holds more than one certificate",
                "keep the authority of this cluster alone: whoever any of them signed could join");
}

inline std::chrono::sys_seconds to_time(const ASN1_TIME* time) {
  // Counted from an epoch of ours, since the C library's way back from a calendar depends on zones.
  int days = 0, seconds = 0;
  ASN1_TIME* epoch = ASN1_TIME_set(nullptr, 0);
  MILLRACE_CHECK(epoch != nullptr);
  const int is_time = ASN1_TIME_diff(&days, &seconds, epoch, time);
  ASN1_TIME_free(epoch);
  // Not a time: ended long ago.
  if (is_time != 1) return {};
  return std::chrono::sys_seconds(std::chrono::days(days) + std::chrono::seconds(seconds));
}

}  // namespace millrace::security
