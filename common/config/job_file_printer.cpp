#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/config/job_file.hpp"
#include "common/config/job_keys.hpp"
#include "common/config/job_value.hpp"
#include "common/config/kafka_properties.hpp"

namespace millrace {
namespace {

// A job in which every optional section exists, with its defaults.
const JobSpec& complete_defaults() {
  static const JobSpec spec = [] {
    JobSpec all;
    all.model.emplace();
    all.optimizer.emplace();
    all.training.emplace();
    all.merge.emplace();
    all.predictions.emplace();
    return all;
  }();
  return spec;
}

std::string_view section_of(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? std::string_view() : std::string_view(path).substr(0, dot);
}

std::string print_transform(const TransformSpec& transform) {
  const auto& name = transform_name(transform.kind);
  std::string options;
  for (const auto& key : transform_keys()) {
    if (!key.path.starts_with(name + ".") || !has_effect(key, transform_keys(), transform))
      continue;
    const auto value = key.get(transform);
    if (value != key.get(TransformSpec{}))
      options += (options.empty() ? "" : ", ") + key.path.substr(name.size() + 1) + ": " +
                 to_yaml(key, value);
  }
  return "- " + name + ": {" + options + "}";
}

// Every value that the job holds, one "key: value" each; what has no effect is left out.
std::vector<std::pair<const JobKey*, std::string>> values_of(const JobSpec& spec) {
  std::vector<std::pair<const JobKey*, std::string>> values;
  for (const auto& key : job_keys()) {
    if (!has_effect(key, job_keys(), spec)) continue;
    const auto value = key.get(spec);
    if (!std::holds_alternative<std::monostate>(value))
      values.emplace_back(&key, to_yaml(key, value));
  }
  return values;
}

std::string print_preprocess(const JobSpec& spec) {
  if (!spec.preprocess) return {};
  if (spec.preprocess->empty()) return "preprocess: []\n";
  std::string text = "preprocess:\n";
  for (const auto& transform : *spec.preprocess) text += "  " + print_transform(transform) + "\n";
  return text;
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string lines, line;
  for (std::size_t begin = 0; begin < text.size();) {
    auto end = text.find(' ', begin);
    if (end == std::string::npos) end = text.size();
    const auto word = text.substr(begin, end - begin);
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      lines += std::string(indent, ' ') + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    begin = end + 1;
  }
  return line.empty() ? lines : lines + std::string(indent, ' ') + line + "\n";
}

std::string default_text(const KeyRules& rules, const JobValue& value) {
  if (rules.is_required) return "required";
  if (is_empty(value))
    return "default: " + (rules.default_note.empty() ? to_yaml(rules, value) : rules.default_note);
  const auto text = "default: " + to_yaml(rules, value);
  return rules.default_note.empty() ? text
                                    : text + " (section left out: " + rules.default_note + ")";
}

std::string describe(const KeyRules& rules, const JobValue& default_value, std::string_view name) {
  std::string facts = rules.choices.empty() ? type_text(rules.type) : "";
  for (const auto& choice : rules.choices) facts += (facts.empty() ? "" : " | ") + choice;
  if (const auto range = range_text(rules); !range.empty()) facts += ", " + range;
  if (!rules.unit.empty()) facts += ", in " + rules.unit;
  facts += "; " + default_text(rules, default_value);
  if (!rules.only_with.empty()) facts += "; only with " + rules.only_with;
  return fmt::format("  {}\n", name) + wrapped(rules.help, 6, 90) + wrapped(facts, 6, 90);
}

// The settings that a map may hold, one a line.
std::string describe_settings() {
  std::string text;
  for (const auto& rule : kafka_property_rules()) {
    std::string facts;
    for (const auto& choice : rule.choices) facts += (facts.empty() ? "" : " | ") + choice;
    if (rule.range.second != 0)
      facts = fmt::format("{} to {}", rule.range.first, rule.range.second);
    if (rule.is_secret) facts = "{secret: NAME}";
    text += wrapped(rule.name + ": " + rule.help + (facts.empty() ? "" : "; " + facts), 8, 88);
  }
  return text;
}

constexpr std::string_view kReferenceHead = R"(The job file, version 1

YAML, at most 256 KiB. `version: 1` and `schema.label` are required, `source.path` for files, and
`source.kafka.brokers` and `source.kafka.topic` for Kafka; everything else has a default, listed below. An
unknown key is an error. A job file of five lines:

