#include "common/config/job_file.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace millrace;

namespace {

constexpr const char* kComplete = R"(version: 1
name: electricity
source:
  kind: file
  path: data/elec.csv
  format: csv
  missing: ["", NA, NaN, "null", "?"]
  max_records_per_second: 1000.5
  max_quarantined: 10
  splits: 4
  csv: {delimiter: ";", header: true, multiline: false}
schema:
  label: target
  task: binary
  classes: [0, 1]
  positive: 1
  max_classes: 2
  weight: importance
  exclude: [id]
  sensitive: [age]
  categorical: [day]
preprocess:
  - impute: {strategy: constant, value: -1.5, fields: [a, b]}
  - standardize
  - one_hot: {max_categories: 12}
  - hash: {bits: 10}
model: {kind: mlp, layers: [128, 64], dropout: [0.2, 0]}
optimizer: {kind: adam, learning_rate: 1e-3, intercept_learning_rate: 0.01, l2: 0.1, clip: 5, beta1: 0.8, beta2: 0.9, epsilon: 1e-6}
training: {mode: mini_batch, batch_size: 64, epochs_per_batch: 2}
merge: {mode: elastic, every: 4, max_staleness: 8, alpha: 0.25, learning_rate_scale: 2}
evaluation: {window: 500}
checkpoint: {interval: 200ms, retain: 5}
publish: {every: end, retain: 2}
parallelism: 2
seed: 18446744073709551615
)";

// The problems of a file, as "line key".
std::vector<std::string> found(const CheckedJob& job) {
  std::vector<std::string> all;
  for (const auto& problem : job.problems)
    all.push_back(std::to_string(problem.line) + " " + problem.key);
  return all;
}

CheckedJob check(const std::string& text) {
  return check_job(text, "job.yaml");
}

std::string with(const std::string& lines) {
  return "version: 1\nsource: {path: a.csv}\nschema: {label: y}\n" + lines;
}

