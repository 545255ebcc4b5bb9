#include <fmt/format.h>

#include <set>

#include "common/base/limits.hpp"
#include "common/config/job_file.hpp"
#include "common/config/job_keys.hpp"
#include "common/config/job_value.hpp"
#include "common/config/kafka_checks.hpp"
#include "common/config/nearest.hpp"

namespace millrace {
namespace {

class Checks {
 public:
  explicit Checks(const JobSpec& spec) : spec_(spec) {}

  std::vector<JobProblem> run() {
    check_ranges();
    check_name();
    check_source();
    check_schema();
    check_classes();
    check_model();
    std::ranges::move(find_sink_problems(spec_), std::back_inserter(problems_));
    return std::move(problems_);
  }

 private:
  void report(std::string key, std::string message, std::string hint = {}) {
    problems_.push_back(
        {.key = std::move(key), .message = std::move(message), .hint = std::move(hint)});
  }

  void check_ranges() {
    for (const auto& key : job_keys())
      if (const auto status = check_range(key, key.get(spec_)); !status.is_ok())
        report(key.path, status.message(), status.hint());
    if (!spec_.preprocess) return;
    for (std::size_t i = 0; i < spec_.preprocess->size(); ++i) {
      const auto& transform = (*spec_.preprocess)[i];
      for (const auto& key : transform_keys())
        if (key.path.starts_with(transform_name(transform.kind) + "."))
          if (const auto status = check_range(key, key.get(transform)); !status.is_ok())
            report(fmt::format("preprocess[{}].{}", i, key.path), status.message(), status.hint());
    }
  }

  void check_name() {
    const auto is_safe = [](unsigned char c) {
      return std::isalnum(c) || c == '.' || c == '_' || c == '-';
    };
    const auto& name = spec_.name;
    if (name.empty() || name.size() > 100 || !std::isalnum(static_cast<unsigned char>(name[0])) ||
        !std::all_of(name.begin(), name.end(), is_safe))
      report("name",
             "'" + name + "' cannot name a job, because its state is kept in a folder of that name",
             "use letters, digits, '.', '_' and '-', at most 100, a letter or digit first");
  }

  void check_source() {
    const auto& source = spec_.source;
    if (source.kind != SourceKind::generator) {
      if (source.kind == SourceKind::file && source.path.empty())
        report("source.path", "is required for files", "for instance `source: {path: data.csv}`");
      const char delimiter = source.csv.delimiter;
      if (std::isalnum(static_cast<unsigned char>(delimiter)) ||
          std::string_view("\"\n\r.+-").find(delimiter) != std::string_view::npos)
        report("source.csv.delimiter", "this character is part of the values themselves",
               "usual ones are ',', ';', '|' and \"\\t\"");
      if (source.kind == SourceKind::file) return;
      if (source.kind == SourceKind::zeromq) return check_zeromq();
      auto found = find_kafka_problems(spec_);
      std::ranges::move(found, std::back_inserter(problems_));
      return;
    }
    const auto& generator = source.generator;
    const std::vector<std::string> known = {"sea"};
    if (generator.name != "sea")
      report("source.generator.name", "unknown generator '" + generator.name + "'",
             suggestion(generator.name, known));
    for (std::size_t i = 0; i < generator.drift_at.size(); ++i) {
      if (i > 0 && generator.drift_at[i] <= generator.drift_at[i - 1])
        return report("source.generator.drift_at", "the record numbers must ascend");
      if (generator.drift_at[i] >= generator.records)
        return report(
            "source.generator.drift_at",
            fmt::format("record {} is beyond the end of the stream", generator.drift_at[i]),
            fmt::format("`records` is {}", generator.records));
    }
  }

  // Whether it can be listened at is seen by who does.
  void check_zeromq() {
    const auto& zeromq = spec_.source.zeromq;
    const std::string example = "for instance `bind: \"tcp://127.0.0.1:5601\"`";
    if (zeromq.bind.empty()) {
      report("source.zeromq.bind", "is required for zeromq", example);
    } else if (!zeromq.bind.starts_with("tcp://")) {
      report("source.zeromq.bind", "'" + zeromq.bind + "' is no tcp://host:port", example);
    }
    if (zeromq.sample.empty())
      report("source.zeromq.sample", "is required for zeromq: nothing has arrived at submit",
             "name a CSV file with a header and some rows");
    if (spec_.merge && spec_.merge->mode == MergeMode::synchronous)
      report("merge.mode",
             "synchronous rounds wait for full micro-batches, and what producers "
             "sent is acknowledged after a checkpoint, which waits for the round",
             "choose another mode for a zeromq source");
  }

