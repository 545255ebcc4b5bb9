#include "common/wire/prediction.hpp"

#include <cstring>

#include "common/wire/message.hpp"
#include "schemas/prediction.capnp.h"

namespace millrace::wire {
namespace {

// Room for a small message without the heap; zeroed, as the builder demands.
struct Scratch {
  capnp::word words[256] = {};
};

void put_value(const Cell& cell, schema::Value::Builder value) {
  switch (cell.kind) {
    case CellKind::missing:
      value.setMissing();
      return;
    case CellKind::number:
      value.setNumber(cell.number);
      return;
    case CellKind::text:
      if (cell.text.empty()) value.setText("");
      put_text(cell.text, [&](unsigned size) { return value.initText(size); });
      return;
  }
}

// Calls put(row, begin, end) for each row.
template <typename Put>
void for_each_row(const PredictRequest& request, const Put& put) {
  std::uint32_t begin = 0;
  for (unsigned row = 0; row < request.row_ends.size(); ++row) {
    put(row, begin, request.row_ends[row]);
    begin = request.row_ends[row];
  }
}

void put_named(const PredictRequest& request, capnp::List<schema::NamedRow>::Builder rows) {
  for_each_row(request, [&](unsigned row, std::uint32_t begin, std::uint32_t end) {
    auto fields = rows[row].initFields(end - begin);
    for (std::uint32_t at = begin; at < end; ++at) {
      auto field = fields[at - begin];
      put_text(request.cells[at].name, [&](unsigned size) { return field.initName(size); });
      put_value(request.cells[at], field.initValue());
    }
  });
}

void put_ordered(const PredictRequest& request, capnp::List<schema::OrderedRow>::Builder rows) {
  for_each_row(request, [&](unsigned row, std::uint32_t begin, std::uint32_t end) {
    auto values = rows[row].initValues(end - begin);
    for (std::uint32_t at = begin; at < end; ++at) put_value(request.cells[at], values[at - begin]);
  });
}

kj::ArrayPtr<const kj::byte> to_kj(ByteView bytes) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size());
}

void put_texts(const std::vector<std::string>& texts, capnp::List<capnp::Text>::Builder list) {
  for (unsigned i = 0; i < texts.size(); ++i) {
    list.set(i, capnp::Text::Reader(texts[i].c_str(), texts[i].size()));
  }
}

void put_prediction(const Prediction& from, schema::Prediction::Builder to) {
  if (!from.label.empty()) to.setLabel(capnp::Text::Reader(from.label.c_str(), from.label.size()));
  to.setValue(from.value);
  if (!from.probabilities.empty()) {
    auto list = to.initProbabilities(static_cast<unsigned>(from.probabilities.size()));
    for (unsigned i = 0; i < from.probabilities.size(); ++i) list.set(i, from.probabilities[i]);
  }
  if (!from.missing.empty()) {
    put_texts(from.missing, to.initMissing(static_cast<unsigned>(from.missing.size())));
  }
  if (!from.unknown.empty()) {
    put_texts(from.unknown, to.initUnknown(static_cast<unsigned>(from.unknown.size())));
  }
}

void put_predictions(const PredictReply& reply, schema::PredictReply::Builder root) {
  if (reply.numeric) {
    auto numeric = root.initNumeric();
    numeric.setOutputs(reply.numeric->outputs);
    numeric.setMissing(reply.numeric->missing);
    numeric.setValues(to_kj(std::as_bytes(std::span(reply.numeric->values))));
    return;
  }
  auto predictions = root.initPredictions(static_cast<unsigned>(reply.predictions.size()));
  for (unsigned i = 0; i < reply.predictions.size(); ++i) {
    put_prediction(reply.predictions[i], predictions[i]);
  }
}

}  // namespace

std::size_t PredictRequest::rows() const {
  if (form != RowForm::numeric) return row_ends.size();
  return numeric_columns == 0 ? 0 : numeric_values.size() / (sizeof(float) * numeric_columns);
}

