// Every way of merging, over both ports to a shard: a call under a lock, and messages.
#include "tests/integration/embedded_cluster/embedded.hpp"

namespace millrace {
namespace {

constexpr std::uint64_t kRecords = 60'000;

std::string job(const std::string& mode, const std::string& model) {
  return "version: 1\nname: modes\nsource: {kind: generator, generator: {name: sea, records: " +
         std::to_string(kRecords) + "}}\nschema: {label: label}\nparallelism: 3\nmodel: " + model +
         "\nmerge: {mode: " + mode + "}\ncheckpoint: {interval: 50ms, retain: 2}\nseed: 5\n";
}

void check_mode(const std::string& mode, const std::string& model, bool by_message) {
  BOOST_TEST_CONTEXT(mode << ", " << model << (by_message ? ", by message" : ", in memory")) {
    const test::TemporaryFolder folder;
    RunOptions options;
    options.state_folder = folder.path().string();
    options.workers = 2;
    options.by_message = by_message;
    const RunSummary summary = test::run(job(mode, model), options);
    BOOST_TEST(summary.state == "finished");
    BOOST_TEST(summary.records == kRecords);
    BOOST_TEST(test::counted(summary.evaluation) == kRecords);
    BOOST_TEST(*summary.evaluation.prequential.accuracy > 0.8);
    BOOST_TEST(*summary.evaluation.prequential.log_loss < 0.5);
  }
}

BOOST_AUTO_TEST_SUITE(integration_embedded_cluster)

BOOST_AUTO_TEST_CASE(every_mode_learns_and_counts_each_record_once) {
  for (const char* mode :
       {"async_gradient", "async_average", "async_sum", "elastic", "synchronous"}) {
    for (const bool by_message : {false, true}) {
      check_mode(mode, "{kind: logistic}", by_message);
      check_mode(mode, "{kind: mlp, layers: [16]}", by_message);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
