#include "coordinator/cli/contexts.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <vector>

#include "common/base/limits.hpp"
#include "common/config/nearest.hpp"
#include "common/security/roles.hpp"
#include "coordinator/registry/files.hpp"

namespace millrace::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Status wrong(const std::string& where, const YAML::Mark& mark, const std::string& why,
             std::string hint = "write it anew with `millrace context add`") {
  return {Code::invalid_argument, fmt::format("{}:{}: {}", where, mark.line + 1, why),
          std::move(hint)};
}

// Reads one level of the file; the first thing that is wrong stays.
class Level {
 public:
  Level(const YAML::Node& node, const std::string& where, Status& status)
      : node_(node), where_(where), status_(status) {
    if (!node_.IsMap()) fail(node_.Mark(), "a mapping is expected");
  }

  template <typename Take>
  void each(const std::vector<std::string>& known, const Take& take) {
    if (!status_.is_ok()) return;
    for (const auto& entry : node_) {
      const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
      if (std::find(known.begin(), known.end(), key) == known.end())
        return fail(entry.first.Mark(), "unknown key '" + key + "'", suggestion(key, known));
      take(key, entry.second);
    }
  }
  std::string text(const YAML::Node& value) {
    if (value.IsNull()) return {};
    if (!value.IsScalar()) fail(value.Mark(), "a text is expected");
    return value.IsScalar() ? value.Scalar() : std::string();
  }
  void fail(const YAML::Mark& mark, const std::string& why, const std::string& hint = {}) {
    if (status_.is_ok())
      status_ = hint.empty() ? wrong(where_, mark, why) : wrong(where_, mark, why, hint);
  }

 private:
  const YAML::Node& node_;
  const std::string& where_;
  Status& status_;
};

Context read_context(const YAML::Node& node, const std::string& where, Status& status) {
  Context context;
  Level level(node, where, status);
  level.each({"coordinator", "keys"}, [&](const std::string& key, const YAML::Node& value) {
    (key == "keys" ? context.keys : context.coordinator) = level.text(value);
  });
  if (context.coordinator.empty()) level.fail(node.Mark(), "a context needs a `coordinator`");
  return context;
}

void read_named(const YAML::Node& node, const std::string& where, ContextFile& file,
                Status& status) {
  if (node.IsNull()) return;
  if (!node.IsMap()) {
    status = wrong(where, node.Mark(), "`contexts` is a mapping from names to contexts");
    return;
  }
  for (const auto& entry : node) {
    const auto name = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    if (const auto named = security::check_name("a context", name); !named.is_ok())
      status = wrong(where, entry.first.Mark(), named.message(), named.hint());
    if (status.is_ok()) file.contexts[name] = read_context(entry.second, where, status);
    if (!status.is_ok()) return;
  }
}

// A text in double quotes is the same in YAML and in this program, whatever it holds.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result + "\"";
}

std::string context_text(const Context& context) {
  auto text = "{coordinator: " + quoted(context.coordinator);
  if (!context.keys.empty()) text += ", keys: " + quoted(context.keys);
  return text + "}";
}

}  // namespace

std::filesystem::path context_path() {
  if (const auto base = variable("XDG_CONFIG_HOME"); !base.empty())
    return std::filesystem::path(base) / "millrace" / "config.yaml";
  if (const auto home = variable("HOME"); !home.empty())
    return std::filesystem::path(home) / ".config" / "millrace" / "config.yaml";
  return {};
}

Result<ContextFile> parse_contexts(const std::string& text, const std::string& where) {
  ContextFile file;
  Status status;
  try {
    const auto root = YAML::Load(text);
    if (root.IsNull()) return file;
    Level level(root, where, status);
    level.each({"coordinator", "keys", "current", "contexts"},
               [&](const std::string& key, const YAML::Node& value) {
                 if (key == "coordinator") file.fallback.coordinator = level.text(value);
                 if (key == "keys") file.fallback.keys = level.text(value);
                 if (key == "current") file.current = level.text(value);
                 if (key == "contexts") read_named(value, where, file, status);
               });
  } catch (const YAML::Exception& error) {
    return wrong(where, error.mark, error.msg);
  }
  MILLRACE_TRY(status);
  return file;
}

Result<ContextFile> read_contexts(const std::filesystem::path& path) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return ContextFile{};
  MILLRACE_ASSIGN(const Bytes bytes, read_file(path, limits::kJobFileBytesMax));
  return parse_contexts(std::string(as_text(bytes)), path.string());
}

std::string print_contexts(const ContextFile& file) {
  std::string text = "# Written by `millrace context`: which coordinator the CLI speaks with.\n";
  if (!file.fallback.coordinator.empty())
    text += "coordinator: " + quoted(file.fallback.coordinator) + "\n";
  if (!file.fallback.keys.empty()) text += "keys: " + quoted(file.fallback.keys) + "\n";
  if (!file.current.empty()) text += "current: " + quoted(file.current) + "\n";
  if (!file.contexts.empty()) text += "contexts:\n";
  for (const auto& [name, context] : file.contexts)
    text += "  " + quoted(name) + ": " + context_text(context) + "\n";
  return text;
}

Status write_contexts(const std::filesystem::path& path, const ContextFile& file) {
  if (path.empty())
    return {Code::not_found, "there is no home folder for config.yaml", "set XDG_CONFIG_HOME"};
  MILLRACE_TRY(make_folders(posix_disk(), path.parent_path().string()));
  return replace_file(posix_disk(), path, as_bytes(print_contexts(file)));
}

Result<Resolved> resolve_connection(const ConnectionWords& flags,
                                    const ConnectionWords& environment, const ContextFile& file) {
  if (!flags.coordinator.empty() && !flags.context.empty())
    return Status(Code::invalid_argument, "--coordinator and --context both say where to ask",
                  "leave one of them out");
  Resolved resolved;
  const auto named_keys = flags.keys.empty() ? environment.keys : flags.keys;
  const auto of_context = [&](const std::string& name) -> Result<Resolved> {
    const auto found = file.contexts.find(name);
    if (found == file.contexts.end()) {
      std::vector<std::string> known;
      for (const auto& [other, context] : file.contexts) known.push_back(other);
      return Status(
          Code::not_found, "there is no context '" + name + "'",
          known.empty() ? "make one with `millrace context add`" : suggestion(name, known));
    }
    return Resolved{.coordinator = found->second.coordinator,
                    .keys = named_keys.empty() ? found->second.keys : named_keys,
                    .origin = "context " + name};
  };
  if (!flags.coordinator.empty())
    return Resolved{
        .coordinator = flags.coordinator, .keys = named_keys, .origin = "--coordinator"};
  if (!flags.context.empty()) return of_context(flags.context);
  if (!environment.coordinator.empty())
    return Resolved{.coordinator = environment.coordinator,
                    .keys = named_keys,
                    .origin = "MILLRACE_COORDINATOR"};
  if (!environment.context.empty()) return of_context(environment.context);
  if (!file.current.empty()) return of_context(file.current);
  resolved.keys = named_keys.empty() ? file.fallback.keys : named_keys;
  const bool is_named = !file.fallback.coordinator.empty();
  resolved.coordinator = is_named ? file.fallback.coordinator : kDefaultCoordinator;
  resolved.origin = is_named ? "config.yaml" : "default";
  return resolved;
}

}  // namespace millrace::cli
