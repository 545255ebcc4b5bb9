// Speed of the prediction endpoint on loopback: latency of one row, rows per second with many under
// way.
//
// A client thread and the server share the machine, as they would on a laptop. Prints figures;
// asserts none.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "common/base/random.hpp"
#include "worker/serving/prediction_client.hpp"
#include "worker/serving/prediction_engine.hpp"
#include "worker/serving/prediction_server.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kFeatures = 8;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Schema bench_schema() {
  Schema schema;
  schema.task = Task::binary;
  schema.classes = {"DOWN", "UP"};
  schema.max_classes = 2;
  for (std::uint32_t i = 0; i < kFeatures; ++i) {
    schema.fields.push_back({.name = "x" + std::to_string(i),
                             .role = FieldRole::numeric,
                             .index = i,
                             .pivot = 0.0,
                             .evidence = ""});
  }
  schema.fields.push_back(
      {.name = "y", .role = FieldRole::label, .index = 0, .pivot = 0.0, .evidence = ""});
  return schema;
}

std::shared_ptr<const PublishedModel> bench_model(ModelSpec spec) {
  PublishedModelParts parts;
  parts.schema = bench_schema();
  parts.transforms = {{.kind = TransformKind::impute, .fields = {}},
                      {.kind = TransformKind::standardize, .fields = {}}};
  parts.model = std::move(spec);
  const auto pipeline = Pipeline::compile(parts.transforms, parts.schema);
  parts.dictionary = Dictionary(parts.schema, pipeline.value().dictionary_capacity());
  parts.statistics = pipeline.value().statistics();
  const auto model = make_model(parts.model, {.features = pipeline.value().layout()});
  parts.theta.resize(model.value()->parameters().total());
  model.value()->initialise(parts.theta, 1);
  parts.lineage.job = "bench";
  parts.lineage.version = VersionId(1);
  return PublishedModel::make(std::move(parts)).value();
}

struct Bench {
  PredictionServer& server;
  PredictionClient& client;
  const char* model;

  void add_row(wire::PredictRequest& request) {
    static const std::string kNames[kFeatures] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"};
    for (const auto& name : kNames) request.add_number(name, random.uniform());
    request.end_row();
  }

  void latency(int requests) {
    std::vector<double> times;
    for (int i = 0; i < requests; ++i) {
      wire::PredictRequest request;
      add_row(request);
      const auto start = Clock::now();
      MILLRACE_CHECK(client.predict(request).is_ok());
      times.push_back(seconds_since(start) * 1e6);
    }
    std::ranges::sort(times);
    fmt::print("{}: one row, one under way: p50 {:.0f} us, p99 {:.0f} us\n", model,
               times[times.size() / 2], times[times.size() * 99 / 100]);
  }

  void throughput(int requests, int under_way, int rows) {
    const auto before = server.stats();
    const auto start = Clock::now();
    const auto cpu_start = std::clock();
    for (int sent = 0, answered = 0; answered < requests;) {
      for (; sent < requests && sent - answered < under_way; ++sent) {
        wire::PredictRequest request;
        for (int row = 0; row < rows; ++row) add_row(request);
        MILLRACE_CHECK(client.send(request).is_ok());
      }
      const auto reply = client.receive();
      MILLRACE_CHECK(reply.is_ok() && !reply.value().error);
      ++answered;
    }
    const double wall = seconds_since(start);
    const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
    const double total = static_cast<double>(requests) * rows;
    const auto batches = server.stats().batches - before.batches;
    fmt::print(
        "{}: {} rows a request, {} under way: {:.0f} rows/s; per CPU-second of client and server "
        "{:.0f}; "
        "mean batch {:.1f}\n",
        model, rows, under_way, total / wall, total / cpu,
        total / static_cast<double>(std::max<std::uint64_t>(batches, 1)));
  }

  void bulk(int requests, int rows) {
    std::vector<float> values(static_cast<std::size_t>(rows) * kFeatures);
    for (auto& value : values) value = static_cast<float>(random.uniform());
    wire::PredictRequest request;
    request.form = wire::RowForm::numeric;
    request.numeric_columns = kFeatures;
    request.numeric_values = std::as_bytes(std::span(values));
    const auto start = Clock::now();
    for (int i = 0; i < requests; ++i) MILLRACE_CHECK(client.predict(request).is_ok());
    fmt::print("{}: {} numeric rows a request: {:.0f} rows/s\n", model, rows,
               static_cast<double>(requests) * rows / seconds_since(start));
  }

  RandomStream random{1};
};

// The engine alone: what the server's thread does between two system calls.
void engine_only(const std::shared_ptr<const PublishedModel>& model, const char* name) {
  const auto catalog = ModelCatalog().with_version(model, 1).value();
  PredictionEngine engine(1'024);
  ServingStats stats;
  wire::PredictRequest request;
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < kFeatures; ++i) names.push_back(fmt::format("x{}", i));
  for (const auto& field : names) request.add_number(field, 0.5);
  request.end_row();
  const Bytes frame = wire::encode(request).value();
  const std::vector<ArrivedFrame> frames(64, ArrivedFrame{frame, {}});
  constexpr int kRounds = 3'000;
  const auto start = Clock::now();
  for (int round = 0; round < kRounds; ++round)
    MILLRACE_CHECK(engine.answer(*catalog, frames, {}, stats).size() == 64);
  fmt::print("{}: engine alone, 64 single-row frames a round: {:.0f} rows/s\n", name,
             kRounds * 64 / seconds_since(start));
}

void run(ModelSpec spec, const char* name) {
  const auto model = bench_model(std::move(spec));
  engine_only(model, name);
  auto server = PredictionServer::start({});
  MILLRACE_CHECK(server.is_ok());
  MILLRACE_CHECK(server.value()->publish(model).is_ok());
  auto client = PredictionClient::connect(
      {.endpoint = net::Endpoint::parse(server.value()->endpoint()).value()});
  MILLRACE_CHECK(client.is_ok());
  Bench bench{*server.value(), *client.value(), name};
  bench.latency(5'000);
  bench.throughput(200'000, 64, 1);
  bench.throughput(2'000, 4, 256);
  bench.bulk(300, 4'096);
}

}  // namespace
}  // namespace millrace

int main() {
  millrace::run({.kind = millrace::ModelKind::logistic, .layers = {}, .dropout = {}},
                "logistic, 8 features");
  millrace::run({.kind = millrace::ModelKind::mlp, .layers = {128, 256, 128}, .dropout = {}},
                "mlp 128-256-128, 8 features");
}
