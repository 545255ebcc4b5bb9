#include "common/pipeline/pipeline.hpp"

#include "common/base/check.hpp"
#include "common/base/digest.hpp"
#include "common/pipeline/column_kernel.hpp"
#include "common/pipeline/plan.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;
constexpr std::uint32_t kAllBits = 0xFFFFFFFFu;

Moments make_moments(std::size_t padded) {
  Moments moments;
  moments.count.assign(padded, 0.0);
  moments.sum.assign(padded, 0.0);
  moments.squares.assign(padded, 0.0);
  return moments;
}

ColumnState make_columns(const std::vector<NumericPlan>& plan) {
  ColumnState state;
  state.columns = plan.size();
  const std::size_t padded = round_up(plan.size(), kRowFloats);
  state.pivot.assign(padded, 0.0);
  state.fill_shift.assign(padded, 0.0);
  state.fill.assign(padded, 0.0f);
  state.standardized.assign(padded, 0);
  state.fills_before.assign(padded, 0);
  state.fills_mean.assign(padded, 0);
  state.held = make_moments(padded);
  state.learned = make_moments(padded);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto& column = plan[i];
    state.pivot[i] = column.pivot;
    state.standardized[i] = column.is_standardized ? kAllBits : 0;
    state.fill[i] = column.constant;
    state.fills_mean[i] = column.fill == FillKind::mean ? kAllBits : 0;
    if (column.fill == FillKind::constant_then_standardize) {
      state.fills_before[i] = kAllBits;
      state.fill_shift[i] = static_cast<double>(column.constant) - column.pivot;
    }
  }
  return state;
}

// The statistics vector is [count | sum | squares], each over the columns without padding.
template <typename Visit>
void for_each_statistic(std::size_t columns, Moments& moments, const Visit& visit) {
  std::size_t at = 0;
  for (auto* part : {&moments.count, &moments.sum, &moments.squares}) {
    for (std::size_t i = 0; i < columns; ++i) visit((*part)[i], at++);
  }
}

std::vector<double> read_statistics(std::size_t columns, const Moments& moments) {
  std::vector<double> values;
  values.reserve(3 * columns);
  for (const auto* part : {&moments.count, &moments.sum, &moments.squares}) {
    values.insert(values.end(), part->begin(),
                  part->begin() + static_cast<std::ptrdiff_t>(columns));
  }
  return values;
}

}  // namespace

struct Pipeline::Compiled {
  PipelinePlan plan;
  ColumnState columns;

  explicit Compiled(PipelinePlan made)
      : plan(std::move(made)), columns(make_columns(plan.numeric)) {}

  std::size_t learned_columns() const { return plan.learns() ? columns.columns : 0; }

  void check_shape(const MicroBatch& batch) const {
    MILLRACE_CHECK(batch.numeric_columns == plan.layout.dense);
    MILLRACE_CHECK(batch.categorical_columns == plan.layout.table_slots);
    MILLRACE_CHECK(batch.rows <= batch.capacity);
  }

  std::uint32_t row_of(std::size_t column, const Category& value,
                       const Dictionary& dictionary) const {
    const auto& encoder = plan.categorical[column];
    if (encoder.kind == TransformKind::hash) {
      if (value.is_missing()) return kNoRow;
      return encoder.first_row +
             (static_cast<std::uint32_t>(mix64(value.hash ^ encoder.salt)) & encoder.mask);
    }
    const std::uint32_t other = encoder.first_row + encoder.places;
    if (value.is_missing()) return other;
    const auto id = dictionary.find(static_cast<DictionaryField>(column + 1), value.text);
    return id && *id < encoder.places ? encoder.first_row + *id : other;
  }

  void encode_categories(MicroBatch& batch, const Dictionary& dictionary) const {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const Category* values = batch.category_row(row);
      std::uint32_t* rows = batch.table_row(row);
      for (std::size_t i = 0; i < plan.categorical.size(); ++i)
        rows[i] = row_of(i, values[i], dictionary);
    }
  }
};