  void check_schema() {
    const auto& schema = spec_.schema;
    if (schema.label.empty())
      return report("schema.label", "is required",
                    "name the field to predict: `schema: {label: FIELD}`");
    const auto refuse = [&](const char* key, const std::vector<std::string>& fields) {
      std::set<std::string> seen;
      for (const auto& field : fields) {
        if (field == schema.label)
          report(key, "names the label '" + field + "', which is never a feature");
        if (!seen.insert(field).second) report(key, "names the field '" + field + "' twice");
      }
    };
    refuse("schema.exclude", schema.exclude);
    refuse("schema.sensitive", schema.sensitive);
    refuse("schema.categorical", schema.categorical);
    for (const auto& field : schema.categorical)
      if (std::find(schema.exclude.begin(), schema.exclude.end(), field) != schema.exclude.end())
        report("schema.categorical", "the field '" + field + "' is also excluded",
               "keep it in one of the two");
    if (schema.weight && *schema.weight == schema.label)
      report("schema.weight", "names the label '" + schema.label + "'");
  }

  void check_classes() {
    const auto& schema = spec_.schema;
    if (std::set<std::string>(schema.classes.begin(), schema.classes.end()).size() !=
        schema.classes.size())
      report("schema.classes", "names a class twice");
    if (schema.classes.size() == 1)
      report("schema.classes", "one class leaves nothing to predict", "name at least two");
    if (schema.classes.size() > limits::kClassesMax)
      report("schema.classes", fmt::format("{} classes are too many, at most {}",
                                           schema.classes.size(), limits::kClassesMax));
    if (schema.max_classes != 0 && schema.max_classes < schema.classes.size())
      report("schema.max_classes",
             fmt::format("is below the {} declared classes", schema.classes.size()));
    if (schema.task == Task::regression && (!schema.classes.empty() || schema.positive))
      report(schema.positive ? "schema.positive" : "schema.classes",
             "has no meaning for regression", "remove it, or `task: regression`");
    if (!schema.positive) return;
    if (schema.task == Task::multiclass)
      report("schema.positive", "makes the label binary, but `schema.task` says multiclass",
             "remove one of the two");
    if (!schema.classes.empty() && std::find(schema.classes.begin(), schema.classes.end(),
                                             *schema.positive) == schema.classes.end())
      report("schema.positive", "'" + *schema.positive + "' is not among `schema.classes`",
             suggestion(*schema.positive, schema.classes));
  }

  void check_model() {
    if (!spec_.model) return;
    const auto& model = *spec_.model;
    if (model.kind == ModelKind::mlp) {
      if (model.layers.empty())
        report("model.layers", "is required for mlp",
               "for instance `model: {kind: mlp, layers: [128, 64]}`");
      if (model.layers.size() > limits::kLayersMax)
        report("model.layers", fmt::format("{} layers are too many, at most {}",
                                           model.layers.size(), limits::kLayersMax));
      if (!model.dropout.empty() && model.dropout.size() != model.layers.size())
        report(
            "model.dropout",
            fmt::format("has {} shares for {} layers", model.dropout.size(), model.layers.size()),
            "give one for each layer, 0 for none");
    }
    const auto task = spec_.schema.task;
    if (!task) return;
    if (model.kind == ModelKind::linear && *task != Task::regression)
      report("model.kind", "linear predicts numbers, but `schema.task` asks for classes",
             "use logistic, softmax or mlp, or leave `model` out");
    if ((model.kind == ModelKind::logistic || model.kind == ModelKind::softmax) &&
        *task == Task::regression)
      report("model.kind", "predicts classes, but `schema.task` is regression",
             "use linear or mlp, or leave `model` out");
    if (model.kind == ModelKind::logistic && *task == Task::multiclass)
      report("model.kind", "logistic has two classes, but `schema.task` is multiclass",
             "use softmax or mlp");
  }

  const JobSpec& spec_;
  std::vector<JobProblem> problems_;
};

}  // namespace

std::vector<JobProblem> find_problems(const JobSpec& spec) {
  return Checks(spec).run();
}

Status validate(const JobSpec& spec) {
  CheckedJob checked;
  checked.file_name = "job " + spec.name;
  checked.problems = find_problems(spec);
  return checked.status();
}

}  // namespace millrace
