#include "common/config/job_keys.hpp"

#include "common/base/limits.hpp"
#include "common/config/job_key_access.hpp"

namespace millrace {
namespace job_key_access {

template <>
const std::vector<std::string>& words<SourceKind>() {
  static const std::vector<std::string> all = {"file", "generator", "kafka", "zeromq"};
  return all;
}
template <>
const std::vector<std::string>& words<Task>() {
  static const std::vector<std::string> all = {"regression", "binary", "multiclass"};
  return all;
}
template <>
const std::vector<std::string>& words<ModelKind>() {
  static const std::vector<std::string> all = {"linear", "logistic", "softmax", "mlp"};
  return all;
}
template <>
const std::vector<std::string>& words<OptimizerKind>() {
  static const std::vector<std::string> all = {"sgd", "adagrad", "adam", "nag"};
  return all;
}
template <>
const std::vector<std::string>& words<TrainingMode>() {
  static const std::vector<std::string> all = {"online", "mini_batch"};
  return all;
}
template <>
const std::vector<std::string>& words<MergeMode>() {
  static const std::vector<std::string> all = {"async_average", "async_sum", "elastic",
                                               "async_gradient", "synchronous"};
  return all;
}
template <>
const std::vector<std::string>& words<Precision>() {
  static const std::vector<std::string> all = {"float32", "bfloat16"};
  return all;
}

}  // namespace job_key_access

namespace {

using namespace job_key_access;
using Keys = std::vector<JobKey>;

// Adds a row and lets the caller refine it.
template <typename Section, typename T>
JobKey& add(Keys& keys, const char* path, const Access<JobSpec, Section>& access,
            T Section::*member, const char* help) {
  keys.push_back(key(path, access, member, help));
  return keys.back();
}

JobKey& range(JobKey& row, double minimum, double maximum) {
  row.minimum = minimum;
  row.maximum = maximum;
  return row;
}
JobKey& positive(JobKey& row) {
  row.minimum = 0;
  row.minimum_is_open = true;
  return row;
}
JobKey& goes_on(JobKey& row) {
  row.on_change = OnChange::goes_on;
  return row;
}

void add_job_and_source(Keys& keys) {
  const auto job = itself<JobSpec>();
  auto* row = &add(keys, "name", job, &JobSpec::name, "names the job, its state and its model");
  row->default_note = "the job file's name without its ending";

  const auto source = section(&JobSpec::source);
  row = &add(keys, "source.kind", source, &SourceSpec::kind, "where records come from");
  row->is_headline = true;
  row = &add(keys, "source.path", source, &SourceSpec::path,
             "a file or a glob, relative to the job file; files ending in .gz are decompressed");
  row->only_with = "source.kind=file";
  row->default_note = "none: required for files";
  JobKey format;  // CSV is the only format so far, so no field of SourceSpec holds it
  format.path = "source.format";
  format.type = KeyType::choice;
  format.get = [](const JobSpec&) { return JobValue{std::string("csv")}; };
  format.set = [](JobSpec&, const JobValue&) {};
  format.help = "how records are written";
  format.choices = {"csv"};
  format.unsupported_choices = {"json"};
  format.only_with = "source.kind=file|kafka|zeromq";
  keys.push_back(format);
  row = &add(keys, "source.missing", source, &SourceSpec::missing, "texts that mean \"no value\"");
  row = &goes_on(
      positive(add(keys, "source.max_records_per_second", source,
                   &SourceSpec::max_records_per_second, "holds the stream back to this rate")));
  row->unit = "records/s over all replicas";
  row->default_note = "no limit";
  row = &goes_on(add(keys, "source.max_quarantined", source, &SourceSpec::max_quarantined,
                     "more malformed records than this fail the job"));
  row->unit = "records";
  row->default_note = "no limit";
  row = &range(add(keys, "source.splits", source, &SourceSpec::splits,
                   "independent parts of the stream; 0: chosen from the size of the data"),
               0, limits::kSplitsMax);
  row->only_with = "source.kind=file|generator";

  const auto csv = inside(source, &SourceSpec::csv);
  row = &add(keys, "source.csv.delimiter", csv, &CsvSpec::delimiter, "separates fields");
  row->only_with = "source.kind=file|kafka|zeromq";
  row = &add(keys, "source.csv.header", csv, &CsvSpec::header,
             "whether the first line names the fields");
  row->only_with = "source.kind=file";
  row->default_note = "inferred from the first lines";
  row = &add(keys, "source.csv.multiline", csv, &CsvSpec::multiline,
             "quoted fields may hold newlines; each file is then one split");
  row->only_with = "source.kind=file";

  const auto generator = inside(source, &SourceSpec::generator);
  const auto first = keys.size();
  add(keys, "source.generator.name", generator, &GeneratorSpec::name,
      "sea: three uniform features, a label that depends on two of them (Street and Kim 2001)");
  row = &range(add(keys, "source.generator.records", generator, &GeneratorSpec::records,
                   "length of the stream"),
               1, 1e15);
  row->unit = "records";
  add(keys, "source.generator.drift_at", generator, &GeneratorSpec::drift_at,
      "record numbers, ascending, where the concept changes at once");
  range(add(keys, "source.generator.noise", generator, &GeneratorSpec::noise,
            "share of labels flipped"),
        0, 0.5);
  for (auto i = first; i < keys.size(); ++i) keys[i].only_with = "source.kind=generator";
  add_kafka_keys(keys);

  const auto zeromq = inside(source, &SourceSpec::zeromq);
  const auto first_zeromq = keys.size();
  row = &add(keys, "source.zeromq.bind", zeromq, &ZeroMqSpec::bind,
             "where producers send rows to: tcp://host:port, replica i at port + i; port 0: free "
             "ones, chosen once, at submit");
  row->default_note = "none: required for zeromq";
  row = &add(keys, "source.zeromq.sample", zeromq, &ZeroMqSpec::sample,
             "a CSV with a header and some rows like those to come, relative to the job file: it "
             "says which fields a row has, and of which types; read once, at submit");
  row->default_note = "none: required for zeromq";
  row = &goes_on(range(add(keys, "source.zeromq.linger", zeromq, &ZeroMqSpec::linger,
                           "a micro-batch that is not full waits so long for more records"),
                       0, 3'600'000));
  for (auto i = first_zeromq; i < keys.size(); ++i) keys[i].only_with = "source.kind=zeromq";
}

void add_schema(Keys& keys) {
  const auto schema = section(&JobSpec::schema);
  auto* row = &add(keys, "schema.label", schema, &SchemaSpec::label, "the field to predict");
  row->is_required = true;
  row = &add(keys, "schema.task", schema, &SchemaSpec::task, "what kind of value the label is");
  row->default_note = "inferred: strings and at most 20 distinct integers are classes";
  row = &add(keys, "schema.classes", schema, &SchemaSpec::classes,
             "all classes; a record with another one is quarantined");
  row->default_note = "the classes seen, and new ones as they come";
  row = &range(add(keys, "schema.max_classes", schema, &SchemaSpec::max_classes,
                   "classes to make room for; 0: those seen at submit, with room to grow"),
               0, limits::kClassesMax);
  row = &add(keys, "schema.positive", schema, &SchemaSpec::positive,
             "learn this class against the rest");
  row->default_note = "none";
  row = &add(keys, "schema.weight", schema, &SchemaSpec::weight,
             "field with the importance of each record, 0 or more");
  row->default_note = "none: every record weighs 1";
  add(keys, "schema.exclude", schema, &SchemaSpec::exclude, "fields never used as features");
  add(keys, "schema.sensitive", schema, &SchemaSpec::sensitive,
      "fields watched for fairness and not used as features");
  add(keys, "schema.categorical", schema, &SchemaSpec::categorical,
      "fields treated as categories although they look like numbers");
}

void add_model_and_optimizer(Keys& keys) {
  const auto model = section(&JobSpec::model);
  auto* row = &add(keys, "model.kind", model, &ModelSpec::kind, "the family of models");
  row->is_headline = true;
  row->default_note = "linear for regression, logistic for two classes, softmax for more";
  row = &range(add(keys, "model.layers", model, &ModelSpec::layers, "widths of the hidden layers"),
               1, limits::kLayerWidthMax);
  row->only_with = "model.kind=mlp";
  row->default_note = "none: required for mlp";
  row = &range(add(keys, "model.dropout", model, &ModelSpec::dropout,
                   "share of each hidden layer that is dropped while training"),
               0, 1);
  row->maximum_is_open = true;
  row->only_with = "model.kind=mlp";

  const auto optimizer = section(&JobSpec::optimizer);
  row = &add(keys, "optimizer.kind", optimizer, &OptimizerSpec::kind,
             "nag: normalised, adaptive, scale-invariant gradients (Ross, Mineiro, Langford 2013)");
  row->is_headline = true;
  row->default_note = "chosen with the model";
  goes_on(positive(add(keys, "optimizer.learning_rate", optimizer, &OptimizerSpec::learning_rate,
                       "size of a step")));
  row = &goes_on(
      positive(add(keys, "optimizer.intercept_learning_rate", optimizer,
                   &OptimizerSpec::intercept_learning_rate, "size of a step of intercepts")));
  row->default_note = "learning_rate";
  row = &goes_on(range(add(keys, "optimizer.power_t", optimizer, &OptimizerSpec::power_t,
                           "the rate falls as 1 / t^power_t; 0 suits drifting streams"),
                       0, 1));
  row->only_with = "optimizer.kind=nag";
  goes_on(range(add(keys, "optimizer.l2", optimizer, &OptimizerSpec::l2,
                    "pulls weights, not intercepts, towards 0"),
                0, 1e6));
  goes_on(range(add(keys, "optimizer.clip", optimizer, &OptimizerSpec::clip,
                    "bound on the norm of a gradient; 0: none"),
                0, 1e9));
  for (const auto& [name, member, help] :
       {std::tuple{"optimizer.beta1", &OptimizerSpec::beta1, "decay of the first moment"},
        std::tuple{"optimizer.beta2", &OptimizerSpec::beta2, "decay of the second moment"}}) {
    row = &goes_on(range(add(keys, name, optimizer, member, help), 0, 1));
    row->maximum_is_open = true;
    row->only_with = "optimizer.kind=adam";
  }
  row = &goes_on(positive(add(keys, "optimizer.epsilon", optimizer, &OptimizerSpec::epsilon,
                              "added to the divisor of a step")));
  row->only_with = "optimizer.kind=adam|adagrad";
}

void add_training_and_merge(Keys& keys) {
  const auto training = section(&JobSpec::training);
  auto* row = &add(
      keys, "training.mode", training, &TrainingSpec::mode,
      "online learns each record before the next is predicted; mini_batch predicts a batch first");
  row->is_headline = true;
  row->unsupported_choices = {"reservoir"};
  row->default_note = "online; mini_batch for mlp";
  row = &range(add(keys, "training.batch_size", training, &TrainingSpec::batch_size,
                   "records of a micro-batch; online: only how records travel"),
               1, limits::kBatchRecordsMax);
  row->unit = "records";
  row = &goes_on(range(add(keys, "training.epochs_per_batch", training,
                           &TrainingSpec::epochs_per_batch, "passes over each micro-batch"),
                       1, 1000));
  row->only_with = "training.mode=mini_batch";

  const auto merge = section(&JobSpec::merge);
  row = &add(keys, "merge.mode", merge, &MergeSpec::mode, "how replicas become one model");
  row->is_headline = true;
  row->default_note = "async_gradient; async_average for an mlp between hosts";
  row = &goes_on(
      range(add(keys, "merge.every", merge, &MergeSpec::every, "time between two pushes"), 1, 1e6));
  row->unit = "micro-batches";
  row->default_note = "8 when trained online, 1 in mini-batches; 16 for averages between hosts";
  row = &goes_on(range(add(keys, "merge.slots_every", merge, &MergeSpec::slots_every,
                           "time between two pushes that carry the optimiser's averages too"),
                       1, 1000));
  row->unit = "pushes";
  row->default_note = "1; 32 for averages between hosts";
  row->only_with = "merge.mode=async_average";
  row = &goes_on(add(keys, "merge.precision", merge, &MergeSpec::precision,
                     "of the dense parameters that travel; what rounding takes off comes later"));
  row->default_note = "float32; bfloat16 for averages between hosts";
  row->only_with = "merge.mode=async_average";
  row = &goes_on(range(add(keys, "merge.max_staleness", merge, &MergeSpec::max_staleness,
                           "rounds that a replica may run ahead before it waits"),
                       1, 1e6));
  row->unit = "rounds";
  row = &goes_on(
      range(add(keys, "merge.alpha", merge, &MergeSpec::alpha, "pull towards the centre"), 0, 1));
  row->minimum_is_open = true;
  row->only_with = "merge.mode=elastic";
  goes_on(range(add(keys, "merge.learning_rate_scale", merge, &MergeSpec::learning_rate_scale,
                    "multiplies the learning rate; 0: chosen from the mode and the replicas"),
                0, limits::kReplicasMax));
}

void add_the_rest(Keys& keys) {
  auto* row = &range(add(keys, "evaluation.window", section(&JobSpec::evaluation),
                         &EvaluationSpec::window, "length of the sliding window of every split"),
                     1, limits::kEvaluationWindowMax);
  row->unit = "records";
  const auto checkpoint = section(&JobSpec::checkpoint);
  goes_on(range(add(keys, "checkpoint.interval", checkpoint, &CheckpointSpec::interval,
                    "time between two checkpoints"),
                50, 86'400'000));
  goes_on(range(add(keys, "checkpoint.retain", checkpoint, &CheckpointSpec::retain,
                    "complete checkpoints that are kept"),
                1, 1000));
  JobKey every;  // one word in the file, a flag in the program
  every.path = "publish.every";
  every.type = KeyType::choice;
  every.choices = {"checkpoint", "end"};
  every.help = "which cuts become model versions: each checkpoint, or only the last";
  every.get = [](const JobSpec& spec) {
    return JobValue{std::string(spec.publish.every_checkpoint ? "checkpoint" : "end")};
  };
  every.set = [](JobSpec& spec, const JobValue& value) {
    spec.publish.every_checkpoint = std::get<std::string>(value) == "checkpoint";
  };
  every.on_change = OnChange::goes_on;
  keys.push_back(every);
  goes_on(range(add(keys, "publish.retain", section(&JobSpec::publish), &PublishSpec::retain,
                    "model versions that are kept beside those an alias names"),
                1, 100'000));
  add_sink_keys(keys);
  const auto job = itself<JobSpec>();
  row = &range(add(keys, "parallelism", job, &JobSpec::parallelism,
                   "replicas that train at the same time; workers only host them"),
               1, limits::kReplicasMax);
  row->on_change = OnChange::rescales;
  add(keys, "seed", job, &JobSpec::seed,
      "the same seed, data and parallelism draw the same random numbers");
}

}  // namespace

const std::vector<JobKey>& job_keys() {
  static const Keys all = [] {
    Keys keys;
    keys.reserve(100);
    add_job_and_source(keys);
    add_schema(keys);
    add_model_and_optimizer(keys);
    add_training_and_merge(keys);
    add_the_rest(keys);
    return keys;
  }();
  return all;
}

const std::vector<SectionHelp>& job_sections() {
  static const std::vector<SectionHelp> all = {
      {"", "the job"},
      {"source", "where records come from"},
      {"source.csv", "how CSV is written"},
      {"source.generator", "a synthetic stream, for trying things"},
      {"source.zeromq", "rows that producers send to a socket, each acknowledged once it is kept"},
      {"source.kafka",
       "a topic: each partition is a split, each message a record, its value a line of CSV"},
      {"schema", "what the fields mean; all but the label is inferred from the first records"},
      {"preprocess",
       "transforms, in order; each learns a record's features before it transforms it"},
      {"model", "what is trained"},
      {"optimizer", "how it is trained"},
      {"training", "when it is trained"},
      {"merge", "how parallel replicas become one model"},
      {"evaluation", "test, then train: every record is predicted before it is learned"},
      {"checkpoint", "consistent cuts of the whole job, from which it resumes"},
      {"publish", "immutable model versions, for predictions"},
      {"sinks", "what the job puts out, exactly once"},
      {"sinks.predictions",
       "what was predicted for each record before it was learned: one message each"},
  };
  return all;
}

const std::vector<UnsupportedKey>& unsupported_keys() {
  static const std::vector<UnsupportedKey> all = {
      {"source.follow", "false"}, {"source.json", ""},
      {"schema.key", ""},         {"schema.time", ""},
      {"optimizer.schedule", ""}, {"training.size", ""},
      {"training.draws", ""},     {"training.warm_start", ""},
      {"merge.filter", "none"},   {"evaluation.holdout_every", ""},
      {"evaluation.test", ""},    {"drift", "[]"},
      {"checkpoint.store", ""},   {"publish.gate", "none"},
      {"recovery", "consistent"}, {"deterministic", "false"},
      {"sinks.alerts", ""},
  };
  return all;
}

}  // namespace millrace
