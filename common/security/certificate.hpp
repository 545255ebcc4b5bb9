// Certificates of a cluster: an authority for this cluster only, and one certificate per node that
// says who it is.
//
// Place: made by key_folder, checked by cluster_keys before TLS is given the files. CAF's TLS
// accepts whatever its authority signed and looks at no name, so the role and the node stand in the
// certificate itself: SAN `URI:millrace://worker/NAME` and `DNS:NAME`. EC P-256, ECDSA with
// SHA-256. Pure but for the random numbers of new keys; time is passed in.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/status.hpp"
#include "common/security/roles.hpp"
#include "common/security/secret.hpp"

namespace millrace::security {

// A certificate that ends sooner is refused at start: its process would soon meet nobody.
inline constexpr std::chrono::hours kValidityLeftMin{24};
inline constexpr std::chrono::days kNodeDaysMin{2};
inline constexpr std::chrono::days kNodeDaysMax{3'650};
// Longer than any node's certificate, so that the authority need not be renewed with every node.
inline constexpr std::chrono::days kAuthorityDays{2 * kNodeDaysMax};

struct NodeIdentity {
  NodeRole role = NodeRole::worker;
  std::string name;
  bool operator==(const NodeIdentity&) const = default;
};
// "millrace://worker/NAME"
std::string identity_uri(const NodeIdentity& identity);
Result<NodeIdentity> parse_identity_uri(std::string_view uri);

// Both PEM.
struct Certified {
  std::string certificate;
  Secret key;
};

Secret make_private_key();
// A self-signed authority over `key`. The same key gives the same name, so that a certificate that
// was lost can be made again and what the former one signed stays valid.
Result<std::string> make_authority_certificate(const Secret& key, std::chrono::sys_seconds now);
// A node's certificate over `key`, signed by the authority, valid for `days` from `now`.
// invalid_argument when it would outlive the authority.
Result<std::string> make_node_certificate(const Certified& authority, const Secret& key,
                                          const NodeIdentity& identity, std::chrono::days days,
                                          std::chrono::sys_seconds now);

// What a certificate has been found to be.
struct CheckedCertificate {
  NodeIdentity identity;
  std::chrono::sys_seconds expires_at;  // its own end or its authority's, whichever is sooner
};

// PEM texts and the files they come from, for messages.
struct CertificateFiles {
  std::string_view authority, authority_file;
  std::string_view certificate, certificate_file;
  std::string_view key, key_file;
};

// One authority, one certificate, signed by that authority, valid now and for at least
// kValidityLeftMin, with exactly one identity, and a key that belongs to it. invalid_argument for
// what is no such PEM, permission_denied for what must not be trusted.
Result<CheckedCertificate> check_certificate(const CertificateFiles& files,
                                             std::chrono::sys_seconds now);
// Another node's certificate, without its key: signed by the authority, valid at this moment, with
// exactly one identity. permission_denied otherwise.
Result<NodeIdentity> check_peer_certificate(const CertificateFiles& files,
                                            std::chrono::sys_seconds now);
// What a certificate says of itself, believed by nobody yet.
Result<NodeIdentity> claimed_identity(std::string_view certificate, std::string_view file);
// The authority alone: its certificate, and its key when that is given.
Result<std::chrono::sys_seconds> check_authority(const CertificateFiles& files,
                                                 std::chrono::sys_seconds now);

}  // namespace millrace::security
