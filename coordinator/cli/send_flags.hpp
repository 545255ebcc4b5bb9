// The command line of `millrace send`.
#pragma once

#include "coordinator/cli/add_verb.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {

void add_send_flags(CLI::App& verb, SendVerb& send);

}  // namespace millrace::cli
