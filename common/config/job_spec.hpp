// The job file as a value: what `millrace run` and `millrace submit` are asked to do.
//
// Place: parsed and validated by job_file.hpp; everything behind it may rely on `validate` having
// passed. Each field's default, unit and range stand here once; `millrace docs job-file` prints
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

enum class SourceKind { file, generator, kafka, zeromq };
enum class KafkaStart { earliest, latest, timestamp, offsets };
enum class KafkaUntil { latest };
enum class KafkaPart { value, key };
enum class SinkKind { kafka };
enum class Task { regression, binary, multiclass };
enum class ModelKind { linear, logistic, softmax, mlp };
enum class OptimizerKind { sgd, adagrad, adam, nag };
enum class TrainingMode { online, mini_batch };
enum class MergeMode { async_average, async_sum, elastic, async_gradient, synchronous };
// How a number travels between hosts.
enum class Precision : std::uint8_t { float32, bfloat16 };
enum class TransformKind { impute, standardize, one_hot, hash };
enum class ImputeStrategy { mean, constant };

struct GeneratorSpec {
  std::string name = "sea";         // sea: Street and Kim 2001
  std::uint64_t records = 100'000;  // total over all splits, >= 1
  std::vector<std::uint64_t>
      drift_at;        // record numbers where the concept changes abruptly, ascending
  double noise = 0.0;  // share of labels flipped, [0, 0.5]
  friend bool operator==(const GeneratorSpec&, const GeneratorSpec&) = default;
};

struct CsvSpec {
  char delimiter = ',';
  std::optional<bool> header;  // inferred when absent
  bool multiline = false;      // quoted newlines allowed; then one split per file
  friend bool operator==(const CsvSpec&, const CsvSpec&) = default;
};

// A setting that a library is given: its text, or the name of the secret that holds the text.
struct Property {
  std::string text;
  bool is_secret = false;
  friend bool operator==(const Property&, const Property&) = default;
};
using Properties = std::map<std::string, Property>;

