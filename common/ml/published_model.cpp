#include "common/ml/published_model.hpp"

#include <cmath>
#include <utility>

#include "common/base/digest.hpp"

namespace millrace {
namespace {

Status misfit(const std::string& what) {
  return {Code::invalid_argument, "the parts of the version do not fit each other: " + what,
          "publish all parts from one cut"};
}

Status check_values(const PublishedModelParts& parts, const Pipeline& pipeline,
                    const Model& model) {
  const std::size_t expected = model.parameters().total();
  if (parts.theta.size() != expected) {
    return misfit(std::to_string(parts.theta.size()) + " parameters where the model has " +
                  std::to_string(expected));
  }
  if (parts.statistics.size() != pipeline.statistics_size()) {
    return misfit(std::to_string(parts.statistics.size()) +
                  " pipeline statistics where the pipeline has " +
                  std::to_string(pipeline.statistics_size()));
  }
  const auto is_finite = [](auto value) { return std::isfinite(value); };
  if (!std::ranges::all_of(parts.theta, is_finite)) {
    return misfit("a parameter is not a finite number");
  }
  if (!std::ranges::all_of(parts.statistics, is_finite)) {
    return misfit("a pipeline statistic is not a finite number");
  }
  if (parts.lineage.version.value == 0) return misfit("versions count from 1");
  return {};
}

std::vector<std::string> class_names(const Schema& schema, const Dictionary& dictionary) {
  std::vector<std::string> names;
  if (schema.task == Task::regression) return names;
  for (std::uint32_t id = 0; id < dictionary.size(kLabelField); ++id) {
    names.emplace_back(dictionary.text(kLabelField, id));
  }
  return names;
}

// Each part is preceded by its length, so that no two different versions give the same bytes.
std::string digest_of(std::span<const float> theta, const std::vector<double>& statistics,
                      const Dictionary& dictionary, std::uint32_t categorical_fields) {
  Sha256 hash;
  const auto add_size = [&hash](std::uint64_t size) {
    hash.update(std::as_bytes(std::span(&size, 1)));
  };
  add_size(theta.size());
  hash.update(std::as_bytes(theta));
  add_size(statistics.size());
  hash.update(std::as_bytes(std::span(statistics)));
  for (DictionaryField field = 0; field <= categorical_fields; ++field) {
    add_size(dictionary.size(field));
    for (std::uint32_t id = 0; id < dictionary.size(field); ++id) {
      const auto text = dictionary.text(field, id);
      add_size(text.size());
      hash.update(as_bytes(text));
    }
  }
  return hash.hex();
}

}  // namespace

Result<std::shared_ptr<const PublishedModel>> PublishedModel::make(PublishedModelParts parts) {
  MILLRACE_ASSIGN(Pipeline pipeline, Pipeline::compile(parts.transforms, parts.schema));
  const ModelInputs inputs{.features = pipeline.layout(),
                           .task = parts.schema.task,
                           .classes = parts.schema.max_classes};
  MILLRACE_ASSIGN(std::unique_ptr<const Model> model, make_model(parts.model, inputs));
  MILLRACE_TRY(check_values(parts, pipeline, *model));
  const std::vector<double> none_in_flight(parts.statistics.size(), 0.0);
  pipeline.adopt(parts.statistics, none_in_flight);
  return std::shared_ptr<const PublishedModel>(
      new PublishedModel(std::move(parts), std::move(pipeline), std::move(model)));
}

PublishedModel::PublishedModel(PublishedModelParts parts, Pipeline pipeline,
                               std::unique_ptr<const Model> model)
    : schema_(std::move(parts.schema)),
      transforms_(std::move(parts.transforms)),
      pipeline_(std::move(pipeline)),
      dictionary_(std::move(parts.dictionary)),
      model_spec_(std::move(parts.model)),
      theta_(std::move(parts.theta)),
      model_(std::move(model)),
      classes_(class_names(schema_, dictionary_)) {
  header_ = {
      .lineage = std::move(parts.lineage),
      .digest = digest_of(theta_, pipeline_.statistics(), dictionary_, schema_.categorical_count()),
      .task = schema_.task,
      .kind = model_spec_.kind,
      .parameters = model_->parameter_count()};
}

void PublishedModel::predict(MicroBatch& batch, Workspace& workspace, std::span<float> out) const {
  MILLRACE_CHECK(out.size() == batch.rows * outputs());
  if (batch.rows == 0) return;
  batch.active_classes = dictionary_.size(kLabelField);  // as the trainer does
  pipeline_.transform(batch, dictionary_);
  model_->predict(batch, theta_, workspace, out);
}

MicroBatch PublishedModel::make_batch(std::size_t capacity) const {
  return {capacity, schema_.numeric_count(), schema_.categorical_count()};
}

}  // namespace millrace
