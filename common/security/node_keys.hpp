// The folders of the nodes: which there are to be, whether what is kept is good, what is missing.
//
// Place: inside common/security, one step of make_key_folder. One thread, one run.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "common/base/status.hpp"
#include "common/security/shared_keys.hpp"

namespace millrace::security {

class NodeKeys {
 public:
  NodeKeys(const KeyLayout& layout, const KeyFolderOptions& options, std::chrono::sys_seconds now)
      : layout_(layout), options_(options), now_(now) {}

  // Those that have a folder and those that are asked for. `renews_all`: make every one anew.
  Status find(bool renews_all);
  // Changes nothing: conflict when what is to be kept would not be accepted.
  Status check() const;
  Status make(KeyWriter& writer, SharedKeys& shared) const;
  // Some node's certificate exists already.
  bool has_certificates() const { return has_certificates_; }

 private:
  struct Node {
    NodeRole role = NodeRole::worker;
    bool renews = false;
  };
  std::optional<NodeRole> role_of(const std::string& name) const;
  Status check_node(const std::string& name, const Node& node) const;
  Status check_trusted(const std::string& name, const std::string& authority_file) const;
  Status check_copies(const std::string& name, const Node& node) const;
  Status make_node(const std::string& name, const Node& node, KeyWriter& writer,
                   SharedKeys& shared) const;
  Status make_certificate(const std::string& name, const Node& node, KeyWriter& writer,
                          SharedKeys& shared) const;

  const KeyLayout& layout_;
  const KeyFolderOptions& options_;
  const std::chrono::sys_seconds now_;
  std::map<std::string, Node> nodes_;
  bool has_certificates_ = false;
};

}  // namespace millrace::security
