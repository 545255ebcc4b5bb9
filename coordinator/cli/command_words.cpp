#include "coordinator/cli/command_words.hpp"

#include <CLI/CLI.hpp>
#include <set>

namespace millrace::cli {

std::vector<std::string> names_of(CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* verb : app.get_subcommands(nullptr)) names.push_back(verb->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
    for (const auto& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

std::vector<VerbDescription> describe_verbs(CLI::App& app) {
  std::vector<VerbDescription> all;
  for (auto* verb : app.get_subcommands(nullptr)) {
    std::set<std::string> words;
    const auto add = [&](const std::vector<std::string>& more) {
      words.insert(more.begin(), more.end());
    };
    add(flags_of(*verb));
    for (const auto* inner : verb->get_subcommands(nullptr)) {
      add(flags_of(*inner));
      add({inner->get_name()});
    }
    all.push_back({verb->get_name(), verb->get_description(), {words.begin(), words.end()}});
  }
  return all;
}

}  // namespace millrace::cli
