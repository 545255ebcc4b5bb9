// Options of the programs that run as services: one table of keys, read from flags, environment and
// a file alike.
//
// Place: the main of coordinator and worker reads its NodeValues first and makes its options from
// them. A key has one name: `--log-level`, MILLRACE_LOG_LEVEL, and `log_level:` in the YAML file
// that --config names. A flag wins over the environment, the environment over the file, the file
// over the default; a list is taken whole from the first that has it.
//
// Invariant: nothing is ignored: an unknown flag, an unknown key of the file, a value where none
// belongs are errors that name the nearest known word. Secrets are not values: keys name files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.hpp"

namespace millrace {

struct NodeKey {
  enum class Kind : std::uint8_t { text, list, boolean };  // list: commas, or the flag repeated

  std::string name;  // "log-level"
  Kind kind = Kind::text;
  std::string value;  // what stands for it in the help: "HOST:PORT"
  std::string fallback;
  std::string help;
};

// Keys that every service has: keys, insecure, log-level, log-format; --config comes with reading.
std::vector<NodeKey> shared_node_keys();

class NodeValues {
 public:
  // Every key has a value after reading; "" and {} where it has no default.
  const std::string& text(const std::string& name) const;
  const std::vector<std::string>& list(const std::string& name) const;
  bool is_true(const std::string& name) const;
  // For errors: "--slots", "MILLRACE_SLOTS", "worker.yaml:3: slots", "the default of --slots".
  const std::string& origin(const std::string& name) const;

  // invalid_argument, with the origin, where it is no whole number from `least` to `most`.
  Result<std::uint64_t> number(const std::string& name, std::uint64_t least,
                               std::uint64_t most) const;
  // The same with KiB, MiB, GiB or TiB behind it.
  Result<std::uint64_t> bytes(const std::string& name) const;
  // An error about this key's value.
  Status wrong(const std::string& name, const std::string& why, const std::string& hint = {}) const;

  // Asked for by --help or --version: to be printed, and nothing else to be done.
  const std::string& answer() const { return answer_; }

 private:
  friend class NodeValuesReader;
  struct Value {
    std::vector<std::string> words;
    std::string origin;
    NodeKey::Kind kind = NodeKey::Kind::text;
  };
  const Value& at(const std::string& name) const;

  std::map<std::string, Value> values_;
  std::string answer_;
};

struct NodeProgram {
  std::string name;         // "millrace-worker"
  std::string description;  // a line
  std::string version;
  std::span<const NodeKey> keys;
};
struct NodeInput {
  std::span<const char* const> arguments;               // with the program's own name first
  std::function<const char*(const char*)> environment;  // getenv
};

// not_found or io_error for a file that cannot be read, invalid_argument for everything else.
Result<NodeValues> read_node_values(const NodeProgram& program, const NodeInput& input);

}  // namespace millrace
