#include "common/config/node_options.hpp"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/config/nearest.hpp"

namespace millrace {
namespace {

using Kind = NodeKey::Kind;

// Of a flag that may be given once, so that the error is ours; fewer than what CLI11 calls many,
// after which it writes "..." into the help.
constexpr int kTimesSeen = 1'000;

std::string file_key(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}
std::string environment_key(const std::string& name) {
  std::string key = "MILLRACE_" + file_key(name);
  std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::toupper(c); });
  return key;
}

std::vector<std::string> split_commas(const std::vector<std::string>& texts) {
  std::vector<std::string> words;
  for (const auto& text : texts) {
    std::stringstream rest(text);
    for (std::string word; std::getline(rest, word, ',');) {
      const auto first = word.find_first_not_of(' ');
      if (first == word.npos) continue;
      words.push_back(word.substr(first, word.find_last_not_of(' ') - first + 1));
    }
  }
  return words;
}

std::vector<std::string> known_names(std::span<const NodeKey> keys, bool as_flags) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(as_flags ? "--" + key.name : file_key(key.name));
  return names;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Status(Code::not_found, "cannot read the configuration file " + path,
                  "check the path given with --config, and who may read it");
  }
  std::string text(limits::kJobFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() <= limits::kJobFileBytesMax) return text;
  return Status(Code::invalid_argument, path + " is too long for a configuration file");
}

}  // namespace

class NodeValuesReader {
 public:
  explicit NodeValuesReader(const NodeProgram& program) : program_(program) {
    for (const auto& key : program.keys) {
      auto& value = values_.values_[key.name];
      value.kind = key.kind;
      value.origin = "the default of --" + key.name;
      value.words = words_of(key, {key.fallback});
    }
  }

  Result<NodeValues> read(const NodeInput& input) {
    MILLRACE_TRY(read_flags(input));
    if (!values_.answer_.empty()) return std::move(values_);
    const char* named = input.environment("MILLRACE_CONFIG");
    if (config_.empty() && named != nullptr) config_ = named;
    if (!config_.empty()) MILLRACE_TRY(read_config());
    MILLRACE_TRY(read_environment(input));
    for (auto& [name, flag] : flags_) {
      MILLRACE_TRY(take(key_of(name), std::move(flag), "--" + name));
    }
    return std::move(values_);
  }

 private:
  static std::vector<std::string> words_of(const NodeKey& key, std::vector<std::string> texts) {
    if (key.kind == Kind::list) return split_commas(texts);
    return texts;
  }

  const NodeKey& key_of(const std::string& name) const {
    const auto found = std::ranges::find(program_.keys, name, &NodeKey::name);
    MILLRACE_CHECK(found != program_.keys.end());
    return *found;
  }

  // Later sources win: they are read from the weakest to the strongest.
  Status take(const NodeKey& key, std::vector<std::string> texts, std::string origin) {
    auto& value = values_.values_[key.name];
    value.origin = std::move(origin);
    for (const auto& text : texts) {
      if (text.size() > limits::kStringBytesMax) return values_.wrong(key.name, "is too long");
    }
    value.words = words_of(key, std::move(texts));
    if (key.kind == Kind::list) return {};
    if (value.words.size() != 1) return values_.wrong(key.name, "is given more than once");
    if (key.kind != Kind::boolean) return {};
    auto& word = value.words.front();
    if (word == "true" || word == "yes" || word == "1") word = "true";
    if (word == "false" || word == "no" || word == "0") word = "false";
    if (word == "true" || word == "false") return {};
    return values_.wrong(key.name, "'" + word + "' is neither true nor false");
  }

  Status read_flags(const NodeInput& input) {
    CLI::App app(program_.description, program_.name);
    app.set_version_flag("--version", program_.name + " " + program_.version);
    app.add_option("--config", config_, "YAML file with these options, written with _ for -")
        ->type_name("FILE");
    std::map<std::string, std::vector<std::string>> given;
    std::map<std::string, bool> switches;
    for (const auto& key : program_.keys) {
      const std::string help = key.help + (key.fallback.empty() ? "" : " (" + key.fallback + ")");
      if (key.kind == Kind::boolean) {
        app.add_flag("--" + key.name, switches[key.name], key.help);
      } else {
        app.add_option("--" + key.name, given[key.name], help)->type_name(key.value)->take_all();
        app.get_option("--" + key.name)
            ->expected(1, key.kind == Kind::list ? -1 : kTimesSeen)
            ->allow_extra_args(false);
      }
    }
    app.footer(
        "Every option can also be set in the environment (--log-level: MILLRACE_LOG_LEVEL) "
        "and in the file; flags win over the environment, which wins over the file.");
    app.allow_extras();
    try {
      app.parse(static_cast<int>(input.arguments.size()),
                const_cast<char**>(input.arguments.data()));  // CLI11 only reads them
    } catch (const CLI::CallForHelp&) {
      values_.answer_ = app.help();
      return {};
    } catch (const CLI::CallForVersion&) {
      values_.answer_ = program_.name + " " + program_.version + "\n";
      return {};
    } catch (const CLI::ParseError& error) {
      return {Code::invalid_argument, error.what(), "see " + program_.name + " --help"};
    }
    if (const auto extra = app.remaining(); !extra.empty()) {
      const auto word = extra.front().substr(0, extra.front().find('='));
      return {Code::invalid_argument, program_.name + " has no option '" + word + "'",
              suggestion(word, known_names(program_.keys, true))};
    }
    for (auto& [name, texts] : given) {
      if (!texts.empty()) flags_[name] = std::move(texts);
    }
    for (const auto& [name, is_on] : switches) {
      if (is_on) flags_[name] = {"true"};
    }
    return {};
  }

