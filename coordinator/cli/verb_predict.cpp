#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "common/security/cluster_keys.hpp"
#include "common/wire/prediction.hpp"
#include "coordinator/cli/csv_rows.hpp"
#include "coordinator/cli/state_folder.hpp"
#include "coordinator/cli/stored_models.hpp"
#include "coordinator/cli/verbs.hpp"
#include "coordinator/registry/model_registry.hpp"
#include "worker/serving/prediction_client.hpp"
#include "worker/serving/prediction_engine.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kRowsPerRequest = 1'024;

// Who answers: an endpoint, or a version loaded into this process.
class Answerer {
 public:
  virtual ~Answerer() = default;
  virtual Result<wire::PredictReply> predict(wire::PredictRequest& request) = 0;
};

class EndpointAnswerer final : public Answerer {
 public:
  explicit EndpointAnswerer(std::unique_ptr<PredictionClient> client)
      : client_(std::move(client)) {}
  Result<wire::PredictReply> predict(wire::PredictRequest& request) override {
    return client_->predict(request);
  }

 private:
  std::unique_ptr<PredictionClient> client_;
};

class LocalAnswerer final : public Answerer {
 public:
  explicit LocalAnswerer(std::shared_ptr<const ModelCatalog> catalog)
      : catalog_(std::move(catalog)), engine_(kRowsPerRequest) {}
  Result<wire::PredictReply> predict(wire::PredictRequest& request) override {
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    auto reply = engine_.answer(*catalog_, request, now, stats_);
    if (reply.error) return wire::to_status(*reply.error);
    return reply;
  }

 private:
  std::shared_ptr<const ModelCatalog> catalog_;
  PredictionEngine engine_;
  ServingStats stats_;
};

// Collects rows, asks for them together and prints what comes back.
class Session {
 public:
  Session(const PredictVerb& options, Answerer& answerer, Output& output)
      : options_(options), answerer_(answerer), output_(output) {}

  void add_named(std::vector<std::pair<std::string, std::string>> row) {
    named_.push_back(std::move(row));
  }
  void add_ordered(std::vector<std::string> row) { ordered_.push_back(std::move(row)); }
  std::size_t pending() const { return named_.size() + ordered_.size(); }

  Status flush() {
    if (pending() == 0) return {};
    wire::PredictRequest request;
    request.model = options_.model;
    if (!options_.version.empty()) set_version(request);
    request.probabilities = options_.probabilities;
    request.form = named_.empty() ? wire::RowForm::ordered : wire::RowForm::named;
    for (const auto& row : named_) {
      for (const auto& [name, text] : row) request.add_text(name, text);
      request.end_row();
    }
    for (const auto& row : ordered_) {
      for (const auto& text : row) request.add_text("", text);
      request.end_row();
    }
    auto reply = answerer_.predict(request);
    if (!reply.is_ok())
      return asked_ == 0 ? reply.status()
                         : reply.status().with_context(
                               fmt::format("rows {} to {}", asked_ + 1, asked_ + pending()));
    print(reply.value());
    asked_ += pending();
    named_.clear();
    ordered_.clear();
    return {};
  }

 private:
  void set_version(wire::PredictRequest& request) const {
    std::string_view text = options_.version;
    if (text.size() > 1 && text[0] == 'v') text.remove_prefix(1);
    if (text.find_first_not_of("0123456789") == std::string_view::npos && text.size() < 19)
      request.version = std::stoull(std::string(text));
    else
      request.alias = options_.version;
  }

  void print(const wire::PredictReply& reply) {
    if (asked_ == 0)
      output_.note(fmt::format("model {} v{}, cut {}, learned {} records", reply.model,
                               reply.version, reply.cut, grouped(reply.records)));
    if (!output_.is_table()) return print_documents(reply);
    std::vector<std::vector<std::string>> rows;
    rows.push_back({"row", "prediction"});
    const bool has_label = !reply.predictions.empty() && !reply.predictions[0].label.empty();
    if (has_label) rows[0].push_back("probability");
    if (options_.probabilities)
      for (const auto& name : reply.classes) rows[0].push_back("p(" + name + ")");
    rows[0].push_back("remarks");
    for (std::size_t i = 0; i < reply.predictions.size(); ++i)
      rows.push_back(cells(reply.predictions[i], i));
    output_.print(aligned(rows));
  }

  std::vector<std::string> cells(const wire::Prediction& prediction, std::size_t position) const {
    std::vector<std::string> row = {std::to_string(asked_ + position + 1)};
    if (prediction.label.empty()) {
      row.push_back(fmt::format("{:.9g}", prediction.value));
    } else {
      row.push_back(prediction.label);
      row.push_back(fmt::format("{:.6f}", prediction.value));
    }
    for (const auto probability : prediction.probabilities)
      row.push_back(fmt::format("{:.6f}", probability));
    std::string remarks;
    for (const auto& name : prediction.missing)
      remarks += (remarks.empty() ? "missing: " : ", ") + name;
    for (const auto& name : prediction.unknown)
      remarks += (remarks.empty() ? "" : "; ") + ("never seen: " + name);
    row.push_back(remarks);
    return row;
  }

