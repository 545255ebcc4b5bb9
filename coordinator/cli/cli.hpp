// The command line of `millrace`: flags to options, options to verbs, errors to exit codes.
#pragma once

namespace millrace::cli {

// Never throws; returns the exit code.
int run_cli(int argc, const char* const* argv);

}  // namespace millrace::cli