  Status read_environment(const NodeInput& input) {
    for (const auto& key : program_.keys) {
      const auto name = environment_key(key.name);
      const char* text = input.environment(name.c_str());
      if (text != nullptr && *text != '\0') MILLRACE_TRY(take(key, {text}, name));
    }
    return {};
  }

  Status read_config() {
    MILLRACE_ASSIGN(const std::string text, read_file(config_));
    try {
      const YAML::Node root = YAML::Load(text);
      if (root.IsNull()) return {};
      if (!root.IsMap()) {
        return {Code::invalid_argument, config_ + " holds no `key: value` lines"};
      }
      for (const auto& entry : root) MILLRACE_TRY(read_entry(entry.first, entry.second));
    } catch (const YAML::Exception& error) {
      return {Code::invalid_argument, config_ + ": " + error.what(), "write it as YAML"};
    }
    return {};
  }

  Status read_entry(const YAML::Node& name, const YAML::Node& value) {
    const std::string origin = config_ + ":" + std::to_string(name.Mark().line + 1) + ": ";
    if (!name.IsScalar()) return {Code::invalid_argument, origin + "a key is no word"};
    const auto known = known_names(program_.keys, false);
    const auto found = std::ranges::find(known, name.Scalar());
    if (found == known.end()) {
      return {Code::invalid_argument, origin + "unknown key '" + name.Scalar() + "'",
              suggestion(name.Scalar(), known)};
    }
    const NodeKey& key = program_.keys[static_cast<std::size_t>(found - known.begin())];
    const auto where = origin + *found;
    if (std::ranges::count(read_from_file_, key.name) != 0) {
      return {Code::invalid_argument, where + " is given twice"};
    }
    read_from_file_.push_back(key.name);
    if (value.IsScalar()) return take(key, {value.Scalar()}, where);
    if (!value.IsSequence() || key.kind != Kind::list) {
      return {Code::invalid_argument,
              where + " must be one " + (key.value.empty() ? "word" : key.value)};
    }
    std::vector<std::string> texts;
    for (const auto& element : value) {
      if (!element.IsScalar()) return {Code::invalid_argument, where + " must be a list of words"};
      texts.push_back(element.Scalar());
    }
    return take(key, std::move(texts), where);
  }

  const NodeProgram& program_;
  NodeValues values_;
  std::string config_;
  std::map<std::string, std::vector<std::string>> flags_;
  std::vector<std::string> read_from_file_;
};

std::vector<NodeKey> shared_node_keys() {
  return {{"keys", Kind::text, "DIR", "", "this node's folder of keys, from `millrace keygen`"},
          {"insecure", Kind::boolean, "", "false",
           "run without keys; actors then stay on this machine"},
          {"log-level", Kind::text, "LEVEL", "info", "debug, info, warning, error or off"},
          {"log-format", Kind::text, "FORMAT", "text", "text or json"}};
}

const NodeValues::Value& NodeValues::at(const std::string& name) const {
  const auto found = values_.find(name);
  MILLRACE_CHECK(found != values_.end());
  return found->second;
}

const std::string& NodeValues::text(const std::string& name) const {
  const auto& value = at(name);
  MILLRACE_CHECK(value.kind != Kind::list && value.words.size() == 1);
  return value.words.front();
}
const std::vector<std::string>& NodeValues::list(const std::string& name) const {
  const auto& value = at(name);
  MILLRACE_CHECK(value.kind == Kind::list);
  return value.words;
}
bool NodeValues::is_true(const std::string& name) const {
  MILLRACE_CHECK(at(name).kind == Kind::boolean);
  return text(name) == "true";
}
const std::string& NodeValues::origin(const std::string& name) const {
  return at(name).origin;
}

Status NodeValues::wrong(const std::string& name, const std::string& why,
                         const std::string& hint) const {
  return {Code::invalid_argument, origin(name) + ": " + why, hint};
}

Result<std::uint64_t> NodeValues::number(const std::string& name, std::uint64_t least,
                                         std::uint64_t most) const {
  const auto& word = text(name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const bool is_number = error == std::errc() && end == word.data() + word.size();
  if (is_number && number >= least && number <= most) return number;
  return wrong(name, "'" + word + "' is no whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
}

Result<std::uint64_t> NodeValues::bytes(const std::string& name) const {
  const auto& word = text(name);
  constexpr const char* kUnits[] = {"", "KiB", "MiB", "GiB", "TiB"};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const std::string unit(end, word.data() + word.size());
  for (unsigned power = 0; power < std::size(kUnits) && error == std::errc(); ++power) {
    if (unit != kUnits[power]) continue;
    if (number > ~std::uint64_t{0} >> (10 * power)) break;
    return number << (10 * power);
  }
  return wrong(name, "'" + word + "' is no size", "write for instance 512MiB or 4GiB");
}

Result<NodeValues> read_node_values(const NodeProgram& program, const NodeInput& input) {
  return NodeValuesReader(program).read(input);
}

}  // namespace millrace