Pipeline::Pipeline(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;
Pipeline::~Pipeline() = default;

Result<Pipeline> Pipeline::compile(const std::vector<TransformSpec>& transforms,
                                   const Schema& schema) {
  MILLRACE_ASSIGN(PipelinePlan plan, make_plan(transforms, schema));
  return Pipeline(std::make_unique<Compiled>(std::move(plan)));
}

const FeatureLayout& Pipeline::layout() const {
  return compiled_->plan.layout;
}

std::vector<std::uint32_t> Pipeline::dictionary_capacity() const {
  return compiled_->plan.dictionary_capacity;
}

void Pipeline::learn_and_transform(MicroBatch& batch, const Dictionary& dictionary) {
  compiled_->check_shape(batch);
  if (compiled_->plan.learns()) {
    learn_and_transform_columns(compiled_->columns, batch.numeric.data(), batch.rows,
                                batch.numeric_stride);
  } else {
    transform_columns(compiled_->columns, batch.numeric.data(), batch.rows, batch.numeric_stride);
  }
  compiled_->encode_categories(batch, dictionary);
}

void Pipeline::transform(MicroBatch& batch, const Dictionary& dictionary) const {
  compiled_->check_shape(batch);
  transform_columns(compiled_->columns, batch.numeric.data(), batch.rows, batch.numeric_stride);
  compiled_->encode_categories(batch, dictionary);
}

std::size_t Pipeline::statistics_size() const {
  return 3 * compiled_->learned_columns();
}

std::vector<double> Pipeline::take_increments() {
  auto& columns = compiled_->columns;
  auto increments = read_statistics(compiled_->learned_columns(), columns.learned);
  for_each_statistic(compiled_->learned_columns(), columns.held,
                     [&](double& value, std::size_t at) { value += increments[at]; });
  columns.learned = make_moments(columns.pivot.size());
  return increments;
}

void Pipeline::adopt(std::span<const double> merged, std::span<const double> in_flight) {
  MILLRACE_CHECK(merged.size() == statistics_size());
  MILLRACE_CHECK(in_flight.empty() || in_flight.size() == merged.size());
  for_each_statistic(compiled_->learned_columns(), compiled_->columns.held,
                     [&](double& value, std::size_t at) {
                       value = in_flight.empty() ? merged[at] : merged[at] + in_flight[at];
                     });
}

std::vector<double> Pipeline::statistics() const {
  const auto columns = compiled_->learned_columns();
  auto totals = read_statistics(columns, compiled_->columns.held);
  const auto learned = read_statistics(columns, compiled_->columns.learned);
  for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += learned[i];
  return totals;
}

void Pipeline::encode(ByteWriter& writer) const {
  writer.envelope(kFormat, kFormat);
  writer.put(compiled_->plan.fingerprint());
  const auto columns = compiled_->learned_columns();
  writer.put_array(std::span<const double>(read_statistics(columns, compiled_->columns.held)));
  writer.put_array(std::span<const double>(read_statistics(columns, compiled_->columns.learned)));
}

Status Pipeline::restore(ByteReader& reader) {
  reader.envelope(kFormat, "pipeline");
  const auto fingerprint = reader.get<std::uint64_t>();
  const auto held = reader.get_array<double>();
  const auto learned = reader.get_array<double>();
  if (!reader.is_ok()) return reader.status().with_context("reading the pipeline");
  if (fingerprint != compiled_->plan.fingerprint())
    return {Code::conflict,
            "the saved pipeline was compiled from other transforms or another schema",
            "use the job file that wrote it, or start afresh"};
  if (held.size() != statistics_size() || learned.size() != statistics_size())
    return {Code::corrupted, "the saved pipeline has " + std::to_string(held.size()) +
                                 " statistics where " + std::to_string(statistics_size()) +
                                 " belong"};
  auto& columns = compiled_->columns;
  const auto count = compiled_->learned_columns();
  for_each_statistic(count, columns.held, [&](double& value, std::size_t at) { value = held[at]; });
  for_each_statistic(count, columns.learned,
                     [&](double& value, std::size_t at) { value = learned[at]; });
  return {};
}

}  // namespace millrace