  void print_documents(const wire::PredictReply& reply) {
    for (std::size_t i = 0; i < reply.predictions.size(); ++i) {
      const auto& prediction = reply.predictions[i];
      nlohmann::ordered_json document = {{"schema_version", 1}, {"row", asked_ + i + 1}};
      if (prediction.label.empty()) {
        document["value"] = prediction.value;
      } else {
        document["label"] = prediction.label;
        document["probability"] = prediction.value;
      }
      for (std::size_t c = 0; c < prediction.probabilities.size() && c < reply.classes.size(); ++c)
        document["probabilities"][reply.classes[c]] = prediction.probabilities[c];
      document["missing"] = prediction.missing;
      document["unknown"] = prediction.unknown;
      document["model"] = {{"name", reply.model},
                           {"version", reply.version},
                           {"cut", reply.cut},
                           {"records", reply.records},
                           {"age_ms", reply.age_ms}};
      if (output_.format() == OutputFormat::yaml) output_.print("---\n");
      output_.print_document(document);
    }
  }

  const PredictVerb& options_;
  Answerer& answerer_;
  Output& output_;
  std::vector<std::vector<std::pair<std::string, std::string>>> named_;
  std::vector<std::vector<std::string>> ordered_;
  std::size_t asked_ = 0;
};

Result<std::unique_ptr<Answerer>> connect(const PredictVerb& options) {
  MILLRACE_ASSIGN(const auto endpoint, net::Endpoint::parse(options.endpoint));
  PredictionClientOptions client_options;
  client_options.endpoint = endpoint;
  if (!options.keys.empty()) {
    MILLRACE_ASSIGN(client_options.keys,
                    security::load_client_keys(options.keys, security::NodeRole::worker));
  }
  MILLRACE_ASSIGN(auto client, PredictionClient::connect(client_options));
  return std::unique_ptr<Answerer>(std::make_unique<EndpointAnswerer>(std::move(client)));
}

Result<std::unique_ptr<Answerer>> load(PredictVerb& options, Output& output) {
  const auto state = state_folder(options.state);
  MILLRACE_ASSIGN(const auto stored, find_stored_models(state, options.model));
  MILLRACE_ASSIGN(const auto registry, ModelRegistry::open_existing(stored.front().folder));
  MILLRACE_ASSIGN(const auto model, registry.load(options.version));
  output.note(
      fmt::format("no --endpoint: {} is loaded into this process from {}", options.model, state));
  // The one version in the catalog is the one that the reference meant.
  options.version.clear();
  MILLRACE_ASSIGN(auto catalog, ModelCatalog().with_version(model, 1));
  return std::unique_ptr<Answerer>(std::make_unique<LocalAnswerer>(std::move(catalog)));
}

Status predict_rows(const PredictVerb& options, Session& session) {
  for (const auto& text : options.rows) {
    MILLRACE_ASSIGN(auto row, parse_row(text));
    session.add_named(std::move(row));
    if (session.pending() == kRowsPerRequest) MILLRACE_TRY(session.flush());
  }
  return session.flush();
}

Status predict_file(const PredictVerb& options, Session& session) {
  MILLRACE_ASSIGN(auto reader, LineReader::open(options.file));
  std::vector<std::string> names;
  std::size_t line_number = 0;
  for (;;) {
    std::string_view line;
    MILLRACE_ASSIGN(const auto next, reader.next(line));
    if (next == LineReader::Next::end) return session.flush();
    if (next == LineReader::Next::would_wait) {
      // Whoever writes a pipe line by line gets each answer before the next line is waited for.
      MILLRACE_TRY(session.flush());
      MILLRACE_TRY(reader.wait());
      continue;
    }
    ++line_number;
    if (line.empty()) continue;
    const auto where = fmt::format("{}:{}", options.file, line_number);
    auto fields = split_csv_line(line);
    if (!fields.is_ok()) return fields.status().with_context(where);
    if (options.has_header && names.empty()) {
      names = std::move(fields).value();
      continue;
    }
    if (!options.has_header) {
      session.add_ordered(std::move(fields).value());
    } else {
      if (fields.value().size() != names.size())
        return {Code::invalid_argument,
                fmt::format("{}: {} fields where the header names {}", where, fields.value().size(),
                            names.size()),
                "if the file has no header, say --no-header and give the fields in schema order"};
      std::vector<std::pair<std::string, std::string>> row;
      for (std::size_t i = 0; i < names.size(); ++i)
        row.emplace_back(names[i], std::move(fields.value()[i]));
      session.add_named(std::move(row));
    }
    if (session.pending() == kRowsPerRequest) MILLRACE_TRY(session.flush());
  }
}

}  // namespace

int verb_predict(const PredictVerb& given, Output& output) {
  PredictVerb options = given;
  if (const auto at = options.model.rfind('@');
      at != std::string::npos && options.version.empty()) {
    options.version = options.model.substr(at + 1);
    options.model.resize(at);
  }
  if (options.rows.empty() == options.file.empty())
    return output.fail(
        {Code::invalid_argument, "what is to be predicted?",
         "give either --row field=value,... or --file rows.csv (or - for standard input)"});
  if (!options.keys.empty() && options.endpoint.empty())
    return output.fail({Code::invalid_argument,
                        "--keys are for a server, and no --endpoint is named",
                        "name the endpoint that asks for them, or leave --keys out"});
  auto answerer = options.endpoint.empty() ? load(options, output) : connect(options);
  if (!answerer.is_ok()) return output.fail(answerer.status());
  Session session(options, *answerer.value(), output);
  const auto status =
      options.file.empty() ? predict_rows(options, session) : predict_file(options, session);
  return status.is_ok() ? kExitDone : output.fail(status);
}

}  // namespace millrace::cli
