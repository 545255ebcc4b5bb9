// What each field goes through, resolved from the job's `preprocess` list and the schema.
//
// Place: made once by Pipeline::compile and immutable afterwards; the pipeline turns it into column
// state. Pure: no learned value stands here. Its fingerprint guards saved state against another
// job's plan.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/schema.hpp"
#include "common/pipeline/pipeline.hpp"

namespace millrace {

// What stands in for a missing number.
enum class FillKind : std::uint8_t {
  mean,                       // the mean learned so far, 0 before the first value
  constant,                   // as it is, also behind `standardize` (where a mean is 0)
  constant_then_standardize,  // as if the record had held it, but it is not learned
};

struct NumericPlan {
  double pivot = 0.0;
  bool is_standardized = false;
  FillKind fill = FillKind::mean;
  float constant = 0.0f;
};

struct CategoricalPlan {
  TransformKind kind = TransformKind::one_hot;  // one_hot or hash
  std::uint32_t first_row = 0;  // of the field's block, or of the shared hashed block
  std::uint32_t places = 0;     // one_hot: ids with a row of their own; `other` follows
  std::uint32_t mask = 0;       // hash: rows of the block - 1
  std::uint64_t salt = 0;       // hash: tells fields of a shared block apart
};

struct PipelinePlan {
  FeatureLayout layout;
  std::vector<NumericPlan> numeric;          // by column of MicroBatch::numeric
  std::vector<CategoricalPlan> categorical;  // by column of MicroBatch::categories
  std::vector<std::uint32_t> dictionary_capacity;

  // Whether any column needs moments.
  bool learns() const;
  std::uint64_t fingerprint() const;
};

Result<PipelinePlan> make_plan(const std::vector<TransformSpec>& transforms, const Schema& schema);

}  // namespace millrace
