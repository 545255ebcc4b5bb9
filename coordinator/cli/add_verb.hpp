// How verbs get onto the command line.
//
// Place: cli.cpp makes the function, the groups of verbs beside it call it.
#pragma once

#include <functional>
#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace millrace::cli {

// Adds a verb with its help and examples; `call` does what it says and gives the exit code.
using AddVerb =
    std::function<CLI::App*(CLI::App& parent, const std::string& name, const std::string& help,
                            const std::string& examples, std::function<int()> call)>;

// The flag --state.
void add_state(CLI::App& verb, std::string& state);

}  // namespace millrace::cli
