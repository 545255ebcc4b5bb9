#include "common/config/job_file_reader.hpp"

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/config/job_value.hpp"
#include "common/config/nearest.hpp"

namespace millrace {
namespace {

std::string joined(const std::string& section, const std::string& name) {
  return section.empty() ? name : section + "." + name;
}

const char* kind_of(const YAML::Node& node) {
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  return node.IsNull() || !node.IsDefined() ? "nothing" : "a single value";
}

// Sections whose keys a file most likely meant when it put one of them at the wrong place.
std::string right_place_of(const std::string& name) {
  for (const auto& key : job_keys()) {
    const auto dot = key.path.rfind('.');
    if (dot != std::string::npos && key.path.substr(dot + 1) == name)
      return "it belongs under `" + key.path.substr(0, dot) + "`";
  }
  return {};
}

}  // namespace

JobFileReader::JobFileReader(std::string file_name) {
  result_.file_name = std::move(file_name);
}

CheckedJob JobFileReader::read(std::string_view yaml, std::span<const std::string> overrides) {
  if (!load(yaml)) return std::move(result_);
  for (const auto& assignment : overrides) apply(assignment);
  result_.spec.name = job_name_from_path(result_.file_name);
  read_map(root_, "");
  if (!given_.contains("version"))
    report("version", YAML::Mark::null_mark(), "is required", "begin the file with `version: 1`");
  report_keys_without_effect();
  report_semantic_problems();
  std::stable_sort(result_.problems.begin(), result_.problems.end(),
                   [](const auto& a, const auto& b) {
                     // What is missing stands on no line and comes last: a typo may explain it.
                     const auto place = [](const JobProblem& problem) {
                       return std::tuple(problem.line == 0, problem.line, problem.column);
                     };
                     return place(a) < place(b);
                   });
  return std::move(result_);
}

bool JobFileReader::load(std::string_view yaml) {
  if (yaml.size() > limits::kJobFileBytesMax) {
    report("", YAML::Mark::null_mark(),
           fmt::format("{} bytes are too many for a job file, at most {}", yaml.size(),
                       limits::kJobFileBytesMax),
           "is this the data? `millrace init DATA --label FIELD` writes a job file for it");
    return false;
  }
  try {
    const auto documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() > 1)
      report("", documents[1].Mark(), "a job file holds one document", "remove `---`");
    if (!documents.empty()) root_ = documents[0];
  } catch (const YAML::Exception& error) {
    report("", error.mark, "not valid YAML: " + error.msg);
    return false;
  }
  if (root_.IsMap()) return true;
  report("", root_.IsDefined() ? root_.Mark() : YAML::Mark::null_mark(),
         std::string("a job file is a map of keys, this is ") + kind_of(root_),
         "`millrace docs job-file` shows one");
  return false;
}

void JobFileReader::apply(const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    report("", YAML::Mark::null_mark(), "--set " + assignment + ": expected KEY=VALUE",
           "for instance --set optimizer.learning_rate=0.5");
    return;
  }
  const std::string path = assignment.substr(0, equals);
  overridden_.insert(path);
  try {
    const YAML::Node value = YAML::Load(assignment.substr(equals + 1));
    YAML::Node place = root_;
    for (std::size_t begin = 0;;) {
      // Names of settings hold dots themselves.
      const auto* outer = begin == 0 ? nullptr : find_job_key(path.substr(0, begin - 1));
      const bool is_setting = outer != nullptr && outer->type == KeyType::properties;
      const auto dot = is_setting ? std::string::npos : path.find('.', begin);
      const auto name = path.substr(begin, dot == std::string::npos ? dot : dot - begin);
      if (dot == std::string::npos) {
        place[name] = value;
        return;
      }
      YAML::Node next = place[name];
      place.reset(next);
      begin = dot + 1;
    }
  } catch (const YAML::Exception& error) {
    report(path, YAML::Mark::null_mark(), "--set " + assignment + ": " + error.msg);
  }
}

void JobFileReader::read_map(const YAML::Node& map, const std::string& section) {
  for (const auto& entry : map) read_entry(entry.first, entry.second, section);
}

void JobFileReader::read_entry(const YAML::Node& name, const YAML::Node& value,
                               const std::string& section) {
  if (!name.IsScalar()) return report(section, name.Mark(), "a key must be a single word");
  const auto path = joined(section, name.Scalar());
  const auto mark = is_overridden(path) ? YAML::Mark::null_mark() : name.Mark();
  if (!given_.emplace(path, mark).second)
    return report(path, mark, "is given twice", "keep one of the two");
  if (path == "version") return read_version(value);
  if (path == "preprocess") return read_preprocess(value);
  if (const auto* key = find_job_key(path)) {
    if (const auto read = read_value(*key, value, path)) key->set(result_.spec, *read);
    return;
  }
  if (is_job_section(path)) {
    // A sink without keys is one that lacks them, not none.
    if (value.IsMap() && path == "sinks.predictions" && !result_.spec.predictions)
      result_.spec.predictions.emplace();
    if (value.IsMap()) return read_map(value, path);
    return report(path, mark, std::string("expected a map of keys, got ") + kind_of(value));
  }
  if (!report_unsupported(name, value, path)) report_unknown(name, path, section);
}

