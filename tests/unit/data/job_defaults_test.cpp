#include "common/data/job_defaults.hpp"

#include <boost/test/unit_test.hpp>

using namespace millrace;

namespace {

Schema schema_of(Task task) {
  Schema schema;
  schema.task = task;
  schema.fields = {
      {.name = "x", .role = FieldRole::numeric, .index = 0, .pivot = 0.0, .evidence = {}},
      {.name = "y", .role = FieldRole::label, .index = 0, .pivot = 0.0, .evidence = {}}};
  return schema;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_data_job_defaults)

BOOST_AUTO_TEST_CASE(the_model_follows_the_task) {
  for (const auto& [task, kind] : {std::pair{Task::regression, ModelKind::linear},
                                   std::pair{Task::binary, ModelKind::logistic},
                                   std::pair{Task::multiclass, ModelKind::softmax}}) {
    JobSpec spec;
    BOOST_TEST(resolve_defaults(spec, schema_of(task), MergeReach::one_process).is_ok());
    BOOST_TEST((spec.model->kind == kind));
    BOOST_TEST((spec.training->mode == TrainingMode::online));
    BOOST_TEST(spec.preprocess->size() == 1u);
    BOOST_TEST((spec.preprocess->front().kind == TransformKind::standardize));
    BOOST_TEST(spec.optimizer.has_value());
    BOOST_TEST((spec.merge->mode == MergeMode::async_gradient));
  }
}

BOOST_AUTO_TEST_CASE(a_merge_section_that_says_the_default_changes_nothing) {
  for (const auto& [mode, every] :
       {std::pair{TrainingMode::online, 8u}, std::pair{TrainingMode::mini_batch, 1u}}) {
    JobSpec left_out, written_out;
    left_out.training = written_out.training = TrainingSpec{.mode = mode};
    written_out.merge = MergeSpec{.mode = MergeMode::async_gradient};
    BOOST_TEST(
        resolve_defaults(left_out, schema_of(Task::binary), MergeReach::one_process).is_ok());
    BOOST_TEST(
        resolve_defaults(written_out, schema_of(Task::binary), MergeReach::one_process).is_ok());
    BOOST_TEST(left_out.merge->every.value() == every);
    BOOST_TEST((left_out == written_out));
  }
}

BOOST_AUTO_TEST_CASE(between_hosts_networks_are_averaged_and_rarely) {
  JobSpec network, asked, normalised, linear;
  network.model = asked.model = normalised.model =
      ModelSpec{.kind = ModelKind::mlp, .layers = {8}, .dropout = {}};
  asked.merge = MergeSpec{.mode = MergeMode::async_gradient};
  normalised.optimizer.emplace().kind = OptimizerKind::nag;
  for (auto* spec : {&network, &asked, &normalised, &linear})
    BOOST_TEST(resolve_defaults(*spec, schema_of(Task::binary), MergeReach::hosts).is_ok());
  BOOST_TEST((network.merge->mode == MergeMode::async_average));
  BOOST_TEST(network.merge->every.value() == 16u);
  BOOST_TEST(network.merge->slots_every.value() == 32u);
  BOOST_TEST((network.merge->precision == Precision::bfloat16));
  BOOST_TEST(!linear.merge->slots_every.has_value());
  BOOST_TEST(!linear.merge->precision.has_value());
  for (const auto* spec : {&asked, &normalised})
    BOOST_TEST((spec->merge->mode == MergeMode::async_gradient));
  BOOST_TEST(asked.merge->every.value() == 1u);
  BOOST_TEST((linear.merge->mode == MergeMode::async_gradient));
  BOOST_TEST(linear.merge->every.value() == 8u);
}

BOOST_AUTO_TEST_CASE(what_the_job_file_says_stays) {
  JobSpec spec;
  spec.model = ModelSpec{.kind = ModelKind::mlp, .layers = {8}, .dropout = {}};
  spec.preprocess.emplace();
  spec.merge = MergeSpec{.mode = MergeMode::synchronous, .every = 3};
  BOOST_TEST(resolve_defaults(spec, schema_of(Task::binary), MergeReach::one_process).is_ok());
  BOOST_TEST((spec.model->kind == ModelKind::mlp));
  BOOST_TEST(spec.preprocess->empty());
  BOOST_TEST((spec.merge->mode == MergeMode::synchronous));
  BOOST_TEST(spec.merge->every.value() == 3u);
  BOOST_TEST((spec.training->mode == TrainingMode::mini_batch));
  BOOST_TEST((spec.optimizer->kind == OptimizerKind::adam));
}

BOOST_AUTO_TEST_CASE(shards_follow_the_parallelism_but_for_gradients) {
  JobSpec spec;
  for (const auto mode : {MergeMode::async_average, MergeMode::async_sum, MergeMode::elastic,
                          MergeMode::synchronous}) {
    spec.merge = MergeSpec{.mode = mode};
    for (const auto& [parallelism, shards] :
         {std::pair{1u, 1u}, std::pair{3u, 3u}, std::pair{4u, 4u}, std::pair{9u, 4u}}) {
      spec.parallelism = parallelism;
      BOOST_TEST(default_shards(spec) == shards);
    }
  }
  spec.merge = MergeSpec{.mode = MergeMode::async_gradient};
  BOOST_TEST(default_shards(spec) == 1u);
}

BOOST_AUTO_TEST_CASE(a_model_that_does_not_fit_the_label_is_refused) {
  for (const auto& [task, kind] :
       {std::pair{Task::regression, ModelKind::logistic},
        std::pair{Task::regression, ModelKind::softmax}, std::pair{Task::binary, ModelKind::linear},
        std::pair{Task::multiclass, ModelKind::logistic}}) {
    JobSpec spec;
    spec.model.emplace();
    spec.model->kind = kind;
    const auto status = resolve_defaults(spec, schema_of(task), MergeReach::one_process);
    BOOST_TEST((status.code() == Code::invalid_argument));
    BOOST_TEST(!status.hint().empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
