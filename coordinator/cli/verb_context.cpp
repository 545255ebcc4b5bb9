#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/net/endpoint.hpp"
#include "common/security/cluster_keys.hpp"
#include "coordinator/cli/cluster_verbs.hpp"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

Json context_json(const std::string& name, const Context& context, bool is_current) {
  return {{"name", name},
          {"coordinator", context.coordinator},
          {"keys", context.keys},
          {"is_current", is_current}};
}

Status add_context(const ContextVerb& options, Output& output) {
  MILLRACE_TRY(security::check_name("a context", options.name));
  MILLRACE_ASSIGN(const auto endpoint, net::Endpoint::parse(options.coordinator));
  Context context{.coordinator = endpoint.text(), .keys = options.keys};
  if (!options.keys.empty()) {
    context.keys = std::filesystem::absolute(options.keys).lexically_normal().string();
    // Found out now, not when they are needed.
    MILLRACE_TRY(
        security::load_client_keys(context.keys, security::NodeRole::coordinator).status());
  }
  const auto path = context_path();
  MILLRACE_ASSIGN(auto file, read_contexts(path));
  const bool is_new = !file.contexts.contains(options.name);
  file.contexts[options.name] = context;
  if (file.current.empty()) file.current = options.name;
  MILLRACE_TRY(write_contexts(path, file));
  const bool is_current = file.current == options.name;
  if (!output.is_table()) {
    Json document = {{"schema_version", 1}};
    document.update(context_json(options.name, context, is_current));
    output.print_document(document);
    return {};
  }
  output.print("context " + options.name + (is_new ? " added" : " replaced") + " in " +
               path.string() + "\nnext: millrace " +
               (is_current ? "doctor" : "context use " + options.name) + "\n");
  return {};
}

Status use_context(const ContextVerb& options, Output& output) {
  const auto path = context_path();
  MILLRACE_ASSIGN(auto file, read_contexts(path));
  MILLRACE_ASSIGN(
      const auto resolved,
      resolve_connection({.coordinator = {}, .keys = {}, .context = options.name}, {}, file));
  file.current = options.name;
  MILLRACE_TRY(write_contexts(path, file));
  if (!output.is_table()) {
    Json document = {{"schema_version", 1}};
    document.update(context_json(options.name, file.contexts.at(options.name), true));
    output.print_document(document);
    return {};
  }
  output.print("commands go to " + resolved.coordinator + " from now on\nnext: millrace jobs\n");
  return {};
}

Status list_contexts(Output& output) {
  const auto path = context_path();
  MILLRACE_ASSIGN(const auto file, read_contexts(path));
  MILLRACE_ASSIGN(const auto used, resolve_connection({}, connection_environment(), file));
  if (!output.is_table()) {
    Json document = {{"schema_version", 1},
                     {"file", path.string()},
                     {"used", {{"coordinator", used.coordinator}, {"origin", used.origin}}},
                     {"contexts", Json::array()}};
    for (const auto& [name, context] : file.contexts)
      document["contexts"].push_back(context_json(name, context, name == file.current));
    output.print_document(document);
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"", "context", "coordinator", "keys"}};
  for (const auto& [name, context] : file.contexts)
    rows.push_back({name == file.current ? "*" : "", name, one_line(context.coordinator),
                    one_line(context.keys)});
  output.print(file.contexts.empty() ? "no contexts in " + path.string() + "\n" : aligned(rows));
  output.print("commands go to " + used.coordinator + " (" + used.origin + ")\n" +
               (file.contexts.empty()
                    ? "next: millrace context add NAME --coordinator tcp://HOST:4701\n"
                    : ""));
  return {};
}

}  // namespace

int verb_context_add(const ContextVerb& options, Output& output) {
  const auto status = add_context(options, output);
  return status.is_ok() ? kExitDone : output.fail(status);
}

int verb_context_use(const ContextVerb& options, Output& output) {
  const auto status = use_context(options, output);
  return status.is_ok() ? kExitDone : output.fail(status);
}

int verb_context_list(Output& output) {
  const auto status = list_contexts(output);
  return status.is_ok() ? kExitDone : output.fail(status);
}

}  // namespace millrace::cli