void JobFileReader::read_version(const YAML::Node& value) {
  if (!value.IsScalar() || value.Scalar() != "1")
    report("version", value.Mark(), "this program reads version 1 of the job file",
           "write `version: 1`");
}

void JobFileReader::read_preprocess(const YAML::Node& list) {
  if (!list.IsSequence())
    return report("preprocess", list.Mark(),
                  std::string("expected a list of transforms, got ") + kind_of(list),
                  "for instance `preprocess: [{impute: {strategy: mean}}, {standardize: {}}]`, or "
                  "[] for none");
  result_.spec.preprocess.emplace();
  for (std::size_t i = 0; i < list.size(); ++i) read_transform(list[i], i);
}

void JobFileReader::read_transform(const YAML::Node& step, std::size_t position) {
  const auto here = fmt::format("preprocess[{}]", position);
  const bool is_map_of_one = step.IsMap() && step.size() == 1 && step.begin()->first.IsScalar();
  if (!step.IsScalar() && !is_map_of_one)
    return report(here, step.Mark(), std::string("expected one transform, got ") + kind_of(step),
                  "for instance `- standardize: {}`");
  const YAML::Node name_node = step.IsScalar() ? step : step.begin()->first;
  const std::string& name = name_node.Scalar();
  const auto where = here + "." + name;
  given_.emplace(here, step.Mark());
  given_.emplace(where, name_node.Mark());
  const auto& known = transform_names();
  if (std::find(known.begin(), known.end(), name) == known.end())
    return report(where, name_node.Mark(), "unknown transform '" + name + "'",
                  suggestion(name, known));
  TransformSpec transform;
  transform.kind = transform_kind(name);
  if (step.IsMap()) {
    const auto options = step.begin()->second;
    if (options.IsMap())
      read_options(options, name, where, transform);
    else if (!options.IsNull())
      report(where, options.Mark(),
             std::string("expected a map of options, got ") + kind_of(options),
             "for instance `- " + name + ": {}`");
  }
  result_.spec.preprocess->push_back(std::move(transform));
}

void JobFileReader::read_options(const YAML::Node& options, const std::string& name,
                                 const std::string& where, TransformSpec& transform) {
  std::vector<std::string> known;
  for (const auto& key : transform_keys())
    if (key.path.starts_with(name + ".")) known.push_back(key.path.substr(name.size() + 1));
  std::vector<const TransformKey*> found;
  for (const auto& entry : options) {
    const auto option = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    const auto path = where + "." + option;
    const auto* key = find_transform_key(name + "." + option);
    if (key == nullptr) {
      report(path, entry.first.Mark(), "unknown option '" + option + "'",
             suggestion(option, known));
    } else if (!given_.emplace(path, entry.first.Mark()).second) {
      report(path, entry.first.Mark(), "is given twice", "keep one of the two");
    } else if (const auto value = read_value(*key, entry.second, path)) {
      key->set(transform, *value);
      found.push_back(key);
    }
  }
  for (const auto* key : found)
    if (!has_effect(*key, transform_keys(), transform))
      report(where + key->path.substr(name.size()), mark_of(where + key->path.substr(name.size())),
             "has no effect here", "it needs `" + key->only_with.substr(name.size() + 1) + "`");
}

std::optional<JobValue> JobFileReader::read_value(const KeyRules& rules, const YAML::Node& value,
                                                  const std::string& path) {
  if (rules.type == KeyType::properties) return read_properties(value, path);
  if (!is_list(rules.type)) return read_scalar(rules, value, path);
  if (!value.IsSequence()) {
    report(path, value.Mark(), "expected a " + type_text(rules.type) + ", got " + kind_of(value),
           "for instance [a, b], or [] for none");
    return std::nullopt;
  }
  JobValue list = empty_list(rules);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto element = read_scalar(rules, value[i], fmt::format("{}[{}]", path, i));
    if (!element) {
      broken_.insert(path);
      return std::nullopt;
    }
    append_element(rules, list, *element);
  }
  return list;
}

std::optional<JobValue> JobFileReader::read_scalar(const KeyRules& rules, const YAML::Node& value,
                                                   const std::string& path) {
  if (value.IsScalar()) {
    auto parsed = parse_scalar(rules, value.Scalar());
    if (parsed.is_ok()) return std::move(parsed).value();
    report(path, value.Mark(), parsed.status().message(), parsed.status().hint());
  } else if (value.IsMap() && value.size() == 1 && value["secret"]) {
    report(path, value.Mark(), "is no secret, and not supported as one",
           "secrets are for `properties` of Kafka; write the value itself");
  } else {
    report(path, value.Mark(), std::string("expected a single value, got ") + kind_of(value),
           value.IsNull()
               ? "give it a value, or leave the key out; the word null needs quotes: \"null\""
               : "");
  }
  return std::nullopt;
}