void PredictRequest::clear() {
  // The vectors keep their memory, unless one large request made them unusually large.
  constexpr std::size_t kKept = 1u << 16;
  if (cells.capacity() > kKept) cells = {};
  if (row_ends.capacity() > kKept) row_ends = {};
  if (aligned_copy.capacity() > kKept) aligned_copy = {};
  auto kept_cells = std::move(cells);
  auto kept_ends = std::move(row_ends);
  auto kept_copy = std::move(aligned_copy);
  *this = PredictRequest{};
  cells = std::move(kept_cells);
  row_ends = std::move(kept_ends);
  aligned_copy = std::move(kept_copy);
  cells.clear();
  row_ends.clear();
}

void PredictRequest::add_text(std::string_view name, std::string_view text) {
  cells.push_back({.name = name, .kind = CellKind::text, .text = text});
}

void PredictRequest::add_number(std::string_view name, double number) {
  cells.push_back({.name = name, .kind = CellKind::number, .number = number, .text = {}});
}

void PredictRequest::add_missing(std::string_view name) {
  cells.push_back({.name = name, .kind = CellKind::missing, .text = {}});
}

Result<Bytes> encode(const PredictRequest& request) {
  Scratch scratch;
  capnp::MallocMessageBuilder message(kj::arrayPtr(scratch.words, std::size(scratch.words)));
  auto root = message.initRoot<schema::PredictRequest>();
  root.setId(request.id);
  put_text(request.model, [&](unsigned size) { return root.initModel(size); });
  root.setVersion(request.version);
  put_text(request.alias, [&](unsigned size) { return root.initAlias(size); });
  root.setDeadlineMs(request.deadline_ms);
  root.setSentAtMs(request.sent_at_ms);
  root.setProbabilities(request.probabilities);
  root.setMinRevision(request.min_revision);
  const auto rows = static_cast<unsigned>(request.row_ends.size());
  switch (request.form) {
    case RowForm::named:
      put_named(request, root.getRows().initNamed(rows));
      break;
    case RowForm::ordered:
      put_ordered(request, root.getRows().initOrdered(rows));
      break;
    case RowForm::numeric: {
      auto numeric = root.getRows().initNumeric();
      numeric.setColumns(request.numeric_columns);
      numeric.setValues(to_kj(request.numeric_values));
      break;
    }
  }
  return to_frame(message, "the request");
}

Result<Bytes> encode(const PredictReply& reply) {
  Scratch scratch;
  capnp::MallocMessageBuilder message(kj::arrayPtr(scratch.words, std::size(scratch.words)));
  auto root = message.initRoot<schema::PredictReply>();
  root.setId(reply.id);
  if (reply.error) {
    auto error = root.initError();
    put_text(reply.error->code, [&](unsigned size) { return error.initCode(size); });
    put_text(reply.error->message, [&](unsigned size) { return error.initMessage(size); });
    put_text(reply.error->hint, [&](unsigned size) { return error.initHint(size); });
    return to_frame(message, "the reply");
  }
  put_predictions(reply, root);
  put_text(reply.model, [&](unsigned size) { return root.initModel(size); });
  root.setVersion(reply.version);
  root.setAliasRevision(reply.alias_revision);
  root.setCut(reply.cut);
  root.setRecords(reply.records);
  root.setAgeMs(reply.age_ms);
  if (!reply.classes.empty()) {
    put_texts(reply.classes, root.initClasses(static_cast<unsigned>(reply.classes.size())));
  }
  return to_frame(message, "the reply");
}

PredictError to_error(const Status& status) {
  const auto code = [&]() -> const char* {
    switch (status.code()) {
      case Code::invalid_argument:
      case Code::unsupported_format:
        return "invalid_argument";
      case Code::not_found:
        return "not_found";
      case Code::conflict:
        return "conflict";
      case Code::permission_denied:
        return "permission_denied";
      case Code::resource_exhausted:
        return "resource_exhausted";
      case Code::timed_out:
        return "expired";
      default:
        return "internal";
    }
  };
  return {.code = code(), .message = status.message(), .hint = status.hint()};
}

Status to_status(const PredictError& error) {
  const auto code = [&] {
    if (error.code == "invalid_argument") return Code::invalid_argument;
    if (error.code == "not_found") return Code::not_found;
    if (error.code == "conflict") return Code::conflict;
    if (error.code == "permission_denied") return Code::permission_denied;
    if (error.code == "resource_exhausted") return Code::resource_exhausted;
    if (error.code == "expired") return Code::timed_out;
    return Code::internal;
  };
  return {code(), error.message, error.hint};
}

}  // namespace millrace::wire
