// Which coordinator the CLI speaks with, and the file that remembers it.
//
// Place: every verb of a cluster resolves its connection here: flag, environment, context, file,
// default. `context add`, `use` and `list` change and show the file
// $XDG_CONFIG_HOME/millrace/config.yaml:
//
//   coordinator: tcp://127.0.0.1:4701     # where no context is used
//   current: production
//   contexts:
//     production: {coordinator: tcp://mill.example.org:4701, keys: /etc/millrace/clients/ops}
//
// Invariant: keys belong to a coordinator; those of one context are never shown to another server.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "common/base/status.hpp"

namespace millrace::cli {

struct Context {
  std::string coordinator;  // tcp://HOST:PORT
  std::string keys;         // folder; empty: none
};

struct ContextFile {
  Context fallback;     // used where nothing else is named; may be empty
  std::string current;  // empty: none
  std::map<std::string, Context> contexts;
};

// Where it is; empty when neither XDG_CONFIG_HOME nor HOME is set.
std::filesystem::path context_path();
// An absent file is an empty one; invalid_argument with the line of what is wrong.
Result<ContextFile> parse_contexts(const std::string& text, const std::string& where);
Result<ContextFile> read_contexts(const std::filesystem::path& path);
std::string print_contexts(const ContextFile& file);
// Replaces the file as a whole.
Status write_contexts(const std::filesystem::path& path, const ContextFile& file);

// What was said about the connection: on the command line, or by the environment.
struct ConnectionWords {
  std::string coordinator, keys, context;
};
struct Resolved {
  std::string coordinator;
  std::string keys;
  std::string origin;  // "--coordinator", "context production", ...: for messages
};
// not_found for a context that the file has not, invalid_argument for words that contradict.
Result<Resolved> resolve_connection(const ConnectionWords& flags,
                                    const ConnectionWords& environment, const ContextFile& file);

inline constexpr const char* kDefaultCoordinator = "tcp://127.0.0.1:4701";

}  // namespace millrace::cli
