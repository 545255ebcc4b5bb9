// Categories and classes that no split sees in the order of another, while the job is rescaled and
// answers predictions: what a place in the dictionary means, what was counted, and the bits of
// every answer.
#include <fstream>
#include <set>
#include <thread>

#include "common/base/random.hpp"
#include "coordinator/registry/model_registry.hpp"
#include "tests/integration/cluster/cluster.hpp"
#include "worker/serving/prediction_client.hpp"
#include "worker/serving/prediction_engine.hpp"

namespace millrace {
namespace {

using RunState = control::JobState;

constexpr std::uint32_t kFiles = 6;
constexpr std::uint64_t kRowsPerFile = 8'000;
constexpr std::uint32_t kCities = 12, kClasses = 6;
constexpr std::size_t kRowsMax = 64;  // of a request

std::string city(std::uint32_t id) {
  return "city" + std::to_string(id);
}
// All that the label depends on.
std::string class_of(std::uint32_t id) {
  return "class" + std::to_string(id * 5 % kClasses);
}

// The head of the stream, from which the schema is inferred, knows four cities and their classes.
// Every later file brings the others in an order of its own, a new one every 500 rows.
std::map<std::string, std::uint64_t> write_files(const std::filesystem::path& folder) {
  std::map<std::string, std::uint64_t> rows_of_class;
  for (std::uint32_t file = 0; file < kFiles; ++file) {
    RandomStream random(7, file);
    std::ofstream out(folder / ("part-" + std::to_string(file) + ".csv"));
    out << "size,city,label\n";
    for (std::uint64_t row = 0; row < kRowsPerFile; ++row) {
      const std::uint64_t known = std::min<std::uint64_t>(kCities, 1 + row / 500);
      const auto place = static_cast<std::uint32_t>(random.below(known));
      const std::uint32_t id = file < 2 ? place % 4 : (file * 2 + place * 5) % kCities;
      out << random.uniform() << ',' << city(id) << ',' << class_of(id) << '\n';
      ++rows_of_class[class_of(id)];
    }
  }
  return rows_of_class;
}

control::Submit submission(const std::filesystem::path& folder) {
  control::Submit submit;
  submit.file_name = "disjoint.yaml";
  submit.yaml = "version: 1\nname: disjoint\nsource: {kind: file, path: \"" +
                (folder / "part-*.csv").string() +
                "\", splits: 6, max_records_per_second: 8000}\n"
                "schema: {label: label, max_classes: 8}\nparallelism: 2\n"
                "preprocess: [impute: {}, standardize: {}, one_hot: {max_categories: 16}]\n"
                "model: {kind: softmax}\ncheckpoint: {interval: 200ms, retain: 2}\nseed: 5\n";
  return submit;
}

struct Row {
  double size = 0.0;
  std::uint32_t city = 0;
};

wire::PredictRequest request_of(std::span<const Row> rows) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (std::uint32_t i = 0; i < kCities; ++i) all.push_back(city(i));
    return all;
  }();
  wire::PredictRequest request;
  request.model = "disjoint";
  request.probabilities = true;
  for (const Row& row : rows) {
    request.add_number("size", row.size);
    request.add_text("city", names[row.city]);
    request.end_row();
  }
  return request;
}

std::vector<Row> draw_rows(RandomStream& random) {
  std::vector<Row> rows(1 + random.below(kRowsMax));
  for (Row& row : rows) {
    row = {random.uniform(), static_cast<std::uint32_t>(random.below(kCities))};
  }
  return rows;
}

// Asks without pause, and compares each answer with the version alone in memory, row by row.
class Load {
 public:
  Load(const PredictionServer& server, std::filesystem::path models, std::uint64_t key)
      : random_(11, key), models_(std::move(models)) {
    auto client =
        PredictionClient::connect({.endpoint = net::Endpoint::parse(server.endpoint()).value()});
    BOOST_REQUIRE_MESSAGE(client.is_ok(), client.status().message());
    client_ = std::move(client).value();
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) ask();
    });
  }
  void stop() {
    thread_.request_stop();
    thread_.join();
  }
  std::uint64_t compared() const { return compared_; }
  std::uint64_t different() const { return different_; }
  std::size_t versions() const { return alone_.size(); }
  std::uint64_t steps_back() const { return steps_back_; }

 private:
  void ask() {
    const auto rows = draw_rows(random_);
    auto request = request_of(rows);
    request.min_revision = revision_;
    const auto reply = client_->predict(request);
    if (!reply.is_ok()) {  // nothing is served yet
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return;
    }
    steps_back_ += reply.value().alias_revision < revision_ ? 1 : 0;
    revision_ = reply.value().alias_revision;
    compare(rows, reply.value());
  }

  void compare(const std::vector<Row>& rows, const wire::PredictReply& reply) {
    const ModelCatalog* catalog = alone(VersionId(reply.version));
    if (catalog == nullptr) return;
    PredictionEngine engine(1);
    ServingStats stats;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto single = engine.answer(*catalog, request_of({&rows[i], 1}), WallTime{}, stats);
      const bool is_same =
          !single.error && reply.predictions.size() == rows.size() &&
          single.classes == reply.classes &&
          single.predictions[0].label == reply.predictions[i].label &&
          single.predictions[0].probabilities == reply.predictions[i].probabilities;
      different_ += is_same ? 0 : 1;
      ++compared_;
    }
  }

  // Null where the registry has deleted the version meanwhile.
  const ModelCatalog* alone(VersionId version) {
    const auto known = alone_.find(version);
    if (known != alone_.end()) return known->second.get();
    const auto registry = ModelRegistry::open_existing(models_);
    if (!registry.is_ok()) return nullptr;
    const auto model = registry.value().load(version);
    if (!model.is_ok()) return nullptr;
    const auto catalog = ModelCatalog().with_version(model.value(), 1);
    return catalog.is_ok() ? (alone_[version] = catalog.value()).get() : nullptr;
  }

  RandomStream random_;
  std::filesystem::path models_;
  std::unique_ptr<PredictionClient> client_;
  std::map<VersionId, std::shared_ptr<const ModelCatalog>> alone_;
  std::uint64_t revision_ = 0, steps_back_ = 0, compared_ = 0, different_ = 0;
  std::jthread thread_;
};

