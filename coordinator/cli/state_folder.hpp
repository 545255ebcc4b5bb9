// Where state lives when nobody says otherwise, and the layout below it.
//
// Layout: <state>/<job>/{lock, checkpoints/, workers/, models/}.
#pragma once

#include <string>

namespace millrace::cli {

// The folder given by flag or MILLRACE_STATE, else $XDG_STATE_HOME/millrace, else
// ~/.local/state/millrace; absolute.
std::string state_folder(const std::string& given);
// The folder of secrets: as given, else $XDG_CONFIG_HOME/millrace/secrets, else under ~/.config.
std::string secrets_folder(const std::string& given);
// " --state DIR" when the folder is not the default one: for the commands suggested to the user.
std::string state_flag(const std::string& folder);

}  // namespace millrace::cli
