#include "coordinator/cli/summary.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

RunSummary classification() {
  RunSummary summary;
  summary.job = "electricity";
  summary.state = "finished";
  summary.read = 45314;
  summary.records = 45312;
  summary.quarantined = 2;
  summary.seconds = 0.125;
  summary.records_per_second = 362496;
  summary.classes = {"0", "1"};
  summary.task = Task::binary;
  auto& metrics = summary.evaluation.prequential;
  metrics.records = 45312;
  metrics.accuracy = 0.9012;
  metrics.log_loss = 0.2646;
  metrics.confusion_matrix = {{20000, 6075}, {5000, 14237}};
  summary.evaluation.window.records = 1000;
  summary.evaluation.window.accuracy = 0.95;
  summary.evaluation.baselines.last_label_accuracy = 0.853;
  summary.evaluation.baselines.majority_accuracy = 0.5755;
  summary.evaluation.baselines.warnings = {"a baseline wins"};
  summary.model = {.name = "electricity",
                   .kind = "logistic",
                   .version = 3,
                   .parameters = 7,
                   .digest = "0123456789abcdef0123"};
  summary.checkpoints = {.completed = 2, .last_id = 5, .last_seconds = 0.01, .last_bytes = 2048};
  summary.workers = 2;
  summary.parallelism = 2;
  summary.splits.resize(1);
  summary.splits[0].id = 4;
  summary.splits[0].path = "data/elec.csv";
  summary.splits[0].offset = 99;
  summary.warnings = {"look here"};
  return summary;
}

