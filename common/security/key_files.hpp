// Files of keys and certificates: read only when nobody else can have read or changed them, written
// so that they are there whole or not at all.
//
// Place: below key_folder (writes) and cluster_keys and the access policy (read). Links are
// followed: mounted secrets are links. What is checked is the file that was opened, so nothing can
// be swapped in between.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.hpp"
#include "common/security/secret.hpp"
#include "common/store/disk.hpp"

namespace millrace::security {

// A secret: regular, owned by this user or root, mode not wider than 0600, at most 64 KiB.
Result<Secret> read_secret_file(const std::string& path);
// Not secret, but others must not be able to change it: owner as above, mode not wider than 0644,
// at most limits::kPolicyBytesMax.
Result<std::string> read_trusted_file(const std::string& path);

// Makes the folder (0700) durably when it is missing; permission_denied when it exists and others
// can enter it.
Status make_private_folder(Disk& disk, const std::string& folder);
// Of what is being written. Whoever holds a folder of keys may remove what a run that was killed
// has left under such names.
inline constexpr std::string_view kTemporarySuffix = ".tmp";
// Temporary file of mode 0600, fsync, rename over the name, fsync of the folder.
Status write_private_file(Disk& disk, const std::string& path, ByteView bytes);

}  // namespace millrace::security
