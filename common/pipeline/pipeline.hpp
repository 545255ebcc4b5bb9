// The compiled pipeline: what happens to a record between the decoder and the model, in training
// and serving.
//
// Place: compiled once from the job's `preprocess` list and the schema; a trainer owns one and
// learns with it, a published version holds one and only reads it. A transform learns a record's
// features, never its label, before it transforms it, record after record (River's convention).
//
// Numbers: a value that is not finite is missing. A missing or imputed value is never learned. What
// is missing gets the mean of the values so far (0 before the first), which is 0 once standardized;
// a variance of 0 gives 0. Deviations are those of the population, as in River's StandardScaler.
// Records count unweighted. Categories: one_hot gives row id, or `other` for a missing value and
// one without an id; hash gives the row of (field, text), and none (kNoRow) for a missing value.
// Fields that one transform hashes share its 2^bits rows.
//
// State: every learned statistic is a sum around a pivot fixed at submit (the shifted-data
// algorithm of Chan, Golub and LeVeque 1983, section 3), so that statistics of replicas merge by
// plain addition of increments. `base` is what the shards answered last (all replicas),
// `increments` what this replica learned since its last push was frozen; a transform uses base + in
// flight + increments.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/schema.hpp"

namespace millrace {

// What the pipeline hands to the model.
struct FeatureLayout {
  std::uint32_t dense = 0;         // numeric inputs per record
  std::uint32_t dense_stride = 0;  // floats between rows, a multiple of 16
  std::uint32_t table_slots = 0;   // categorical inputs per record, each one table row or none
  std::uint32_t table_rows = 0;    // rows of the model's table: one_hot blocks and hashed blocks
  std::vector<std::string> dense_names;
};

class Pipeline {
 public:
  // Fails with invalid_argument naming transform and field. A schema with categorical fields that
  // no transform encodes gets one_hot or hash for them, and missing numbers are always imputed
  // (mean unless declared).
  static Result<Pipeline> compile(const std::vector<TransformSpec>& transforms,
                                  const Schema& schema);

  const FeatureLayout& layout() const;
  // Places per dictionary field (label first), fixed at submit: argument for Dictionary's
  // constructor.
  std::vector<std::uint32_t> dictionary_capacity() const;

  // Training: for each record in order, learn it, then transform it in place. `dictionary` gives
  // one_hot ids; a value without an id is `other`.
  void learn_and_transform(MicroBatch& batch, const Dictionary& dictionary);
  // Serving: transforms in place and changes nothing.
  void transform(MicroBatch& batch, const Dictionary& dictionary) const;

  // Number of doubles of the statistics vector, [count | sum | squares] of (x - pivot) per numeric
  // field; all of it merges by addition. 0 when nothing is learned.
  std::size_t statistics_size() const;
  // What was learned since the last call; the caller owns it (a frozen push) until it is answered.
  std::vector<double> take_increments();
  // The shards' statistics, which include every push but those in flight; `in_flight` is the sum of
  // this replica's unanswered increments (empty: none).
  void adopt(std::span<const double> merged, std::span<const double> in_flight);
  // base + in flight + increments: what `transform` uses.
  std::vector<double> statistics() const;

  // base + in flight, and increments, for exact resume. `restore` refuses another plan's state
  // (conflict) and damaged bytes (corrupted); the pipeline is unchanged then.
  void encode(ByteWriter& writer) const;
  Status restore(ByteReader& reader);

  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;
  ~Pipeline();

 private:
  struct Compiled;
  explicit Pipeline(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace millrace
