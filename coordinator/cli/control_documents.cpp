#include "coordinator/cli/control_documents.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/wire/control_status_fields.hpp"
#include "coordinator/cli/summary.hpp"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* word_of(Code code) {
  return to_string(code);
}
const char* word_of(control::JobState state) {
  return control::to_string(state);
}
const char* word_of(control::OperationState state) {
  return control::to_string(state);
}
const char* word_of(control::SubmitOutcome outcome) {
  constexpr const char* kWords[] = {"created", "unchanged", "updated"};
  return kWords[static_cast<std::size_t>(outcome)];
}
const char* word_of(Task task) {
  constexpr const char* kWords[] = {"regression", "binary", "multiclass"};
  return kWords[static_cast<std::size_t>(task)];
}

// Writes the fields of control_fields.hpp as members of an object; what is absent is left out.
class MemberWriter {
 public:
  explicit MemberWriter(Json& object) : object_(object) {}

  template <typename T>
  void operator()(const char* name, const T& value) {
    object_[name] = json_of(value);
  }
  template <typename T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value) object_[name] = json_of(*value);
  }
  template <typename T>
  void operator()(const char* name, control::Document<T> document) {
    object_[name] = document.text;
  }

 private:
  template <typename T>
  static Json json_of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return word_of(value);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else {
      Json object = Json::object();
      MemberWriter writer(object);
      control::fields(writer, value);
      return object;
    }
  }
  template <typename T>
  static Json json_of(const std::vector<T>& values) {
    Json list = Json::array();
    for (const auto& value : values) list.push_back(json_of(value));
    return list;
  }

  Json& object_;
};

template <typename T>
Json with_version(const T& value) {
  Json document = {{"schema_version", 1}};
  MemberWriter writer(document);
  control::fields(writer, value);
  return document;
}

}  // namespace

Json document_of(const control::JobDescription& description) {
  return with_version(description);
}
Json document_of(const control::JobList& list) {
  return with_version(list);
}
Json document_of(const control::CheckpointList& list) {
  return with_version(list);
}
Json document_of(const control::WorkerList& list) {
  return with_version(list);
}
Json document_of(const control::Operation& operation) {
  return with_version(operation);
}
Json document_of(const control::Submitted& submitted) {
  return with_version(submitted);
}
Json document_of(const control::ServerFacts& server) {
  return with_version(server);
}
Json document_of(const control::Event& event) {
  return with_version(event);
}

// A run's summary first, so that whoever reads one reads the other; `workers` stays their number.
Json document_of(const control::JobStatus& status) {
  auto document = summary_json(summary_of(status));
  const auto all = with_version(status);
  document["placement"] = all.at("workers");
  for (const auto& [name, value] : all.items()) {
    // Said by the summary in its own form.
    if (document.contains(name) || name == "name" || name == "evaluation" || name == "version" ||
        name == "parameters" || name == "digest" || name == "model_kind" ||
        name.find("checkpoint") != std::string::npos)
      continue;
    document[name] = value;
  }
  document["checkpoints"]["last_at_ms"] = status.last_checkpoint_at_ms;
  document["splits"] = all.at("splits");
  document.erase("state_folder");
  return document;
}

RunSummary summary_of(const control::JobStatus& status) {
  RunSummary summary;
  summary.job = status.name;
  summary.state = control::to_string(status.state);
  summary.read = status.read;
  summary.records = status.records;
  summary.quarantined = status.quarantined;
  summary.skipped = status.skipped;
  summary.seconds = status.seconds;
  summary.records_per_second = status.records_per_second;
  summary.classes = status.classes;
  summary.label_delay = status.label_delay;
  summary.task = status.task;
  summary.evaluation = status.evaluation;
  summary.model = {.name = status.name,
                   .kind = status.model_kind,
                   .version = status.version,
                   .parameters = status.parameters,
                   .digest = status.digest};
  summary.checkpoints = {.completed = status.checkpoints_completed,
                         .last_id = status.last_checkpoint,
                         .last_seconds = status.last_checkpoint_seconds,
                         .last_bytes = status.last_checkpoint_bytes};
  summary.workers = static_cast<std::uint32_t>(status.workers.size());
  summary.parallelism = status.parallelism;
  for (const auto& split : status.splits)
    summary.splits.push_back(
        {.id = split.id, .path = split.path, .offset = split.offset, .lag = split.lag});
  summary.instruction_set = status.instruction_set;
  if (!status.prediction_endpoints.empty())
    summary.prediction_endpoint = status.prediction_endpoints.front();
  for (const auto& row : status.quarantine)
    summary.quarantine.push_back({.path = row.path,
                                  .offset = row.offset,
                                  .column = row.column,
                                  .reason = row.reason,
                                  .record = row.record});
  summary.warnings = status.warnings;
  return summary;
}

std::string utc_text(std::uint64_t unix_ms) {
  if (unix_ms == 0) return {};
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return {};
  char text[40];
  return std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0 ? "" : text;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3'600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{}h{:02}m", whole / 3'600, whole % 3'600 / 60);
  return fmt::format("{}d{:02}h", whole / 86'400, whole % 86'400 / 3'600);
}

}  // namespace millrace::cli
