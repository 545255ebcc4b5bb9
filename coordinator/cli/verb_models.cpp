#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "coordinator/cli/state_folder.hpp"
#include "coordinator/cli/stored_models.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string time_text(std::chrono::sys_time<std::chrono::milliseconds> time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

const char* kind_name(ModelKind kind) {
  switch (kind) {
    case ModelKind::linear:
      return "linear";
    case ModelKind::logistic:
      return "logistic";
    case ModelKind::softmax:
      return "softmax";
    case ModelKind::mlp:
      return "mlp";
  }
  return "?";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string metrics_text(const std::map<std::string, double>& metrics) {
  std::string text;
  for (const char* name : {"accuracy", "log_loss", "mae", "rmse"})
    if (const auto found = metrics.find(name); found != metrics.end())
      text += fmt::format("{}{} {:.4g}", text.empty() ? "" : ", ", name, found->second);
  return text;
}

Json entry_json(const std::string& model, const RegistryEntry& entry) {
  Json object = {{"model", model},
                 {"version", entry.version.value},
                 {"aliases", entry.aliases},
                 {"bytes", entry.bytes},
                 {"path", entry.path.string()}};
  if (!entry.status.is_ok()) {
    object["error"] = entry.status.message();
    return object;
  }
  const auto& lineage = entry.header.lineage;
  object["kind"] = kind_name(entry.header.kind);
  object["parameters"] = entry.header.parameters;
  object["digest"] = entry.header.digest;
  object["created_at"] = time_text(lineage.created_at);
  object["records"] = lineage.records;
  object["cut"] = lineage.cut.value;
  object["metrics"] = lineage.metrics;
  return object;
}

Json lineage_json(const RegistryEntry& entry) {
  const auto& lineage = entry.header.lineage;
  Json object = {{"job", lineage.job},
                 {"job_fingerprint", lineage.job_fingerprint},
                 {"program_version", lineage.program_version},
                 {"instruction_set", lineage.instruction_set},
                 {"attempt", lineage.attempt.value}};
  object["parent"] = lineage.parent ? Json(lineage.parent->value) : Json(nullptr);
  object["slice"] = Json::array();
  for (const auto& slice : lineage.slice)
    object["slice"].push_back({{"path", slice.path},
                               {"begin", slice.begin.value},
                               {"offset", slice.offset.value},
                               {"content_digest", slice.content_digest}});
  return object;
}

Status list_models(const ModelsVerb& options, Output& output) {
  const auto state = state_folder(options.state);
  MILLRACE_ASSIGN(const auto stored, find_stored_models(state, ""));
  std::vector<std::vector<std::string>> rows = {
      {"model", "version", "kind", "records", "metrics", "created", "aliases"}};
  Json document = {{"schema_version", 1}, {"state_folder", state}, {"models", Json::array()}};
  for (const auto& model : stored) {
    MILLRACE_ASSIGN(const auto registry, ModelRegistry::open_existing(model.folder));
    MILLRACE_ASSIGN(const auto entries, registry.list());
    for (const auto& entry : entries) {
      document["models"].push_back(entry_json(model.name, entry));
      const auto version = fmt::format("v{}", entry.version.value);
      if (!entry.status.is_ok())
        rows.push_back({model.name, version, "unreadable: " + entry.status.message()});
      else
        rows.push_back({model.name, version, kind_name(entry.header.kind),
                        grouped(entry.header.lineage.records),
                        metrics_text(entry.header.lineage.metrics),
                        time_text(entry.header.lineage.created_at), joined(entry.aliases)});
    }
  }
  if (!output.is_table()) {
    output.print_document(document);
    return {};
  }
  output.print(aligned(rows));
  output.print("\nnext: millrace model show " + stored.front().name + state_flag(state) + "\n");
  return {};
}

void print_entry(const std::string& model, const RegistryEntry& entry, const std::string& state,
                 Output& output) {
  const auto& header = entry.header;
  const auto& lineage = header.lineage;
  std::vector<std::vector<std::string>> rows = {
      {"model", fmt::format("{} v{}", model, entry.version.value)},
      {"aliases", entry.aliases.empty() ? "none" : joined(entry.aliases)},
      {"kind",
       fmt::format("{}, {} parameters", kind_name(header.kind), grouped(header.parameters))},
      {"digest", header.digest},
      {"created", time_text(lineage.created_at)},
      {"learned", grouped(lineage.records) + " records"},
      {"cut", fmt::format("{} of attempt {}", lineage.cut.value, lineage.attempt.value)},
      {"parent", lineage.parent ? fmt::format("v{}", lineage.parent->value) : "none"},
      {"job file", lineage.job_fingerprint.substr(0, 16)},
      {"program", lineage.program_version + ", " + lineage.instruction_set},
      {"file", entry.path.string() + " (" + bytes_text(entry.bytes) + ")"}};
  auto text = aligned(rows);
  if (!lineage.metrics.empty()) {
    text += "\nmetrics at the cut\n";
    std::vector<std::vector<std::string>> metrics;
    for (const auto& [name, value] : lineage.metrics)
      metrics.push_back({name, fmt::format("{:.6g}", value)});
    text += aligned(metrics, "  ");
  }
  if (!lineage.slice.empty()) {
    std::vector<std::vector<std::string>> slices = {{"stream", "from", "to"}};
    for (const auto& slice : lineage.slice)
      slices.push_back({slice.path, grouped(slice.begin.value), grouped(slice.offset.value)});
    text += "\n" + aligned(slices);
  }
  output.print(text + fmt::format("\nnext: millrace predict {}@{} --file rows.csv{}\n", model,
                                  entry.version.value, state_flag(state)));
}

Status show_model(const ModelShowVerb& options, Output& output) {
  const auto at = options.reference.rfind('@');
  const auto name = options.reference.substr(0, at);
  const auto reference = at == std::string::npos ? "" : options.reference.substr(at + 1);
  const auto state = state_folder(options.state);
  MILLRACE_ASSIGN(const auto stored, find_stored_models(state, name));
  MILLRACE_ASSIGN(const auto registry, ModelRegistry::open_existing(stored.front().folder));
  MILLRACE_ASSIGN(const auto entry, registry.show(reference));
  MILLRACE_TRY(entry.status);
  if (output.is_table()) {
    print_entry(name, entry, state, output);
    return {};
  }
  Json document = {{"schema_version", 1}};
  document.update(entry_json(name, entry));
  document["lineage"] = lineage_json(entry);
  output.print_document(document);
  return {};
}

}  // namespace

int verb_models(const ModelsVerb& options, Output& output) {
  const auto status = list_models(options, output);
  return status.is_ok() ? kExitDone : output.fail(status);
}

int verb_model_show(const ModelShowVerb& options, Output& output) {
  const auto status = show_model(options, output);
  return status.is_ok() ? kExitDone : output.fail(status);
}

}  // namespace millrace::cli
