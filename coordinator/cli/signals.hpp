// SIGINT and SIGTERM as a number that long-running verbs watch; the second one ends the process at
// once.
//
// Place: `run` and `serve` install it before they start; one per process.
#pragma once

#include <atomic>

namespace millrace::cli {

// Installs the handlers and returns the number of the first signal that arrived, 0 before. Safe to
// call again.
const std::atomic<int>& watch_signals();

}  // namespace millrace::cli