  version: 1
  source: {path: data.csv}
  schema: {label: target}
  # model: {kind: mlp, layers: [128, 64]}
  # optimizer: {kind: adam, learning_rate: 0.001}

`millrace init DATA --label FIELD` writes one from data, `millrace validate JOB.yaml` checks one,
`--set optimizer.learning_rate=0.5` overrides one key of it, `millrace docs job-file --output json` prints
the JSON Schema for editors. A job that is run again goes on from its newest checkpoint; keys marked with *
may then have another value, all others need `--fresh`.
)";

}  // namespace

std::string print_job(const JobSpec& spec) {
  std::string text = "version: 1\n";
  std::string open;
  bool has_preprocess = !spec.preprocess;
  for (const auto& [key, value] : values_of(spec)) {
    const bool is_default = key->get(spec) == key->get(complete_defaults());
    if (is_default && !key->is_headline && !key->is_required && key->path != "name") continue;
    const std::string section(section_of(key->path));
    if (!has_preprocess && section != "source" && !section.starts_with("source.") &&
        section != "schema" && key->path != "name") {
      text += print_preprocess(spec);
      has_preprocess = true;
      open.clear();
    }
    // Opens every level of the section that is not open yet: "source", then "source.csv".
    for (std::size_t end = 0; !section.empty() && end != std::string::npos;) {
      end = section.find('.', end + 1);
      const auto level = section.substr(0, end);
      if (open == level || open.starts_with(level + ".")) continue;
      const auto depth = std::count(level.begin(), level.end(), '.');
      text += std::string(static_cast<std::size_t>(2 * depth), ' ') +
              level.substr(level.rfind('.') + 1) + ":\n";
    }
    open = section;
    const auto depth = std::count(key->path.begin(), key->path.end(), '.');
    text += std::string(static_cast<std::size_t>(2 * depth), ' ') +
            key->path.substr(key->path.rfind('.') + 1) + ": " + value + "\n";
  }
  return has_preprocess ? text : text + print_preprocess(spec);
}

std::string job_file_reference() {
  std::string text(kReferenceHead);
  for (const auto& section : job_sections()) {
    text += "\n" + (section.path.empty() ? "top" : section.path) + ": " + section.help + "\n";
    if (section.path == "preprocess") {
      for (const auto& name : transform_names())
        for (const auto& key : transform_keys())
          if (key.path.starts_with(name + "."))
            text += describe(key, key.get(TransformSpec{}), "- " + key.path);
      continue;
    }
    if (section.path.empty()) text += "  version\n      1; required\n";
    for (const auto& key : job_keys())
      if (section_of(key.path) == section.path) {
        text += describe(key, key.get(complete_defaults()),
                         key.path + (key.on_change == OnChange::goes_on ? " *" : ""));
        if (key.type == KeyType::properties) text += describe_settings();
      }
  }
  return text;
}

JobDifference compare_jobs(const JobSpec& before, const JobSpec& after) {
  JobDifference difference;
  for (const auto& key : job_keys()) {
    const auto print = [&](const JobSpec& spec) {
      const auto value = key.get(spec);
      const bool is_absent =
          !has_effect(key, job_keys(), spec) || std::holds_alternative<std::monostate>(value);
      return is_absent ? std::string("(none)") : to_yaml(key, value);
    };
    const auto old_text = print(before), new_text = print(after);
    if (old_text == new_text) continue;
    auto& list = key.on_change == OnChange::goes_on    ? difference.adjustable
                 : key.on_change == OnChange::rescales ? difference.rescaled
                                                       : difference.fixed;
    list.push_back(key.path + ": " + old_text + " -> " + new_text);
  }
  if (before.preprocess != after.preprocess) difference.fixed.push_back("preprocess");
  return difference;
}

JobFingerprint job_fingerprint(const JobSpec& spec) {
  std::string fixed = print_preprocess(spec), adjustable;
  for (const auto& [key, value] : values_of(spec))
    (key->on_change == OnChange::goes_on ? adjustable : fixed) += key->path + ": " + value + "\n";
  return {.fixed = sha256_hex(as_bytes(fixed)), .adjustable = sha256_hex(as_bytes(adjustable))};
}

}  // namespace millrace
