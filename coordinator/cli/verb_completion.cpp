#include <fmt/format.h>

#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string first_words(const std::vector<VerbDescription>& verbs) {
  std::string text;
  for (const auto& verb : verbs)
    text += (text.empty() ? "" : " ") + verb.name.substr(0, verb.name.find(' '));
  return text;
}

std::string bash(const std::vector<VerbDescription>& verbs) {
  std::string cases;
  for (const auto& verb : verbs)
    cases += fmt::format("    {}) words='{}' ;;\n", verb.name.substr(0, verb.name.find(' ')),
                         joined(verb.flags));
  return fmt::format(R"(# millrace: source <(millrace completion bash)
_millrace() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{}' -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}}
complete -o filenames -F _millrace millrace
)",
                     first_words(verbs), cases);
}

std::string zsh(const std::vector<VerbDescription>& verbs) {
  std::string names, cases;
  for (const auto& verb : verbs) {
    const auto name = verb.name.substr(0, verb.name.find(' '));
    names += fmt::format("    '{}:{}'\n", name, verb.help);
    cases += fmt::format("    {}) compadd -- {} ;;\n", name, joined(verb.flags));
  }
  return fmt::format(R"(#compdef millrace
# millrace: source <(millrace completion zsh)
_millrace() {{
  local -a verbs=(
{}  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  if [[ $words[CURRENT] == -* ]]; then
    case $words[2] in
{}    esac
  else
    _files
  fi
}}
compdef _millrace millrace
)",
                     names, cases);
}

std::string fish(const std::vector<VerbDescription>& verbs) {
  std::string text = "# millrace: millrace completion fish | source\n";
  for (const auto& verb : verbs) {
    const auto name = verb.name.substr(0, verb.name.find(' '));
    text += fmt::format("complete -c millrace -n __fish_use_subcommand -f -a {} -d '{}'\n", name,
                        verb.help);
    for (const auto& flag : verb.flags)
      if (flag.starts_with("--"))
        text += fmt::format("complete -c millrace -n '__fish_seen_subcommand_from {}' -l {}\n",
                            name, flag.substr(2));
  }
  return text;
}

}  // namespace

int verb_completion(const std::string& shell, const std::vector<VerbDescription>& verbs,
                    Output& output) {
  if (shell == "bash")
    output.print(bash(verbs));
  else if (shell == "zsh")
    output.print(zsh(verbs));
  else if (shell == "fish")
    output.print(fish(verbs));
  else
    return output.fail(
        {Code::invalid_argument, "unknown shell '" + shell + "'", "known: bash, zsh, fish"});
  return kExitDone;
}

}  // namespace millrace::cli