// Four entries, one more than the table shows; the first two hold what could steer a terminal.
std::vector<QuarantinedRecord> broken_records() {
  return {{"data/elec.csv", 120, "pri\x1b[1mce", "'\x1b[2J\x7f' is not a number",
           "1,\x1b[2J\x7f,0\r\n"},
          {"data/elec.csv", 240, "", "3 fields instead of 9", "a\tb"},
          {"data/elec.csv", 360, "day", "third", "the third"},
          {"data/elec.csv", 480, "day", "fourth", "the fourth"}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_cli_summary)

BOOST_AUTO_TEST_CASE(the_document_has_the_published_keys) {
  const auto document = summary_json(classification());
  BOOST_TEST(document["schema_version"] == 1);
  BOOST_TEST(document["records"] == 45312);
  BOOST_TEST(document["quarantined"] == 2);
  BOOST_TEST(document["skipped"] == 0);
  BOOST_TEST(document["label_delay"] == 0);
  BOOST_TEST(document["metrics"]["prequential"]["accuracy"] == 0.9012);
  BOOST_TEST(document["metrics"]["prequential"]["log_loss"] == 0.2646);
  BOOST_TEST(document["metrics"]["prequential"]["confusion_matrix"][1][0] == 5000);
  BOOST_TEST(document["metrics"]["window"]["accuracy"] == 0.95);
  BOOST_TEST(document["metrics"]["baselines"]["last_label"]["accuracy"] == 0.853);
  BOOST_TEST(document["metrics"]["baselines"]["majority"]["accuracy"] == 0.5755);
  BOOST_TEST(!document["metrics"]["prequential"].contains("mae"));
  BOOST_TEST(document["model"]["digest"] == "0123456789abcdef0123");
  BOOST_TEST(document["checkpoints"]["completed"] == 2);
  BOOST_TEST(document["splits"][0]["offset"] == 99);
  BOOST_TEST(document["warnings"] == nlohmann::ordered_json({"look here", "a baseline wins"}));
}

BOOST_AUTO_TEST_CASE(a_regression_document_has_errors_instead_of_accuracies) {
  RunSummary summary;
  summary.task = Task::regression;
  summary.evaluation.prequential.mae = 1.5;
  summary.evaluation.baselines.mean_mae = 2.5;
  summary.evaluation.baselines.last_label_mae = 3.5;
  const auto document = summary_json(summary);
  BOOST_TEST(document["metrics"]["prequential"]["mae"] == 1.5);
  BOOST_TEST(document["metrics"]["baselines"]["mean"]["mae"] == 2.5);
  BOOST_TEST(document["metrics"]["baselines"]["last_label"]["mae"] == 3.5);
  BOOST_TEST(!document["metrics"]["prequential"].contains("accuracy"));
}

BOOST_AUTO_TEST_CASE(the_table_shows_baselines_beside_the_model_and_ends_with_what_to_do) {
  const Output output;
  const auto text = summary_table(classification(), " --state /s", output);
  BOOST_TEST_CONTEXT(text) {
    for (const char* part :
         {"job electricity finished: 45,312 records in 0.125 s (362,496 records/s), 2 quarantined",
          "model, whole stream     0.9012    0.2646", "model, last 1,000", "baseline: last label",
          "baseline: majority", "14,237",
          "electricity v3, logistic, 7 parameters, digest 0123456789abcdef\n",
          "2 complete, the last is 5", "warning: look here", "warning: a baseline wins",
          "millrace predict electricity --file rows.csv --state /s"})
      BOOST_TEST_CONTEXT(part) BOOST_TEST(text.find(part) != std::string::npos);
    BOOST_TEST(text.find("auc") == std::string::npos);
    BOOST_TEST(text.find("\x1b") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(the_table_shows_the_first_broken_records_harmlessly) {
  auto summary = classification();
  summary.quarantined = 4;
  summary.quarantine = broken_records();
  summary.classes = {"n\x1b[5mo", "yes"};
  summary.warnings = {"field 'x\ny' looks odd"};
  const auto text = summary_table(summary, "", Output());
  BOOST_TEST_CONTEXT(text) {
    for (const char* part :
         {"quarantined: 4 records could not be decoded",
          "  data/elec.csv, offset 120, column pri [1mce: ' [2J ' is not a number\n"
          "    1, [2J ,0  \n"
          "  data/elec.csv, offset 240: 3 fields instead of 9\n"
          "    a b\n"
          "  data/elec.csv, offset 360, column day: third\n"
          "    the third\n"
          "  and more: `--output json` lists 4\n",
          "n [5mo", "warning: field 'x y' looks odd\n"})
      BOOST_TEST_CONTEXT(part) BOOST_TEST(text.find(part) != std::string::npos);
    BOOST_TEST(text.find("fourth") == std::string::npos);
    BOOST_TEST(text.find('\x1b') == std::string::npos);
    BOOST_TEST(text.find('\x7f') == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(one_broken_record_is_told_as_one) {
  auto summary = classification();
  summary.quarantined = 1;
  summary.quarantine = {broken_records().back()};
  const auto text = summary_table(summary, "", Output());
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(text.find("quarantined: 1 record could not be decoded") != std::string::npos);
    BOOST_TEST(text.find("and more") == std::string::npos);
  }
}

// Programs get the bytes as they were: JSON escapes what a terminal would obey.
BOOST_AUTO_TEST_CASE(the_document_lists_every_broken_record_that_is_kept) {
  auto summary = classification();
  summary.quarantine = broken_records();
  const auto listed = summary_json(summary)["quarantine"];
  BOOST_TEST_REQUIRE(listed.size() == 4u);
  BOOST_TEST(listed[0]["path"] == "data/elec.csv");
  BOOST_TEST(listed[0]["offset"] == 120);
  BOOST_TEST(listed[0]["column"] == "pri\x1b[1mce");
  BOOST_TEST(listed[0]["reason"] == "'\x1b[2J\x7f' is not a number");
  BOOST_TEST(listed[0]["record"] == "1,\x1b[2J\x7f,0\r\n");
  BOOST_TEST(listed[1]["column"] == "");
  BOOST_TEST(listed[3]["record"] == "the fourth");
  BOOST_TEST(summary_json(classification())["quarantine"].empty());
  BOOST_TEST(summary_json(classification())["quarantine"].is_array());
}

BOOST_AUTO_TEST_CASE(an_interrupted_run_is_told_how_to_go_on) {
  auto summary = classification();
  summary.state = "interrupted";
  BOOST_TEST(summary_table(summary, "", Output()).find("run the same command again") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