// Which names and values are allowed is checked with the whole job.
std::optional<JobValue> JobFileReader::read_properties(const YAML::Node& map,
                                                       const std::string& path) {
  if (!map.IsMap()) {
    report(path, map.Mark(), std::string("expected a map of settings, got ") + kind_of(map),
           "for instance {security.protocol: ssl}, or {} for none");
    return std::nullopt;
  }
  Properties properties;
  for (const auto& entry : map) {
    const YAML::Node &name = entry.first, &value = entry.second;
    const auto here = path + "." + (name.IsScalar() ? name.Scalar() : std::string());
    const bool is_secret =
        value.IsMap() && value.size() == 1 && value["secret"] && value["secret"].IsScalar();
    if (!given_.emplace(here, name.Mark()).second) {
      report(here, name.Mark(), "is given twice", "keep one of the two");
    } else if (!name.IsScalar() || !(value.IsScalar() || is_secret)) {
      report(here, value.Mark(),
             std::string("expected a text or {secret: NAME}, got ") + kind_of(value));
    } else {
      properties[name.Scalar()] = {is_secret ? value["secret"].Scalar() : value.Scalar(),
                                   is_secret};
    }
  }
  return JobValue{std::move(properties)};
}

bool JobFileReader::report_unsupported(const YAML::Node& name, const YAML::Node& value,
                                       const std::string& path) {
  for (const auto& key : unsupported_keys()) {
    if (key.path != path) continue;
    const bool asks_for_nothing =
        (value.IsScalar() && !key.neutral.empty() && value.Scalar() == key.neutral) ||
        (value.IsSequence() && value.size() == 0 && key.neutral == "[]");
    if (!asks_for_nothing)
      report(path, name.Mark(), "is not supported by this version", "leave it out");
    return true;
  }
  return false;
}

void JobFileReader::report_unknown(const YAML::Node& name, const std::string& path,
                                   const std::string& section) {
  const auto known = job_names_under(section);
  auto hint = suggestion(name.Scalar(), known);
  if (nearest_word(name.Scalar(), known).empty())
    if (const auto place = right_place_of(name.Scalar()); !place.empty()) hint = place;
  report(path, name.Mark(), "unknown key '" + name.Scalar() + "'", hint);
}

void JobFileReader::report_keys_without_effect() {
  for (const auto& key : job_keys()) {
    const auto found = given_.find(key.path);
    if (found == given_.end() || has_effect(key, job_keys(), result_.spec)) continue;
    // A discriminator that could not be read says nothing about the keys that hang on it.
    if (broken_.contains(key.only_with.substr(0, key.only_with.find('=')))) continue;
    std::string needs = key.only_with;
    needs.replace(needs.find('='), 1, ": ");
    for (auto bar = needs.find('|'); bar != std::string::npos; bar = needs.find('|'))
      needs.replace(bar, 1, " or ");
    report(key.path, found->second, "has no effect here",
           "it needs `" + needs + "`; leave it out otherwise");
  }
}

void JobFileReader::report_semantic_problems() {
  for (auto& problem : find_problems(result_.spec)) {
    // What follows from an error that is already told is no second one.
    const auto* key = find_job_key(problem.key);
    const std::string condition =
        key == nullptr ? "" : key->only_with.substr(0, key->only_with.find('='));
    if (broken_.contains(problem.key) || (!condition.empty() && broken_.contains(condition)))
      continue;
    const auto mark = mark_of(problem.key);
    report(problem.key, mark, std::move(problem.message), std::move(problem.hint));
  }
}

void JobFileReader::report(const std::string& path, YAML::Mark mark, std::string message,
                           std::string hint) {
  broken_.insert(path);
  if (result_.problems.size() >= kJobProblemsMax) return;
  const bool is_in_file = !mark.is_null() && !is_overridden(path);
  result_.problems.push_back({.key = path,
                              .line = is_in_file ? mark.line + 1 : 0,
                              .column = is_in_file ? mark.column + 1 : 0,
                              .message = std::move(message),
                              .hint = std::move(hint)});
}

YAML::Mark JobFileReader::mark_of(const std::string& path) const {
  for (std::string place = path; !place.empty();) {
    if (const auto found = given_.find(place); found != given_.end()) return found->second;
    const auto end = place.find_last_of(".[");
    place.resize(end == std::string::npos ? 0 : end);
  }
  return YAML::Mark::null_mark();
}

bool JobFileReader::is_overridden(const std::string& path) const {
  for (const auto& prefix : overridden_)
    if (path.starts_with(prefix) &&
        (path.size() == prefix.size() || path[prefix.size()] == '.' || path[prefix.size()] == '['))
      return true;
  return false;
}

}  // namespace millrace
