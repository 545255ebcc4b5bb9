// Where each key of a cluster's folder lies, and the one way files get there.
//
// Place: inside common/security, below the makers of keys; the layout stands in key_folder.hpp.
// One thread, one run.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/security/curve_keys.hpp"
#include "common/security/key_folder.hpp"
#include "common/store/disk.hpp"

namespace millrace::security {

class KeyLayout {
 public:
  explicit KeyLayout(std::filesystem::path root) : root_(std::move(root)) {}

  std::string root() const { return root_.string(); }
  std::string folder(const char* kind) const { return (root_ / kind).string(); }
  std::string authority_key() const { return (root_ / "ca" / "ca.key").string(); }
  std::string authority() const { return (root_ / "ca" / kAuthorityFile).string(); }
  std::string server_public(NodeRole role) const {
    return (root_ / "servers" / server_public_file(role)).string();
  }
  std::string server_secret(NodeRole role) const {
    return (root_ / "servers" / (std::string(to_string(role)) + ".secret")).string();
  }
  std::string node(const std::string& name, std::string_view file = {}) const {
    return below("nodes", name, file);
  }
  std::string client(const std::string& id, std::string_view file = {}) const {
    return below("clients", id, file);
  }
  std::string policy() const { return (root_ / kPolicyFile).string(); }

  // The folders of a kind that hold something, sorted; resource_exhausted when there are more than
  // a cluster has.
  Result<std::vector<std::string>> names_in(const char* kind) const;

 private:
  std::string below(const char* kind, const std::string& name, std::string_view file) const {
    const auto folder = root_ / kind / name;
    return (file.empty() ? folder : folder / file).string();
  }

  std::filesystem::path root_;
};

bool exists(const std::string& path);

// Writes files of a key folder and remembers what it wrote.
class KeyWriter {
 public:
  explicit KeyWriter(Disk& disk) : disk_(disk) {}

  Status make_folder(const std::string& folder);
  Status write(const std::string& path, ByteView bytes);
  // For what belonged to a key that is replaced: a run that is killed must not leave the two side
  // by side.
  Status remove(const std::string& path);
  // What runs that were killed have left: half a file, perhaps of a secret.
  Status remove_temporaries(const KeyLayout& layout);
  // Both halves of a new pair, or those that are missing. The secret comes first: its public half
  // can be found from it.
  Status write_pair(const CurveKeyPair& pair, const std::string& secret_path,
                    const std::string& public_path, bool is_new);

  // Every file below the root, sorted, with what has become of it.
  Result<std::vector<KeyFile>> listing(const KeyLayout& layout) const;

 private:
  Disk& disk_;
  std::map<std::string, KeyFileState> written_;
  std::set<std::string> removed_;
};

Result<CurveKeyPair> read_curve_secret(const std::string& path);

}  // namespace millrace::security