struct KafkaSpec {
  std::string brokers;  // host:port, several separated by commas
  std::string topic;
  KafkaStart start = KafkaStart::earliest;     // where a new job begins; looked up once, at submit
  std::string start_timestamp;                 // milliseconds since 1970, or ISO 8601 in UTC
  std::vector<std::uint64_t> start_offsets;    // one for each partition
  std::optional<KafkaUntil> until;             // absent: the stream never ends
  std::vector<std::string> columns;            // of the value; empty: c1, c2, ...
  KafkaPart label_from = KafkaPart::value;     // key: the message's key is the label
  std::optional<std::string> key_field;        // this field holds the message's key
  std::optional<std::string> timestamp_field;  // milliseconds since 1970
  std::vector<std::string> header_fields;      // the headers of these names, as fields
  std::chrono::milliseconds linger{100};       // a micro-batch waits so long for more records, >= 0
  std::chrono::milliseconds discovery_interval{
      60'000};                             // between looks for new partitions; 0: none
  std::optional<std::string> group;        // under which offsets are committed
  bool commit_offsets = false;             // of complete checkpoints, for lag tools
  std::optional<std::string> dead_letter;  // the topic that quarantined messages go to
  Properties properties;                   // of librdkafka: kafka_properties.hpp lists them
  friend bool operator==(const KafkaSpec&, const KafkaSpec&) = default;
};

struct ZeroMqSpec {
  std::string bind;    // tcp://host:port where producers send rows to; replica i takes port + i
  std::string sample;  // a file of example rows with a header, relative to the job file
  std::chrono::milliseconds linger{100};  // a micro-batch waits so long for more records, >= 0
  friend bool operator==(const ZeroMqSpec&, const ZeroMqSpec&) = default;
};

struct SourceSpec {
  SourceKind kind = SourceKind::file;
  std::string path;  // file: a path or glob, relative to the job file
  CsvSpec csv;
  std::vector<std::string> missing = {"", "NA", "NaN", "null", "?"};
  std::optional<double> max_records_per_second;  // over all replicas, > 0
  std::optional<std::uint64_t>
      max_quarantined;       // more quarantined records fail the job; absent: no limit
  std::uint32_t splits = 0;  // 0: chosen from the size of the data, not from the workers
  GeneratorSpec generator;
  KafkaSpec kafka;
  ZeroMqSpec zeromq;
  friend bool operator==(const SourceSpec&, const SourceSpec&) = default;
};

struct SchemaSpec {
  std::string label;                 // required
  std::optional<Task> task;          // inferred when absent
  std::vector<std::string> classes;  // declared classes; empty: inferred and growing
  std::uint32_t max_classes =
      0;  // width of the label head; 0: classes seen at submit, with room to grow
  std::optional<std::string> positive;  // this class against the rest
  std::optional<std::string> weight;    // field with importance weights >= 0
  std::vector<std::string> exclude;     // fields never used as features
  std::vector<std::string> sensitive;   // watched, not used as features
  std::vector<std::string>
      categorical;  // fields treated as categories although they look like numbers
  friend bool operator==(const SchemaSpec&, const SchemaSpec&) = default;
};

struct TransformSpec {
  TransformKind kind = TransformKind::impute;
  std::vector<std::string> fields;  // empty: every field the transform applies to
  ImputeStrategy strategy = ImputeStrategy::mean;
  double value = 0.0;                 // impute constant
  std::uint32_t max_categories = 64;  // one_hot: places per field, one more is `other`
  std::uint32_t bits = 18;            // hash: 2^bits rows, [4, 26]
  friend bool operator==(const TransformSpec&, const TransformSpec&) = default;
};

struct ModelSpec {
  ModelKind kind = ModelKind::logistic;
  std::vector<std::uint32_t> layers;  // mlp: hidden widths
  std::vector<double> dropout;  // mlp: share dropped after each hidden layer, [0, 1); empty: none
  friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::sgd;
  double learning_rate = 0.1;                     // > 0
  std::optional<double> intercept_learning_rate;  // absent: learning_rate
  double power_t = 0.5;  // nag: the rate falls as 1 / t^power_t; 0 for drifting streams
  double l2 = 0.0;       // >= 0, on weights, not on intercepts
  double clip = 0.0;     // bound on the gradient's norm; 0: none
  double beta1 = 0.9, beta2 = 0.999;  // adam
  double epsilon = 1e-8;              // adam, adagrad
  friend bool operator==(const OptimizerSpec&, const OptimizerSpec&) = default;
};

struct TrainingSpec {
  TrainingMode mode = TrainingMode::online;
  std::uint32_t batch_size =
      32;  // records of one micro-batch, [1, 65536]; online: only how records travel
  std::uint32_t epochs_per_batch = 1;  // mini_batch
  friend bool operator==(const TrainingSpec&, const TrainingSpec&) = default;
};

struct MergeSpec {
  std::optional<MergeMode> mode = {};  // absent: chosen by where the replicas are
  // micro-batches between two pushes, >= 1; absent: chosen with the mode and the training mode
  std::optional<std::uint32_t> every = {};
  // pushes between two that carry the optimiser's averages, >= 1; absent: chosen like `every`
  std::optional<std::uint32_t> slots_every = {};
  // of parameters between hosts, but for barriers; absent: chosen like `every`
  std::optional<Precision> precision = {};
  std::uint32_t max_staleness = 16;  // rounds a replica may run ahead before it waits, >= 1
  double alpha = 0.5;                // elastic: pull towards the centre, (0, 1]
  double learning_rate_scale = 0.0;  // 0: chosen from the mode and the replicas
  friend bool operator==(const MergeSpec&, const MergeSpec&) = default;
};

struct EvaluationSpec {
  std::uint32_t window = 1'000;  // records of the sliding window, >= 1
  friend bool operator==(const EvaluationSpec&, const EvaluationSpec&) = default;
};

struct CheckpointSpec {
  std::chrono::milliseconds interval{10'000};  // >= 50 ms
  std::uint32_t retain = 3;                    // complete checkpoints kept, >= 1
  friend bool operator==(const CheckpointSpec&, const CheckpointSpec&) = default;
};

struct PublishSpec {
  bool every_checkpoint = true;  // false: only at the end
  std::uint32_t retain = 10;     // versions kept beside those an alias names
  friend bool operator==(const PublishSpec&, const PublishSpec&) = default;
};

// Where what a job puts out is written, exactly once.
struct SinkSpec {
  SinkKind kind = SinkKind::kafka;
  std::string brokers;    // host:port, several separated by commas
  std::string topic;      // never written to by anybody else under this job's name
  Properties properties;  // of librdkafka
  friend bool operator==(const SinkSpec&, const SinkSpec&) = default;
};

struct JobSpec {
  std::string name;
  SourceSpec source;
  SchemaSpec schema;
  std::optional<std::vector<TransformSpec>> preprocess;  // absent: chosen from the schema
  std::optional<ModelSpec> model;                        // absent: chosen from the task
  std::optional<OptimizerSpec> optimizer;                // absent: chosen with the model
  std::optional<TrainingSpec> training;                  // absent: chosen with the model
  std::optional<MergeSpec> merge;                        // absent: its defaults
  EvaluationSpec evaluation;
  CheckpointSpec checkpoint;
  PublishSpec publish;
  std::optional<SinkSpec> predictions;  // one for each record that was tested; absent: nowhere
  std::uint32_t parallelism = 1;        // replicas, [1, 1024]
  std::uint64_t seed = 1;
  friend bool operator==(const JobSpec&, const JobSpec&) = default;
};

// Whether a job puts out anything that sinks take.
inline bool has_sinks(const JobSpec& job) {
  const bool has_dead_letters =
      job.source.kind == SourceKind::kafka && job.source.kafka.dead_letter.has_value();
  return job.predictions.has_value() || has_dead_letters;
}

}  // namespace millrace
