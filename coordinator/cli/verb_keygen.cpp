#include <fmt/format.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "common/security/key_folder.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

// "NAME=REST" in two; the second is empty where there is no '='.
std::pair<std::string, std::string> split_at_equals(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == text.npos) return {text, ""};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Result<security::NodeRequest> parse_node(const std::string& text) {
  const auto [name, role] = split_at_equals(text);
  security::NodeRequest node{.name = name, .role = {}};
  if (text.find('=') == text.npos) return node;
  MILLRACE_ASSIGN(node.role, security::parse_node_role(role));
  return node;
}

Result<security::ClientRequest> parse_client(const std::string& text) {
  const auto [id, roles] = split_at_equals(text);
  security::ClientRequest client{.id = id, .roles = {}};
  if (text.find('=') == text.npos) return client;
  for (std::size_t begin = 0; begin <= roles.size();) {
    const auto end = std::min(roles.find('+', begin), roles.size());
    MILLRACE_ASSIGN(const auto role, security::parse_client_role(roles.substr(begin, end - begin)));
    client.roles.add(role);
    begin = end + 1;
  }
  return client;
}

Result<security::KeyFolderOptions> to_options(const KeygenVerb& given) {
  security::KeyFolderOptions options;
  options.folder = given.folder;
  options.days = std::chrono::days(given.days);
  options.renew = given.force;
  for (const auto& text : given.nodes) {
    MILLRACE_ASSIGN(auto node, parse_node(text));
    options.nodes.push_back(std::move(node));
  }
  for (const auto& text : given.clients) {
    MILLRACE_ASSIGN(auto client, parse_client(text));
    options.clients.push_back(std::move(client));
  }
  return options;
}

// Names and paths only: what the files hold is nobody's business.
void print_files(const std::vector<security::KeyFile>& files, const std::string& folder,
                 Output& output) {
  std::map<security::KeyFileState, std::size_t> counts;
  for (const auto& file : files) ++counts[file.state];
  if (!output.is_table()) {
    nlohmann::ordered_json document = {{"schema_version", 1}, {"folder", folder}};
    document["files"] = nlohmann::ordered_json::array();
    for (const auto& file : files)
      document["files"].push_back({{"path", file.path}, {"state", to_string(file.state)}});
    output.print_document(document);
    return;
  }
  for (const auto& file : files)
    output.print(fmt::format("{:7}  {}\n", to_string(file.state), file.path));
  output.print(fmt::format("made {}, renewed {}, kept {}\n", counts[security::KeyFileState::made],
                           counts[security::KeyFileState::renewed],
                           counts[security::KeyFileState::kept]));
  output.print("keep " + folder +
               "/ca to yourself: with it anybody can join; every process needs its own folder of "
               "nodes/ or clients/ only\n"
               "next: millrace serve --keys " +
               folder +
               "/nodes/NAME --listen tcp://0.0.0.0:4711\n"
               "      millrace predict MODEL --keys " +
               folder + "/clients/NAME --endpoint tcp://HOST:4711 --file rows.csv\n");
}

}  // namespace

int verb_keygen(const KeygenVerb& given, Output& output) {
  auto options = to_options(given);
  if (!options.is_ok()) return output.fail(options.status());
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto files = security::make_key_folder(posix_disk(), options.value(), now);
  if (!files.is_ok()) return output.fail(files.status());
  print_files(files.value(), given.folder, output);
  return kExitDone;
}

}  // namespace millrace::cli
