#include "coordinator/cli/job_plan.hpp"

#include <algorithm>
#include <ctime>

#include "common/data/csv_decoder.hpp"
#include "common/data/job_defaults.hpp"
#include "common/data/schema_inference.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "worker/sources/kafka_splits.hpp"
#include "worker/sources/split.hpp"
#include "worker/sources/zeromq_splits.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace::cli {
namespace {

// Read to the end, the head begins again so often at most: a tiny file is soon known by heart.
constexpr int kPassesMax = 10'000;

// Of this thread, so that a busy machine does not count.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Decodes, transforms, predicts, scores and learns as a trainer does, without merging.
class Rehearsal {
 public:
  explicit Rehearsal(TrainingSetupPtr setup)
      : setup_(std::move(setup)),
        pipeline_(setup_->compile_pipeline()),
        dictionary_(setup_->initial_dictionary()),
        batch_(setup_->spec.training->batch_size, setup_->features.dense,
               setup_->schema.categorical_count()),
        predictions_(std::size_t{setup_->spec.training->batch_size} * setup_->model->outputs()),
        evaluation_(setup_->schema.task, setup_->head_classes, setup_->spec.evaluation.window) {
    const auto initial = setup_->initial_parameters();
    state_.theta.assign(initial.begin(), initial.end());
    setup_->optimizer->initialise(state_);
  }

  // One pass over the bytes, until `seconds_max` of processor time are used up.
  void pass(ByteView bytes, double seconds_max) {
    CsvDecoder decoder(setup_->schema, setup_->spec.source.csv);
    std::vector<QuarantineEntry> quarantine;
    std::size_t at = 0;
    while (processor_seconds() < seconds_max) {
      const auto outcome = decoder.decode(bytes.subspan(at), Offset(at), true, dictionary_, batch_,
                                          counters_, quarantine);
      at += outcome.consumed_bytes;
      if (outcome.stop == CsvDecoder::Stop::pending_class) {
        dictionary_.append(kLabelField, outcome.pending_class);
        continue;
      }
      learn();
      if (outcome.stop == CsvDecoder::Stop::need_more_bytes) break;
    }
    bytes_ += at;
  }
  std::uint64_t bytes() const { return bytes_; }
  const DecodeCounters& counters() const { return counters_; }

 private:
  void learn() {
    if (batch_.rows == 0) return;
    pipeline_.learn_and_transform(batch_, dictionary_);
    batch_.active_classes = dictionary_.size(kLabelField);
    const std::span<float> predictions(predictions_.data(), batch_.rows * setup_->model->outputs());
    if (setup_->online != nullptr) {
      touched_.clear();
      setup_->online->train(batch_, setup_->spec.seed, setup_->rate_scale, state_, workspace_,
                            predictions, touched_);
    } else {
      setup_->model->predict_and_gradient(batch_, state_.theta, workspace_, setup_->spec.seed, 0,
                                          gradient_, predictions);
      for (std::uint32_t epoch = 1; epoch < setup_->spec.training->epochs_per_batch; ++epoch)
        setup_->model->gradient(batch_, state_.theta, workspace_, setup_->spec.seed, epoch,
                                gradient_);
      setup_->optimizer->apply(setup_->model->parameters(), gradient_, setup_->rate_scale,
                               setup_->model->intercepts(), state_);
    }
    evaluation_.update(batch_, predictions);
    batch_.rows = 0;
  }

