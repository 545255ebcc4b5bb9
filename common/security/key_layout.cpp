#include "common/security/key_layout.hpp"

#include <algorithm>
#include <cerrno>

#include "common/base/limits.hpp"
#include "common/security/key_files.hpp"

namespace millrace::security {
namespace {

namespace fs = std::filesystem;

// As many clients as the policy holds, and far more nodes than that many clusters have.
constexpr std::size_t kFoldersMax = limits::kPolicyClientsMax;

}  // namespace

Result<std::vector<std::string>> KeyLayout::names_in(const char* kind) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_ / kind, error)) {
    std::error_code ignored;
    // An empty one was made by a run that was killed: it stands for nobody yet.
    if (entry.is_directory(ignored) && !fs::is_empty(entry.path(), ignored)) {
      names.push_back(entry.path().filename().string());
    }
    if (names.size() > kFoldersMax) {
      return Status(Code::resource_exhausted,
                    folder(kind) + " holds more than " + std::to_string(kFoldersMax) + " folders",
                    "use a folder of its own for each cluster");
    }
  }
  if (error) return disk_error("list", folder(kind), error.value());
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Status KeyWriter::make_folder(const std::string& folder) {
  return make_private_folder(disk_, folder);
}

Status KeyWriter::write(const std::string& path, ByteView bytes) {
  const bool is_renewed = exists(path) || removed_.contains(path);
  MILLRACE_TRY(write_private_file(disk_, path, bytes));
  written_[path] = is_renewed ? KeyFileState::renewed : KeyFileState::made;
  return {};
}

Status KeyWriter::remove(const std::string& path) {
  if (!exists(path)) return {};
  if (disk_.unlink(path) != 0) return disk_error("remove", path, errno);
  removed_.insert(path);
  return sync_folder(disk_, fs::path(path).parent_path().string());
}

Status KeyWriter::remove_temporaries(const KeyLayout& layout) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(layout.root(), error)) {
    const auto path = entry.path().string();
    std::error_code ignored;
    if (!path.ends_with(kTemporarySuffix) || !entry.is_regular_file(ignored)) continue;
    if (disk_.unlink(path) != 0) return disk_error("remove", path, errno);
  }
  if (error) return disk_error("list", layout.root(), error.value());
  return {};
}

Status KeyWriter::write_pair(const CurveKeyPair& pair, const std::string& secret_path,
                             const std::string& public_path, bool is_new) {
  if (is_new) MILLRACE_TRY(remove(public_path));
  if (is_new || !exists(secret_path)) {
    MILLRACE_TRY(write(secret_path, curve_secret_text(pair).bytes()));
  }
  if (exists(public_path)) return {};
  return write(public_path, as_bytes(pair.public_key.text() + "\n"));
}

Result<std::vector<KeyFile>> KeyWriter::listing(const KeyLayout& layout) const {
  std::vector<KeyFile> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(layout.root(), error)) {
    std::error_code ignored;
    if (!entry.is_regular_file(ignored)) continue;
    const auto path = entry.path().string();
    const auto written = written_.find(path);
    files.push_back({path, written == written_.end() ? KeyFileState::kept : written->second});
  }
  if (error) return disk_error("list", layout.root(), error.value());
  std::sort(files.begin(), files.end(),
            [](const KeyFile& a, const KeyFile& b) { return a.path < b.path; });
  return files;
}

Result<CurveKeyPair> read_curve_secret(const std::string& path) {
  MILLRACE_ASSIGN(const Secret text, read_secret_file(path));
  auto pair = parse_curve_secret(text.text());
  if (!pair.is_ok()) {
    return Status(pair.status().code(), path + " " + pair.status().message(), pair.status().hint());
  }
  return pair;
}

}  // namespace millrace::security
