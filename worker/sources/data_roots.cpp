#include "worker/sources/data_roots.hpp"

#include <algorithm>
#include <filesystem>

namespace millrace {
namespace {

bool is_below(const std::filesystem::path& path, const std::filesystem::path& root) {
  const auto [end, _] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end == root.end();
}

}  // namespace

Result<DataRoots> DataRoots::below(const std::vector<std::string>& folders) {
  DataRoots roots;
  roots.roots_.emplace();
  for (const auto& folder : folders) {
    std::error_code error;
    const auto real = std::filesystem::canonical(folder, error);
    if (error || !std::filesystem::is_directory(real, error)) {
      return Status(Code::not_found, "the data root " + folder + " is no folder",
                    "make it, or name another with --data-root");
    }
    roots.roots_->push_back(real.string());
  }
  return roots;
}

Status DataRoots::check(const std::string& path) const {
  if (!roots_) return {};
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  const bool is_allowed = !error && std::ranges::any_of(*roots_, [&](const auto& root) {
    return is_below(real, root);
  });
  if (is_allowed) return {};
  // What is outside may not even be asked after.
  const auto plain = std::filesystem::path(path).lexically_normal();
  const bool is_asked_below =
      std::ranges::any_of(*roots_, [&](const auto& root) { return is_below(plain, root); });
  if (error && is_asked_below) {
    return {Code::not_found, "there is no file '" + path + "' on this worker",
            "check source.path; every worker must see the same files"};
  }
  std::string roots;
  for (const auto& root : *roots_) roots += (roots.empty() ? "" : ", ") + root;
  return {Code::permission_denied,
          "'" + path + "' is outside the folders that jobs of this cluster may read (" +
              (roots.empty() ? "none" : roots) + ")",
          "put the data there, or start the workers with --data-root"};
}

Status DataRoots::check(const SourceSpec& source, const std::string& base_folder) const {
  if (!roots_ || source.kind != SourceKind::file) return {};
  const std::filesystem::path path(source.path);
  const auto full = (path.is_absolute() ? path : base_folder / path).lexically_normal().string();
  // A glob looks into folders: the part without wildcards must be inside before it does.
  const auto wildcard = full.find_first_of("*?[");
  if (wildcard == full.npos) return check(full);
  MILLRACE_TRY(check(full.substr(0, full.rfind('/', wildcard))));
  MILLRACE_ASSIGN(const auto files, find_files(source.path, base_folder));
  for (const auto& file : files) MILLRACE_TRY(check(file));
  return {};
}

Status DataRoots::check(const SourceSpec& source,
                        const std::vector<SplitDescription>& splits) const {
  if (!roots_ || source.kind != SourceKind::file) return {};
  std::string checked;
  for (const auto& split : splits) {
    if (split.path.empty() || split.path == checked) continue;
    MILLRACE_TRY(check(split.path));
    checked = split.path;
  }
  return {};
}

}  // namespace millrace