  TrainingSetupPtr setup_;
  Pipeline pipeline_;
  Dictionary dictionary_;
  MicroBatch batch_;
  std::vector<float> predictions_;
  Evaluation evaluation_;
  ParameterState state_;
  Workspace workspace_;
  Gradient gradient_;
  std::vector<std::uint32_t> touched_;
  DecodeCounters counters_;
  std::uint64_t bytes_ = 0;
};

void measure(const TrainingSetupPtr& setup, ByteView head, std::chrono::milliseconds time,
             JobPlan& plan) {
  const auto text = as_text(head);
  const std::size_t begin =
      *plan.spec.source.csv.header ? std::min(text.size(), text.find('\n') + 1) : 0;
  // The head may end within a record.
  const std::size_t end = std::max(begin, text.rfind('\n') + 1);
  Rehearsal rehearsal(setup);
  const double started = processor_seconds();
  const double until = started + std::chrono::duration<double>(time).count();
  for (int pass = 0; pass < kPassesMax && processor_seconds() < until; ++pass)
    rehearsal.pass(head.subspan(begin, end - begin), until);
  const double seconds = processor_seconds() - started;
  const auto& counters = rehearsal.counters();
  plan.measured_records = counters.records;
  if (counters.read == 0 || seconds <= 0.0) return;
  plan.records_per_second = static_cast<double>(counters.records) / seconds;
  plan.bytes_per_record =
      static_cast<double>(rehearsal.bytes()) / static_cast<double>(counters.read);
  if (counters.quarantined != 0)
    plan.warnings.push_back(std::to_string(counters.quarantined * 100 / counters.read) +
                            "% of the first records could not be decoded: see `millrace run`");
}

void size_up(const TrainingSetup& setup, JobPlan& plan) {
  const std::uint64_t floats = setup.model->parameters().total();
  const std::uint64_t vectors = 1 + setup.optimizer->slots().size();
  const std::uint64_t statistics = setup.statistics_size * sizeof(double);
  const std::uint64_t state = floats * vectors * sizeof(float) + statistics;
  plan.features = setup.features.dense;
  plan.parameters = setup.model->parameter_count();
  plan.checkpoint_bytes = state;
  // What it learns on, what it last heard from the shards, and a push under way.
  plan.replica_bytes = 3 * state;
  // Live values and those of the cut.
  plan.shard_bytes = 2 * state;
}

std::uint64_t plain_bytes(const std::vector<SplitDescription>& splits) {
  std::uint64_t bytes = 0;
  for (const auto& split : splits) {
    if (split.end == kUnknownEnd) return 0;
    bytes += split.end.value - split.begin.value;
  }
  return bytes;
}

const char* task_name(Task task) {
  constexpr const char* kNames[] = {"regression", "binary", "multiclass"};
  return kNames[static_cast<std::size_t>(task)];
}

}  // namespace

Result<JobPlan> plan_job(const JobSpec& spec, const JobPlanOptions& options) {
  JobPlan plan;
  plan.spec = spec;
  const auto kind = spec.source.kind;
  const SecretsFolder secrets(options.secrets_folder);
  StreamHead head;
  Result<InferredSchema> inferred = Status(Code::internal, "not inferred");
  if (kind == SourceKind::generator) {
    inferred = generator_schema(spec.schema, spec.source);
  } else if (kind == SourceKind::zeromq) {
    const SourceSpec sample = sample_of(spec.source);
    MILLRACE_ASSIGN(head, read_stream_head(sample, options.base_folder));
    inferred = infer_schema(spec.schema, sample, head.bytes, head.is_whole);
  } else {
    MILLRACE_ASSIGN(head, kind == SourceKind::kafka
                              ? read_kafka_head(spec.source, spec.schema.label, secrets)
                              : read_stream_head(spec.source, options.base_folder));
    inferred = infer_schema(spec.schema, spec.source, head.bytes, head.is_whole);
  }
  if (!inferred.is_ok()) return inferred.status();
  const auto& found = inferred.value();
  plan.notes = found.evidence;
  plan.warnings = found.warnings;
  plan.task = task_name(found.schema.task);
  plan.spec.source.csv = found.csv;
  MILLRACE_TRY(resolve_defaults(plan.spec, found.schema, MergeReach::one_process));
  MILLRACE_ASSIGN(const auto splits,
                  kind == SourceKind::kafka ? plan_kafka_splits(spec.source.kafka, secrets)
                  : kind == SourceKind::zeromq
                      ? plan_zeromq_splits(spec.source.zeromq, spec.parallelism)
                      : plan_splits(plan.spec.source, options.base_folder, spec.parallelism));
  plan.splits = splits.size();
  MILLRACE_ASSIGN(const auto setup, make_training_setup(plan.spec, found.schema, 1));
  size_up(*setup, plan);
  if (kind == SourceKind::generator) {
    plan.records = spec.source.generator.records;
    return plan;
  }
  measure(setup, head.bytes, options.measured, plan);
  if (kind == SourceKind::file) plan.source_bytes = plain_bytes(splits);
  if (plan.source_bytes != 0 && plan.bytes_per_record > 0.0)
    plan.records =
        static_cast<std::uint64_t>(static_cast<double>(plan.source_bytes) / plan.bytes_per_record);
  return plan;
}

}  // namespace millrace::cli
