// A published version: everything that turns a raw record into a prediction, and where it came
// from.
//
// Place: the job master makes one from a complete cut, the registry stores its bytes, model servers
// answer from it. It runs the same Pipeline::transform and Model::predict as the trainer of its
// cut, so a version predicts bit for bit what training would have (per instruction set).
//
// Immutable after `make` or `decode`; every const function may be called from any number of threads
// at once, each with its own batch and workspace. `digest` identifies what it predicts, not where
// it came from.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/aligned.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/schema.hpp"
#include "common/ml/model.hpp"
#include "common/pipeline/pipeline.hpp"

namespace millrace {

// The part of one split that a version has learned: [begin, offset).
struct SplitSlice {
  std::string path;  // file, or the generator's name
  Offset begin;
  Offset offset;
  std::string content_digest;  // of the bytes in it; empty where the source does not keep one
};

// Where a version came from; it does not change what the version predicts.
struct Lineage {
  std::string job;
  std::string job_fingerprint;  // of the job file as resolved
  std::string program_version;
  std::string instruction_set;      // of the kernels that trained it, e.g. "avx2"
  VersionId version;                // >= 1
  std::optional<VersionId> parent;  // the version published before it
  CutId cut;
  Attempt attempt;
  std::vector<SplitSlice> slice;
  std::uint64_t records = 0;              // learned by the cut
  std::map<std::string, double> metrics;  // at the cut: "accuracy", "log_loss", ...
  std::chrono::sys_time<std::chrono::milliseconds> created_at{};
};

// What `make` needs; the parts of one cut.
struct PublishedModelParts {
  Schema schema;
  std::vector<TransformSpec> transforms;  // as given to Pipeline::compile
  std::vector<double> statistics;         // Pipeline::statistics() at the cut
  Dictionary dictionary;
  ModelSpec model;
  AlignedVector<float> theta;  // [Model::parameters().total()]
  Lineage lineage;
};

// The front of an encoded version: enough to list versions without reading their parameters.
struct PublishedModelHeader {
  Lineage lineage;
  std::string digest;
  Task task = Task::regression;
  ModelKind kind = ModelKind::linear;
  std::uint64_t parameters = 0;  // numbers that the model learns, without padding
};

class PublishedModel {
 public:
  // Fails with invalid_argument when the parts do not fit each other or a parameter is not finite.
  static Result<std::shared_ptr<const PublishedModel>> make(PublishedModelParts parts);

  // Transforms the batch in place and predicts it: out [batch.rows, outputs()], row-major, as
  // Model::predict.
  void predict(MicroBatch& batch, Workspace& workspace, std::span<float> out) const;
  // An empty batch with the columns of this version's schema.
  MicroBatch make_batch(std::size_t capacity) const;
  std::uint32_t outputs() const { return model_->outputs(); }

  // SHA-256 (hexadecimal) over parameters, pipeline statistics and dictionary, and nothing else.
  const std::string& digest() const { return header_.digest; }
  const PublishedModelHeader& header() const { return header_; }
  const Lineage& lineage() const { return header_.lineage; }
  VersionId version() const { return header_.lineage.version; }
  const Schema& schema() const { return schema_; }
  const std::vector<TransformSpec>& transforms() const { return transforms_; }
  const Pipeline& pipeline() const { return pipeline_; }
  const Dictionary& dictionary() const { return dictionary_; }
  const ModelSpec& model_spec() const { return model_spec_; }
  std::span<const float> theta() const { return theta_; }
  // Class names in order of id, as many as the dictionary knows; empty for regression.
  const std::vector<std::string>& classes() const { return classes_; }

  // envelope (version 1), header with its CRC32C, body, CRC32C of everything before it (last in
  // every version).
  Bytes encode() const;
  // `corrupted` when a checksum or a length does not fit, `unsupported_format` when a newer program
  // wrote it.
  static Result<std::shared_ptr<const PublishedModel>> decode(ByteView bytes);
  // Reads only the front; `prefix` may be cut anywhere after it.
  static Result<PublishedModelHeader> decode_header(ByteView prefix);

 private:
  PublishedModel(PublishedModelParts parts, Pipeline pipeline, std::unique_ptr<const Model> model);

  PublishedModelHeader header_;
  Schema schema_;
  std::vector<TransformSpec> transforms_;
  Pipeline pipeline_;
  Dictionary dictionary_;
  ModelSpec model_spec_;
  AlignedVector<float> theta_;
  std::unique_ptr<const Model> model_;
  std::vector<std::string> classes_;
};

}  // namespace millrace
