#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "common/config/job_value.hpp"
#include "common/config/nearest.hpp"
#include "common/data/job_defaults.hpp"
#include "common/data/schema_inference.hpp"
#include "coordinator/cli/verbs.hpp"
#include "worker/sources/split.hpp"

namespace millrace::cli {
namespace {

const char* role_name(FieldRole role) {
  switch (role) {
    case FieldRole::numeric:
      return "number";
    case FieldRole::categorical:
      return "category";
    case FieldRole::label:
      return "label";
    case FieldRole::weight:
      return "weight";
    case FieldRole::excluded:
      return "not used";
  }
  return "?";
}

// Comments must stay on their line whatever a field is called.
std::string comments(const InferredSchema& inferred) {
  auto text = fmt::format("# Inferred from the first {} records; state a key to overrule it.\n",
                          grouped(inferred.records));
  for (const auto& line : inferred.evidence) text += "#   " + one_line(line) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& field : inferred.schema.fields)
    rows.push_back({one_line(field.name), role_name(field.role), one_line(field.evidence)});
  text += "# Fields:\n" + aligned(rows, "#   ");
  for (const auto& warning : inferred.warnings) text += "# Warning: " + one_line(warning) + "\n";
  return text;
}

constexpr std::string_view kSuggestions = R"(
# Everything below has a default that fits the data; `millrace docs job-file` lists all keys.
# preprocess: [{impute: {strategy: mean}}, {standardize: {}}]
# model: {kind: mlp, layers: [128, 64]}
# optimizer: {kind: adam, learning_rate: 0.001}
# checkpoint: {interval: 10s, retain: 3}
# parallelism: 2
)";

Result<InferredSchema> infer(JobSpec& spec) {
  MILLRACE_ASSIGN(const auto head, read_stream_head(spec.source, ""));
  MILLRACE_ASSIGN(auto inferred, infer_schema(spec.schema, spec.source, head.bytes, head.is_whole));
  return inferred;
}

Result<std::string> first_line_hint(const InitVerb& options) {
  SourceSpec source;
  source.path = options.data;
  MILLRACE_ASSIGN(const auto head, read_stream_head(source, ""));
  const auto text = as_text(head.bytes);
  std::string names;
  for (const auto& name : header_names(text.substr(0, text.find('\n')), source.csv))
    names += (names.empty() ? "" : ", ") + one_line(name);
  return "millrace init " + options.data + " --label FIELD; the fields are: " + names;
}

}  // namespace

int verb_init(const InitVerb& options, Output& output) {
  if (options.label.empty()) {
    const auto hint = first_line_hint(options);
    if (!hint.is_ok()) return output.fail(hint.status());
    return output.fail({Code::invalid_argument, "which field is to be predicted?", hint.value()});
  }
  JobSpec spec;
  spec.name = options.name.empty() ? job_name_from_path(options.data) : options.name;
  spec.source.path = options.data;
  spec.schema.label = options.label;
  if (const auto status = validate(spec); !status.is_ok()) return output.fail(status);
  const auto inferred = infer(spec);
  if (!inferred.is_ok()) return output.fail(inferred.status());
  for (const auto& warning : inferred.value().warnings)
    output.note("warning: " + one_line(warning));
  const auto text = comments(inferred.value()) + print_job(spec) + std::string(kSuggestions);
  if (output.is_table()) {
    output.print(text);
    output.note(
        "next: save it in this folder, to which its path is relative: millrace init ... > "
        "job.yaml; then millrace run job.yaml");
    return kExitDone;
  }
  nlohmann::ordered_json document = {{"schema_version", 1}, {"job_file", text}};
  document["fields"] = nlohmann::ordered_json::array();
  for (const auto& field : inferred.value().schema.fields)
    document["fields"].push_back(
        {{"name", field.name}, {"role", role_name(field.role)}, {"evidence", field.evidence}});
  document["warnings"] = inferred.value().warnings;
  output.print_document(document);
  return kExitDone;
}

}  // namespace millrace::cli