void expect_one(const std::string& text, const std::string& place, const std::string& words) {
  const auto job = check(text);
  BOOST_TEST_CONTEXT(text << "\n" << job.status().message()) {
    BOOST_TEST(found(job) == std::vector<std::string>{place}, boost::test_tools::per_element());
    BOOST_TEST(job.status().message().find(words) != std::string::npos);
    BOOST_TEST((job.status().code() == Code::invalid_argument));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_config_job_file)

BOOST_AUTO_TEST_CASE(every_key_is_read_into_its_field) {
  const auto job = check(kComplete);
  BOOST_TEST_REQUIRE(job.is_valid(), job.status().message());
  const auto& spec = job.spec;
  BOOST_TEST(spec.name == "electricity");
  BOOST_TEST(spec.source.path == "data/elec.csv");
  BOOST_TEST(spec.source.missing.size() == 5u);
  BOOST_TEST(*spec.source.max_records_per_second == 1000.5);
  BOOST_TEST(*spec.source.max_quarantined == 10u);
  BOOST_TEST(spec.source.splits == 4u);
  BOOST_TEST(spec.source.csv.delimiter == ';');
  BOOST_TEST(spec.source.csv.header.value());
  BOOST_TEST((spec.schema.task == Task::binary));
  BOOST_TEST(spec.schema.classes[1] == "1");
  BOOST_TEST(*spec.schema.positive == "1");
  BOOST_TEST(*spec.schema.weight == "importance");
  BOOST_TEST_REQUIRE(spec.preprocess->size() == 4u);
  BOOST_TEST(((*spec.preprocess)[0].strategy == ImputeStrategy::constant));
  BOOST_TEST((*spec.preprocess)[0].value == -1.5);
  BOOST_TEST((*spec.preprocess)[0].fields[1] == "b");
  BOOST_TEST(((*spec.preprocess)[1].kind == TransformKind::standardize));
  BOOST_TEST((*spec.preprocess)[2].max_categories == 12u);
  BOOST_TEST((*spec.preprocess)[3].bits == 10u);
  BOOST_TEST((spec.model->kind == ModelKind::mlp));
  BOOST_TEST(spec.model->layers[0] == 128u);
  BOOST_TEST(spec.model->dropout[0] == 0.2);
  BOOST_TEST((spec.optimizer->kind == OptimizerKind::adam));
  BOOST_TEST(spec.optimizer->learning_rate == 1e-3);
  BOOST_TEST(*spec.optimizer->intercept_learning_rate == 0.01);
  BOOST_TEST(spec.optimizer->epsilon == 1e-6);
  BOOST_TEST(spec.training->batch_size == 64u);
  BOOST_TEST((spec.merge->mode == MergeMode::elastic));
  BOOST_TEST(spec.merge->alpha == 0.25);
  BOOST_TEST(spec.evaluation.window == 500u);
  BOOST_TEST(spec.checkpoint.interval.count() == 200);
  BOOST_TEST(!spec.publish.every_checkpoint);
  BOOST_TEST(spec.parallelism == 2u);
  BOOST_TEST(spec.seed == 18446744073709551615u);
}

BOOST_AUTO_TEST_CASE(a_job_of_path_and_label_leaves_the_rest_to_the_defaults) {
  const auto job = check_job(with(""), "folder/my data.yaml");
  BOOST_TEST_REQUIRE(job.is_valid(), job.status().message());
  BOOST_TEST(job.spec.name == "my-data");
  BOOST_TEST(!job.spec.model);
  BOOST_TEST(!job.spec.preprocess);
  BOOST_TEST(!job.spec.optimizer);
  JobSpec expected;
  expected.name = "my-data";
  expected.source.path = "a.csv";
  expected.schema.label = "y";
  BOOST_TEST((job.spec == expected));
}

BOOST_AUTO_TEST_CASE(an_empty_preprocess_list_means_none) {
  const auto job = check(with("preprocess: []"));
  BOOST_TEST_REQUIRE(job.spec.preprocess.has_value());
  BOOST_TEST(job.spec.preprocess->empty());
}

BOOST_AUTO_TEST_CASE(a_mistyped_key_is_named_with_its_line_and_the_nearest_word) {
  expect_one("version: 1\nsource: {path: a.csv}\nschema:\n  lable: y\n  label: y\n",
             "4 schema.lable",
             "job.yaml:4:3: schema.lable: unknown key 'lable'; did you mean 'label'?");
  const auto job = check("version: 1\nsorce: {path: a.csv}\nschema: {label: y}\n");
  BOOST_TEST(job.status().message().find(
                 "job.yaml:2:1: sorce: unknown key 'sorce'; did you mean 'source'?") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_at_the_wrong_place_is_told_where_it_belongs) {
  expect_one(with("batch_size: 3\n"), "4 batch_size", "it belongs under `training`");
}

BOOST_AUTO_TEST_CASE(wrong_values_name_the_nearest_or_the_expected_one) {
  expect_one(with("model: {kind: logistc}\n"), "4 model.kind", "did you mean 'logistic'?");
  expect_one(with("preprocess:\n  - standardise: {}\n"), "5 preprocess[0].standardise",
             "did you mean 'standardize'?");
  expect_one(with("preprocess:\n  - impute: {stratgy: mean}\n"), "5 preprocess[0].impute.stratgy",
             "did you mean 'strategy'?");
  expect_one(with("seed: -1\n"), "4 seed", "expected a whole number");
  expect_one(with("parallelism: 1.5\n"), "4 parallelism", "expected a whole number, got '1.5'");
  expect_one(with("checkpoint: {interval: 10}\n"), "4 checkpoint.interval", "a number with a unit");
  expect_one(with("optimizer: {learning_rate: nan}\n"), "4 optimizer.learning_rate",
             "expected a number");
  expect_one(with("optimizer: {learning_rate: }\n"), "4 optimizer.learning_rate", "got nothing");
  expect_one(with("optimizer: sgd\n"), "4 optimizer", "expected a map of keys, got a single value");
  expect_one(with("preprocess: standardize\n"), "4 preprocess", "expected a list of transforms");
  expect_one("version: 1\nsource: {path: a.csv, missing: NA}\nschema: {label: y}\n",
             "2 source.missing", "expected a list of texts");
}

BOOST_AUTO_TEST_CASE(values_out_of_range_name_the_range) {
  expect_one(with("parallelism: 0\n"), "4 parallelism", "expected 1 to 1024");
  expect_one(with("optimizer: {learning_rate: 0}\n"), "4 optimizer.learning_rate", "more than 0");
  expect_one(with("checkpoint: {interval: 49ms}\n"), "4 checkpoint.interval",
             "expected 50ms to 24h");
  expect_one(with("model: {kind: mlp, layers: [8], dropout: [1]}\n"), "4 model.dropout",
             "less than 1");
  expect_one(with("preprocess: [{hash: {bits: 27}}]\n"), "4 preprocess[0].hash.bits", "4 to 26");
  BOOST_TEST(check(with("parallelism: 1024\ncheckpoint: {interval: 50ms}\n")).is_valid());
}

BOOST_AUTO_TEST_CASE(keys_that_would_have_no_effect_are_errors) {
  expect_one(with("optimizer: {kind: sgd, power_t: 0}\n"), "4 optimizer.power_t",
             "it needs `optimizer.kind: nag`");
  expect_one(with("model: {kind: logistic, layers: [3]}\n"), "4 model.layers",
             "it needs `model.kind: mlp`");
  // The misspelt kind is the only complaint: what hangs on it cannot be judged.
  expect_one(with("optimizer: {kind: nga, power_t: 0}\n"), "4 optimizer.kind",
             "did you mean 'nag'?");
}

BOOST_AUTO_TEST_CASE(what_this_version_cannot_do_is_refused_not_ignored) {
  const std::string words = "is not supported by this version";
  expect_one(with("drift: [{detector: adwin, on: error, action: alert}]\n"), "4 drift", words);
  expect_one(with("evaluation: {holdout_every: 10}\n"), "4 evaluation.holdout_every", words);
  expect_one(with("training: {mode: reservoir}\n"), "4 training.mode", words);
  expect_one("version: 1\nsource: {path: a, format: json}\nschema: {label: y}\n", "2 source.format",
             words);
  expect_one("version: 1\nsource: {path: a}\nschema: {label: y, key: k}\n", "3 schema.key", words);
  expect_one(with("optimizer: {learning_rate: {secret: RATE}}\n"), "4 optimizer.learning_rate",
             "not supported");
  BOOST_TEST(check(with("drift: []\npublish: {gate: none}\n")).is_valid());
}

BOOST_AUTO_TEST_CASE(the_version_is_required_and_must_be_known) {
  expect_one("source: {path: a.csv}\nschema: {label: y}\n", "0 version",
             "begin the file with `version: 1`");
  expect_one("version: 2\nsource: {path: a.csv}\nschema: {label: y}\n", "1 version", "version 1");
}

BOOST_AUTO_TEST_CASE(label_and_path_are_required) {
  expect_one("version: 1\nsource: {path: a.csv}\n", "0 schema.label", "is required");
  expect_one("version: 1\nsource: {kind: file}\nschema: {label: y}\n", "2 source.path",
             "is required");
}

BOOST_AUTO_TEST_CASE(keys_that_contradict_each_other_are_refused) {
  expect_one(with("model: {kind: mlp}\n"), "4 model.layers", "is required for mlp");
  expect_one(with("model: {kind: mlp, layers: [4, 4], dropout: [0.1]}\n"), "4 model.dropout",
             "1 shares for 2 layers");
  const auto schema = [](const std::string& rest) {
    return "version: 1\nsource: {path: a.csv}\nschema: {label: y, " + rest + "}\n";
  };
  expect_one(schema("exclude: [y]"), "3 schema.exclude", "names the label");
  expect_one(schema("classes: [a, b], positive: c"), "3 schema.positive", "is not among");
  expect_one(schema("classes: [a, b, c], max_classes: 2"), "3 schema.max_classes",
             "below the 3 declared");
  expect_one(schema("task: regression, positive: 1"), "3 schema.positive",
             "no meaning for regression");
  const std::string generator = "version: 1\nschema: {label: y}\nsource:\n  kind: generator\n";
  expect_one(generator + "  generator: {records: 10, drift_at: [5, 5]}\n",
             "5 source.generator.drift_at", "ascend");
  expect_one(generator + "  generator: {records: 10, drift_at: [10]}\n",
             "5 source.generator.drift_at", "beyond");
  expect_one(generator + "  generator: {name: see}\n", "5 source.generator.name",
             "did you mean 'sea'?");
  expect_one(generator + "  path: a.csv\n", "5 source.path", "it needs `source.kind: file`");
}

BOOST_AUTO_TEST_CASE(all_problems_come_at_once_in_order_of_line_up_to_the_limit) {
  const auto job =
      check("version: 1\nseed: x\nsource: {path: a, pth: b}\nschema: {label: y}\nmodle: {}\n");
  const std::vector<std::string> expected = {"2 seed", "3 source.pth", "5 modle"};
  BOOST_TEST(found(job) == expected, boost::test_tools::per_element());
  std::string many = "version: 1\n";
  for (int i = 0; i < 100; ++i) many += "unknown_" + std::to_string(i) + ": 1\n";
  BOOST_TEST(check(many).problems.size() == kJobProblemsMax);
}

BOOST_AUTO_TEST_CASE(broken_yaml_is_named_with_line_and_column) {
  expect_one("version: 1\nsource: {path: a.csv\n", "3 ", "not valid YAML");
  expect_one("- a\n", "1 ", "a job file is a map of keys, this is a list");
  expect_one("", "0 ", "this is nothing");
  expect_one(with("seed: 1\nseed: 2\n"), "5 seed", "is given twice");
  expect_one(with("---\nversion: 1\n"), "5 ", "one document");
  expect_one(with("? [a]\n: 1\n"), "4 ", "a key must be a single word");
}

BOOST_AUTO_TEST_CASE(a_file_of_the_greatest_size_is_read_and_one_byte_more_is_not) {
  auto text = with("#");
  text.resize(limits::kJobFileBytesMax, 'x');
  BOOST_TEST(check(text).is_valid());
  expect_one(text + "x", "0 ", "too many for a job file");
}

BOOST_AUTO_TEST_CASE(overrides_win_over_the_file_and_are_checked_like_it) {
  const std::vector<std::string> overrides = {"optimizer={kind: nag, power_t: 0}", "parallelism=3",
                                              "source.csv.header=false", "schema.exclude=[a, b]"};
  auto job = check_job(with("optimizer: {kind: sgd, clip: 1}\n"), "job.yaml", overrides);
  BOOST_TEST_REQUIRE(job.is_valid(), job.status().message());
  BOOST_TEST((job.spec.optimizer->kind == OptimizerKind::nag));
  BOOST_TEST(job.spec.optimizer->clip == 0.0);
  BOOST_TEST(job.spec.parallelism == 3u);
  BOOST_TEST(!job.spec.source.csv.header.value());
  BOOST_TEST(job.spec.schema.exclude.size() == 2u);
  for (const std::string wrong :
       {"optimiser.kind=sgd", "paralelism=2", "parallelism=0", "parallelism", "seed.x=1"}) {
    job = check_job(with(""), "job.yaml", std::span(&wrong, 1));
    BOOST_TEST_CONTEXT(wrong) BOOST_TEST(!job.is_valid());
    for (const auto& problem : job.problems) BOOST_TEST(problem.line == 0);
  }
}

BOOST_AUTO_TEST_CASE(an_override_of_a_built_job_changes_one_key) {
  auto spec = check(kComplete).spec;
  const auto before = spec;
  BOOST_TEST(apply_override(spec, "optimizer.learning_rate=0.5").is_ok());
  BOOST_TEST(spec.optimizer->learning_rate == 0.5);
  spec.optimizer->learning_rate = before.optimizer->learning_rate;
  BOOST_TEST((spec == before));
  BOOST_TEST(!apply_override(spec, "optimizer.learning_rte=0.5").is_ok());
  BOOST_TEST((spec == before));
}

BOOST_AUTO_TEST_CASE(a_printed_job_parses_back_to_an_equal_one) {
  for (const std::string& text :
       {std::string(kComplete), with(""),
        with("preprocess: []\nmodel: {kind: softmax}\nmerge: {every: 4}\n"),
        std::string(
            "version: 1\nname: g\nsource: {kind: generator, generator: {records: 7, drift_at: [2, "
            "5]}}\n"
            "schema: {label: \"a: b # c\", positive: \"null\"}\ncheckpoint: {interval: 1500ms}\n"),
        with("optimizer: {kind: nag, learning_rate: 5, power_t: 0}\ntraining: {mode: online}\n")}) {
    const auto job = check(text);
    BOOST_TEST_REQUIRE(job.is_valid(), job.status().message());
    const auto printed = print_job(job.spec);
    const auto again = check(printed);
    BOOST_TEST_CONTEXT(printed << again.status().message()) {
      BOOST_TEST(again.is_valid());
      BOOST_TEST((again.spec == job.spec));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_not_found_and_a_folder_is_refused) {
  const test::TemporaryFolder folder;
  BOOST_TEST((load_job(folder.path() / "none.yaml").status().code() == Code::not_found));
  BOOST_TEST((load_job(folder.path()).status().code() == Code::invalid_argument));
  const auto file = folder.write("a.yaml", with("seed: 3\n"));
  BOOST_TEST(load_job(file).value().seed == 3u);
}

BOOST_AUTO_TEST_CASE(relative_paths_start_at_the_folder_of_the_job_file) {
  BOOST_TEST(resolve_source_path("data/a.csv", "/jobs/x") == "/jobs/x/data/a.csv");
  BOOST_TEST(resolve_source_path("../a*.csv", "/jobs/x") == "/jobs/a*.csv");
  BOOST_TEST(resolve_source_path("/a.csv", "/jobs/x") == "/a.csv");
  BOOST_TEST(resolve_source_path("-", "/jobs/x") == "-");
}

BOOST_AUTO_TEST_CASE(names_come_from_the_file_and_are_always_valid) {
  BOOST_TEST(job_name_from_path("a/b/elec.csv.gz") == "elec");
  BOOST_TEST(job_name_from_path("my data (1).csv") == "my-data--1-");
  BOOST_TEST(job_name_from_path("...") == "job");
  BOOST_TEST(job_name_from_path("*.csv") == "job");
}

BOOST_AUTO_TEST_SUITE_END()