void rescale(test::CoordinatorNode& coordinator, std::uint32_t parallelism) {
  const auto asked =
      coordinator.ask_for<control::Operation>(control::RescaleJob{"disjoint", parallelism});
  const auto done = coordinator.wait_for_operation(asked.id);
  BOOST_REQUIRE_MESSAGE(done.state == control::OperationState::succeeded,
                        (done.error ? done.error->message : done.result)
                            << "\n"
                            << coordinator.events("disjoint"));
}

// By name, since the ids are given in the order in which the replicas happened to ask for them.
void check_counts(const control::JobStatus& status,
                  const std::map<std::string, std::uint64_t>& rows_of_class) {
  BOOST_TEST(status.records == kFiles * kRowsPerFile);
  BOOST_TEST(status.quarantined == 0u);
  const auto& classes = status.classes;
  BOOST_TEST(std::set<std::string>(classes.begin(), classes.end()).size() == kClasses);
  BOOST_REQUIRE_EQUAL(classes.size(), kClasses);
  const auto& matrix = status.evaluation.prequential.confusion_matrix;
  BOOST_REQUIRE_EQUAL(matrix.size(), kClasses);
  for (std::uint32_t id = 0; id < kClasses; ++id) {
    std::uint64_t rows = 0;
    for (const auto count : matrix[id]) rows += count;
    BOOST_TEST(rows == rows_of_class.at(classes[id]), classes[id]);
  }
}

void check_meanings(const PredictionServer& server, std::uint64_t version) {
  const auto client =
      PredictionClient::connect({.endpoint = net::Endpoint::parse(server.endpoint()).value()});
  BOOST_REQUIRE(client.is_ok());
  std::vector<Row> rows;
  for (std::uint32_t id = 0; id < kCities; ++id) rows.push_back({0.5, id});
  const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    auto request = request_of(rows);
    const auto reply = client.value()->predict(request);
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
    if (reply.value().version != version) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    for (std::uint32_t id = 0; id < kCities; ++id) {
      const auto& answer = reply.value().predictions[id];
      BOOST_TEST(answer.label == class_of(id), city(id));
      BOOST_TEST(answer.unknown.empty(), city(id));
    }
    return;
  }
  BOOST_TEST(false, "the last version is not served");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_cluster)

BOOST_AUTO_TEST_CASE(places_of_the_dictionary_mean_the_same_to_splits_that_never_met) {
  const test::TemporaryFolder folder;
  const auto rows_of_class = write_files(folder.path());
  const auto port = test::free_port();
  test::CoordinatorNode coordinator(folder.path(), port);
  const test::HostNode a(folder.path(), port, {.name = "a", .slots = 2, .is_answering = true});
  const test::HostNode b(folder.path(), port, {.name = "b", .slots = 2, .is_answering = true});
  coordinator.wait_for_workers(2);
  coordinator.ask_for<control::Submitted>(submission(folder.path()));
  const auto models = registry_folder(folder.path() / "state", "disjoint");
  Load first(*a.server(), models, 1), second(*b.server(), models, 2);
  coordinator.wait_for("disjoint", [](const auto& status) {
    return status.state == RunState::running && status.last_checkpoint >= 1;
  });
  rescale(coordinator, 4);
  coordinator.wait_for(
      "disjoint", [](const auto& status) { return status.records > kFiles * kRowsPerFile / 2; });
  rescale(coordinator, 3);
  const auto status = coordinator.wait_for_state("disjoint", RunState::finished);
  check_counts(status, rows_of_class);
  check_meanings(*a.server(), status.version);
  check_meanings(*b.server(), status.version);
  for (Load* load : {&first, &second}) {
    load->stop();
    BOOST_TEST(load->compared() > 0u);
    BOOST_TEST(load->versions() > 1u);
    BOOST_TEST(load->different() == 0u);
    BOOST_TEST(load->steps_back() == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
