#include "coordinator/cli/add_verb.hpp"

#include <CLI/CLI.hpp>

namespace millrace::cli {

void add_state(CLI::App& verb, std::string& state) {
  verb.add_option("--state", state, "state folder (default $XDG_STATE_HOME/millrace)")
      ->envname("MILLRACE_STATE")
      ->type_name("DIR");
}

}  // namespace millrace::cli
