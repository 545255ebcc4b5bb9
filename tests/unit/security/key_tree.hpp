// A folder of keys as keygen makes it, at a fixed time, and ways to spoil it.
#pragma once

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "common/security/key_folder.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace::test {

namespace fs = std::filesystem;
using namespace security;

// 2026-01-01 00:00 UTC: any moment will do, as long as tests agree on it.
constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'767'225'600)};

inline std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  BOOST_REQUIRE_MESSAGE(file, path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// As a person with an editor would: the mode stays private.
inline void overwrite(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  BOOST_REQUIRE(::chmod(path.c_str(), 0600) == 0);
}

inline unsigned mode_of(const fs::path& path) {
  struct stat found {};
  BOOST_REQUIRE_MESSAGE(::stat(path.c_str(), &found) == 0, path);
  return found.st_mode & 07777;
}

struct KeyTree {
  TemporaryFolder folder;
  KeyFolderOptions options{.folder = (folder.path() / "keys").string(), .nodes = {}, .clients = {}};

  Result<std::vector<KeyFile>> run(std::chrono::sys_seconds now = kNow) {
    FaultDisk disk;
    disk.is_quick = true;
    return make_key_folder(disk, options, now);
  }
  std::vector<KeyFile> make(std::chrono::sys_seconds now = kNow) {
    auto files = run(now);
    BOOST_REQUIRE_MESSAGE(files.is_ok(), files.status().message());
    return std::move(files).value();
  }
  fs::path path(const std::string& name) const { return fs::path(options.folder) / name; }
  std::string text(const std::string& name) const { return content_of(path(name)); }
  // Every file and what it holds.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(options.folder)) {
      if (entry.is_regular_file()) all[entry.path().string()] = content_of(entry.path());
    }
    return all;
  }
  void name_node(const std::string& name, std::optional<NodeRole> role = {}) {
    options.nodes.push_back({name, role});
  }
  void name_client(const std::string& id, std::initializer_list<ClientRole> roles) {
    options.clients.push_back({id, {}});
    for (const auto role : roles) options.clients.back().roles.add(role);
  }
  void name_nobody() {
    options.nodes.clear();
    options.clients.clear();
  }
};

// The states of the files below one folder.
inline std::map<std::string, KeyFileState> states(const KeyTree& tree,
                                                  const std::vector<KeyFile>& files) {
  std::map<std::string, KeyFileState> found;
  for (const auto& file : files) {
    found[fs::path(file.path).lexically_relative(tree.options.folder).string()] = file.state;
  }
  return found;
}

}  // namespace millrace::test
