// Decoding of untrusted frames: sizes are held against the frame before anything is allocated for
// them.
#include <cstring>

#include "common/base/limits.hpp"
#include "common/wire/message.hpp"
#include "common/wire/prediction.hpp"
#include "schemas/prediction.capnp.h"

namespace millrace::wire {
namespace {

Status too_many(const char* what, std::size_t count, std::size_t limit, const char* hint) {
  return {Code::resource_exhausted,
          "it has " + std::to_string(count) + " " + what + ", more than " + std::to_string(limit),
          hint};
}

// Lists of elements without bytes, and pointers that lead to one list many times, may claim more
// elements than the frame could hold: an honest element takes at least one word.
Status more_than_its_bytes(const char* what) {
  return {Code::invalid_argument,
          std::string("it claims more ") + what + " than its bytes can hold",
          "send one Cap'n Proto message per frame, in the unpacked stream encoding"};
}

Status check_rows(std::size_t rows, std::size_t words) {
  if (rows > limits::kPredictRowsMax) {
    return too_many("rows", rows, limits::kPredictRowsMax, "send fewer rows at a time");
  }
  if (rows > words) return more_than_its_bytes("rows");
  return {};
}

Status check_cells(std::size_t row_cells, std::size_t all_cells, std::size_t words) {
  if (row_cells > limits::kColumnsMax) {
    return too_many("fields in one row", row_cells, limits::kColumnsMax, "check the fields sent");
  }
  if (all_cells + row_cells > words) return more_than_its_bytes("fields");
  return {};
}

Status read_value(schema::Value::Reader value, Cell& cell) {
  switch (value.which()) {
    case schema::Value::MISSING:
      cell.kind = CellKind::missing;
      return {};
    case schema::Value::NUMBER:
      cell.kind = CellKind::number;
      cell.number = value.getNumber();
      return {};
    case schema::Value::TEXT:
      cell.kind = CellKind::text;
      cell.text = view(value.getText());
      return {};
  }
  return {Code::invalid_argument, "it holds a kind of value that this version does not know",
          "ask a newer server, or send numbers and texts only"};
}

Status read_named(capnp::List<schema::NamedRow>::Reader rows, std::size_t words,
                  PredictRequest& request) {
  MILLRACE_TRY(check_rows(rows.size(), words));
  for (const auto row : rows) {
    const auto fields = row.getFields();
    MILLRACE_TRY(check_cells(fields.size(), request.cells.size(), words));
    for (const auto field : fields) {
      Cell cell;
      cell.name = view(field.getName());
      MILLRACE_TRY(read_value(field.getValue(), cell));
      request.cells.push_back(cell);
    }
    request.end_row();
  }
  return {};
}

Status read_ordered(capnp::List<schema::OrderedRow>::Reader rows, std::size_t words,
                    PredictRequest& request) {
  MILLRACE_TRY(check_rows(rows.size(), words));
  for (const auto row : rows) {
    const auto values = row.getValues();
    MILLRACE_TRY(check_cells(values.size(), request.cells.size(), words));
    for (const auto value : values) {
      Cell cell;
      MILLRACE_TRY(read_value(value, cell));
      request.cells.push_back(cell);
    }
    request.end_row();
  }
  return {};
}

Status read_numeric(schema::NumericRows::Reader numeric, PredictRequest& request) {
  const auto values = numeric.getValues();
  const std::size_t columns = numeric.getColumns();
  if (columns == 0 || columns > limits::kColumnsMax) {
    return {Code::invalid_argument,
            "its numeric rows have " + std::to_string(columns) + " columns, not 1 to " +
                std::to_string(limits::kColumnsMax),
            "set `columns` to the number of features"};
  }
  if (values.size() % (columns * sizeof(float)) != 0) {
    return {Code::invalid_argument,
            "its " + std::to_string(values.size()) + " bytes of values are no whole rows of " +
                std::to_string(columns) + " float32",
            "send rows x columns float32 values, row after row"};
  }
  const std::size_t rows = values.size() / (columns * sizeof(float));
  if (rows > limits::kPredictRowsMax) {
    return too_many("rows", rows, limits::kPredictRowsMax, "send fewer rows at a time");
  }
  request.numeric_columns = static_cast<std::uint32_t>(columns);
  request.numeric_values = {reinterpret_cast<const std::byte*>(values.begin()), values.size()};
  return {};
}

Status read_request(schema::PredictRequest::Reader root, std::size_t words,
                    PredictRequest& request) {
  request.id = root.getId();
  request.model = view(root.getModel());
  request.version = root.getVersion();
  request.alias = view(root.getAlias());
  if (std::max(request.model.size(), request.alias.size()) > limits::kStringBytesMax) {
    return too_many("bytes in a name", std::max(request.model.size(), request.alias.size()),
                    limits::kStringBytesMax, "check model and alias");
  }
  request.deadline_ms = root.getDeadlineMs();
  request.sent_at_ms = root.getSentAtMs();
  request.probabilities = root.getProbabilities();
  request.min_revision = root.getMinRevision();
  const auto rows = root.getRows();
  switch (rows.which()) {
    case schema::PredictRequest::Rows::NAMED:
      request.form = RowForm::named;
      return read_named(rows.getNamed(), words, request);
    case schema::PredictRequest::Rows::ORDERED:
      request.form = RowForm::ordered;
      return read_ordered(rows.getOrdered(), words, request);
    case schema::PredictRequest::Rows::NUMERIC:
      request.form = RowForm::numeric;
      return read_numeric(rows.getNumeric(), request);
  }
  return {Code::invalid_argument, "its rows have a form that this version does not know",
          "ask a newer server, or send named, ordered or numeric rows"};
}

Status read_texts(capnp::List<capnp::Text>::Reader list, std::size_t limit,
                  std::vector<std::string>& texts) {
  if (list.size() > limit) return more_than_its_bytes("texts");
  texts.reserve(list.size());
  for (const auto text : list) texts.emplace_back(view(text));
  return {};
}

Status read_predictions(capnp::List<schema::Prediction>::Reader list, std::size_t words,
                        PredictReply& reply) {
  MILLRACE_TRY(check_rows(list.size(), words));
  for (const auto from : list) {
    auto& to = reply.predictions.emplace_back();
    to.label = view(from.getLabel());
    to.value = from.getValue();
    const auto probabilities = from.getProbabilities();
    if (probabilities.size() > limits::kClassesMax) return more_than_its_bytes("probabilities");
    to.probabilities.reserve(probabilities.size());
    for (const double probability : probabilities) to.probabilities.push_back(probability);
    MILLRACE_TRY(read_texts(from.getMissing(), std::min(words, limits::kColumnsMax), to.missing));
    MILLRACE_TRY(read_texts(from.getUnknown(), std::min(words, limits::kColumnsMax), to.unknown));
  }
  return {};
}

Status read_numeric_predictions(schema::NumericPredictions::Reader from, PredictReply& reply) {
  auto& to = reply.numeric.emplace();
  const auto values = from.getValues();
  to.outputs = from.getOutputs();
  to.missing = from.getMissing();
  if (to.outputs == 0 || values.size() % (std::size_t{to.outputs} * sizeof(float)) != 0) {
    return {Code::invalid_argument, "its numeric predictions are no whole rows"};
  }
  to.values.resize(values.size() / sizeof(float));
  if (values.size() != 0) std::memcpy(to.values.data(), values.begin(), values.size());
  return {};
}

Status read_reply(schema::PredictReply::Reader root, std::size_t words, PredictReply& reply) {
  reply.id = root.getId();
  reply.model = view(root.getModel());
  reply.version = root.getVersion();
  reply.alias_revision = root.getAliasRevision();
  reply.cut = root.getCut();
  reply.records = root.getRecords();
  reply.age_ms = root.getAgeMs();
  MILLRACE_TRY(read_texts(root.getClasses(), limits::kClassesMax, reply.classes));
  switch (root.which()) {
    case schema::PredictReply::ERROR: {
      const auto error = root.getError();
      reply.error = PredictError{.code = std::string(view(error.getCode())),
                                 .message = std::string(view(error.getMessage())),
                                 .hint = std::string(view(error.getHint()))};
      return {};
    }
    case schema::PredictReply::PREDICTIONS:
      return read_predictions(root.getPredictions(), words, reply);
    case schema::PredictReply::NUMERIC:
      return read_numeric_predictions(root.getNumeric(), reply);
  }
  return {Code::invalid_argument, "it has a form that this version does not know"};
}

}  // namespace

Status decode_request(ByteView frame, PredictRequest& request) {
  request.clear();
  return read_message<schema::PredictRequest>(
      "the request", frame, request.aligned_copy,
      [&](auto root, std::size_t words) { return read_request(root, words, request); });
}

std::uint64_t request_id(ByteView frame) {
  std::uint64_t id = 0;
  std::vector<std::uint64_t> aligned_copy;
  const Status status = read_message<schema::PredictRequest>(
      "the request", frame, aligned_copy, [&id](auto root, std::size_t) -> Status {
        id = root.getId();
        return {};
      });
  return status.is_ok() ? id : 0;
}

Result<PredictReply> decode_reply(ByteView frame) {
  PredictReply reply;
  std::vector<std::uint64_t> aligned_copy;
  MILLRACE_TRY(read_message<schema::PredictReply>(
      "the reply", frame, aligned_copy,
      [&](auto root, std::size_t words) { return read_reply(root, words, reply); }));
  return reply;
}

}  // namespace millrace::wire
