// Requests and replies of the prediction endpoint as plain values, and their Cap'n Proto encoding.
//
// Place: the only door between network bytes and the rest of the program; nobody else sees
// generated code. `decode_*` accept bytes from anyone: every length, depth and count is checked
// (limits.hpp) before it is used, and memory stays within a small multiple of the frame. Values, so
// one thread each.
//
// A PredictRequest holds views: into the caller's strings before `encode`, into the decoded frame
// after `decode_request` (which must outlive it). It is made to be reused from request to request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"

namespace millrace::wire {

enum class CellKind : std::uint8_t { missing, number, text };

// One value of one row; `name` is empty in ordered rows.
struct Cell {
  std::string_view name;
  CellKind kind = CellKind::missing;
  double number = 0.0;
  std::string_view text;
};

enum class RowForm : std::uint8_t { named, ordered, numeric };

struct PredictRequest {
  std::uint64_t id = 0;
  std::string_view model;     // empty: the only model served
  std::uint64_t version = 0;  // 0: what the alias names
  std::string_view alias;     // empty: production, or the newest
  RowForm form = RowForm::named;
  std::vector<Cell> cells;              // named, ordered: row after row
  std::vector<std::uint32_t> row_ends;  // named, ordered: end of each row in `cells`
  std::uint32_t numeric_columns = 0;    // numeric: features per row
  ByteView numeric_values;              // numeric: float32 row-major, any alignment
  std::uint32_t deadline_ms = 0;        // 0: none
  std::uint64_t sent_at_ms = 0;         // Unix time; 0: the deadline counts from arrival
  bool probabilities = false;
  std::uint64_t min_revision = 0;  // of the alias; 0: any

  std::size_t rows() const;
  // Removes everything and keeps the memory.
  void clear();

  // Building rows: cells, then end_row.
  void add_text(std::string_view name, std::string_view text);
  void add_number(std::string_view name, double number);
  void add_missing(std::string_view name);
  void end_row() { row_ends.push_back(static_cast<std::uint32_t>(cells.size())); }

  // An aligned copy of a frame that was not aligned; `decode_request` uses it.
  std::vector<std::uint64_t> aligned_copy;
};

struct Prediction {
  std::string label;                  // empty for regression
  double value = 0.0;                 // predicted value, or the probability of `label`
  std::vector<double> probabilities;  // in order of PredictReply::classes, when asked for
  std::vector<std::string> missing;   // features that were absent and imputed
  std::vector<std::string> unknown;   // categorical features with a value never seen in training
};

struct NumericPredictions {
  std::uint32_t outputs = 0;  // floats per row
  std::vector<float> values;  // [rows, outputs]
  std::uint64_t missing = 0;  // values imputed, over all rows
};

// invalid_argument, not_found, permission_denied, resource_exhausted, expired or internal.
struct PredictError {
  std::string code;
  std::string message;
  std::string hint;
};

struct PredictReply {
  std::uint64_t id = 0;
  std::optional<PredictError> error;          // then only `id` counts
  std::vector<Prediction> predictions;        // named and ordered requests
  std::optional<NumericPredictions> numeric;  // numeric requests
  std::string model;
  std::uint64_t version = 0;
  std::uint64_t alias_revision = 0;
  std::uint64_t cut = 0;
  std::uint64_t records = 0;
  std::uint64_t age_ms = 0;
  std::vector<std::string> classes;
};

// Fails with resource_exhausted when the frame would be larger than limits::kFrameBytesMax.
Result<Bytes> encode(const PredictRequest& request);
Result<Bytes> encode(const PredictReply& reply);

// invalid_argument when the bytes are no such message, resource_exhausted past a limit. On failure
// `request.id` is the sender's number when it could be read, else 0, and nothing else of `request`
// may be used.
Status decode_request(ByteView frame, PredictRequest& request);
Result<PredictReply> decode_reply(ByteView frame);
// The id of a request that is not looked at further; 0 when it cannot be read.
std::uint64_t request_id(ByteView frame);

// The wire's error for a status, and back; `expired` is Code::timed_out.
PredictError to_error(const Status& status);
Status to_status(const PredictError& error);

}  // namespace millrace::wire
