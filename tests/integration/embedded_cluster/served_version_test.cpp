// What is served is what was trained: answers of the endpoint beside the trainer's own pipeline and
// model, both with the parameters that the checkpoint holds.
#include <cstring>

#include "common/actors/job_package.hpp"
#include "common/ml/shard_state.hpp"
#include "common/net/endpoint.hpp"
#include "common/store/checkpoint_reader.hpp"
#include "common/store/state_db.hpp"
#include "coordinator/cli/embedded_server.hpp"
#include "coordinator/cli/stored_cut.hpp"
#include "tests/integration/embedded_cluster/embedded.hpp"
#include "worker/serving/prediction_client.hpp"
#include "worker/sources/record_source.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace {
namespace {

constexpr std::size_t kRows = 10'000;

struct Row {
  std::string size, colour;
  std::string label;
};

// A number that is missing now and then, a category, and a label that depends on both.
std::vector<Row> make_rows() {
  std::vector<Row> rows;
  std::uint64_t state = 88'172'645'463'325'252u;
  for (std::size_t i = 0; i < kRows; ++i) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    const double size = static_cast<double>(state % 10'007) / 1'000.0;
    const auto colour = (state >> 20) % 5;
    const bool is_one = size + (colour == 2 ? 3.0 : 0.0) > 5.5;
    rows.push_back({state % 41 == 0 ? "" : std::to_string(size), "c" + std::to_string(colour),
                    is_one ? "yes" : "no"});
  }
  return rows;
}

std::string as_csv(const std::vector<Row>& rows) {
  std::string text = "size,colour,label\n";
  for (const auto& row : rows) text += row.size + "," + row.colour + "," + row.label + "\n";
  return text;
}

template <typename T>
T require(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result.is_ok(), result.status().message());
  return std::move(result).value();
}

struct StoredParameters {
  JobPackage package;
  std::vector<ShardState> shards;
};

StoredParameters read_checkpoint(const std::filesystem::path& job_folder,
                                 const std::filesystem::path& scratch) {
  const auto store =
      require(open_checkpoint_store("file://" + (job_folder / "checkpoints").string()));
  StoredParameters stored{require(JobPackage::decode(require(store->get("job/package")))), {}};
  std::vector<CutRef> complete;
  const LogState log = require(read_log_state(*store));
  for (const auto& [cut, attempt] : log.complete()) {
    complete.push_back({cut, attempt});
  }
  const Manifest manifest = require(choose_restore_point(*store, complete)).manifest;
  stored.shards.resize(stored.package.shards);
  for (const auto& part : manifest.parts) {
    const auto folder = (scratch / std::to_string(part.worker.value)).string();
    const auto db = require(StateDb::open_restored(part, *store, folder));
    for (const auto& key : require(db->list(manifest.cut, "shard/"))) {
      ShardState state = require(ShardState::decode(require(db->get(manifest.cut, key))));
      stored.shards[state.shard] = std::move(state);
    }
  }
  return stored;
}

// The probability of class 1 for each record of the stream, as a trainer would find it.
std::vector<float> predict_as_trainer(const StoredParameters& stored) {
  const auto& package = stored.package;
  const auto setup = require(make_training_setup(package.spec, package.schema, package.shards));
  AlignedVector<float> theta(setup->model->parameters().total());
  for (const auto& shard : stored.shards) {
    BOOST_REQUIRE(paste_shard(setup->shards, shard.shard, shard.parameters.theta, theta).is_ok());
  }
  Pipeline pipeline = setup->compile_pipeline();
  pipeline.adopt(stored.shards[0].statistics, {});
  const Dictionary& dictionary = *stored.shards[0].dictionary;

  ByteReader plan(package.split_plan);
  MicroBatch batch(32, setup->features.dense, setup->schema.categorical_count());
  Workspace workspace;
  std::vector<float> all;
  for (const auto& split : require(decode_splits(plan))) {
    const auto source =
        require(open_record_source(package.spec.source, package.schema, split, split.begin, 0));
    FillState filled = FillState::again;
    while (filled != FillState::end_of_split) {
      filled = require(source->fill(batch, dictionary)).state;
      if (filled == FillState::again) {
        (void)source->wait(std::chrono::milliseconds(100));
        continue;
      }
      pipeline.transform(batch, dictionary);
      batch.active_classes = dictionary.size(kLabelField);
      std::vector<float> predictions(batch.rows);
      setup->model->predict(batch, theta, workspace, predictions);
      all.insert(all.end(), predictions.begin(), predictions.end());
      batch.rows = 0;
    }
  }
  return all;
}

std::vector<float> predict_over_endpoint(const std::filesystem::path& models,
                                         const std::vector<Row>& rows) {
  const auto server = require(EmbeddedServer::start(models));
  const auto client = require(
      PredictionClient::connect({.endpoint = require(net::Endpoint::parse(server->endpoint()))}));
  std::vector<float> all;
  wire::PredictRequest request;
  request.probabilities = true;
  for (std::size_t begin = 0; begin < rows.size(); begin += 250) {
    request.clear();
    request.probabilities = true;
    for (std::size_t i = begin; i < std::min(rows.size(), begin + 250); ++i) {
      if (rows[i].size.empty()) {
        request.add_missing("size");
      } else {
        request.add_text("size", rows[i].size);
      }
      request.add_text("colour", rows[i].colour);
      request.end_row();
    }
    for (const auto& answer : require(client->predict(request)).predictions) {
      all.push_back(static_cast<float>(answer.probabilities.at(1)));
    }
  }
  return all;
}

void check_model(const std::string& model) {
  BOOST_TEST_CONTEXT(model) {
    const test::TemporaryFolder folder;
    const auto rows = make_rows();
    const auto data = folder.write("rows.csv", as_csv(rows));
    RunOptions options;
    options.state_folder = (folder.path() / "state").string();
    const auto summary = test::run(
        "version: 1\nname: served\nsource: {kind: file, path: " + data +
            "}\nschema: {label: label, classes: [no, yes]}\nparallelism: 2\nmodel: " + model + "\n",
        options);
    BOOST_TEST(summary.records == kRows);
    const auto job_folder = folder.path() / "state" / "served";
    const auto trained = predict_as_trainer(read_checkpoint(job_folder, folder.path() / "scratch"));
    const auto served = predict_over_endpoint(job_folder / "models", rows);
    BOOST_REQUIRE_EQUAL(trained.size(), kRows);
    BOOST_REQUIRE_EQUAL(served.size(), kRows);
    BOOST_TEST(std::memcmp(trained.data(), served.data(), kRows * sizeof(float)) == 0);
  }
}

BOOST_AUTO_TEST_SUITE(integration_embedded_cluster)

BOOST_AUTO_TEST_CASE(ten_thousand_answers_equal_the_trainers_own_bit_for_bit) {
  check_model("{kind: logistic}");
  check_model("{kind: mlp, layers: [32, 16], dropout: [0.1, 0.1]}");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
