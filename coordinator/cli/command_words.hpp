// The words of the command line: names of verbs and flags, for suggestions and shell completion.
#pragma once

#include <string>
#include <vector>

#include "coordinator/cli/verbs.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace millrace::cli {

std::vector<std::string> names_of(CLI::App& app);
std::vector<std::string> flags_of(const CLI::App& app);
// Of every verb; with those of the verbs below it.
std::vector<VerbDescription> describe_verbs(CLI::App& app);

}  // namespace millrace::cli
