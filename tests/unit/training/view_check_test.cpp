#include <boost/test/unit_test.hpp>

#include "tests/unit/training/merging.hpp"
#include "worker/training/parameter_payload.hpp"

namespace millrace {
namespace {

constexpr ParameterLayout kSlice{.dense = 16, .table_rows = 3, .table_width = 2};

ViewShape shape() {
  ViewShape made;
  made.slice = kSlice;
  made.vectors = 2;
  made.scalars = 1;
  made.statistics = 4;
  return made;
}

ParameterView view() {
  ParameterView made;
  made.vectors.resize(2);
  made.vectors[0].rows = {0, 2};
  for (auto& vector : made.vectors) {
    vector.dense.resize(16);
    vector.row_values.resize(4);
  }
  made.scalars.resize(1);
  made.statistics.resize(4);
  return made;
}

BOOST_AUTO_TEST_SUITE(worker_training_view_check)

BOOST_AUTO_TEST_CASE(a_view_of_the_shape_is_taken) {
  BOOST_TEST(check_view(view(), shape()).is_ok());
  // Elastic: no vectors, or one that moves nothing.
  ParameterView nothing = view();
  nothing.vectors.clear();
  BOOST_TEST(check_view(nothing, shape()).is_ok());
  nothing.vectors.resize(1);
  BOOST_TEST(check_view(nothing, shape()).is_ok());
}

BOOST_AUTO_TEST_CASE(a_view_of_another_shape_is_refused) {
  const auto refuses = [](const auto& damage) {
    ParameterView damaged = view();
    damage(damaged);
    BOOST_TEST((check_view(damaged, shape()).code() == Code::corrupted));
  };
  refuses([](ParameterView& v) { v.vectors.resize(3); });
  refuses([](ParameterView& v) { v.vectors[0].dense.resize(15); });
  refuses([](ParameterView& v) { v.vectors[1].dense.resize(17); });
  refuses([](ParameterView& v) { v.vectors[1].row_values.resize(3); });
  refuses([](ParameterView& v) { v.vectors[0].rows.push_back(1); });
  refuses([](ParameterView& v) { v.vectors[0].rows[1] = 3; });
  refuses([](ParameterView& v) { v.scalars.clear(); });
  refuses([](ParameterView& v) { v.statistics.resize(5); });
}

BOOST_AUTO_TEST_CASE(what_other_shards_say_of_scalars_and_statistics_is_not_looked_at) {
  ViewShape other = shape();
  other.scalars.reset();
  other.statistics.reset();
  ParameterView empty = view();
  empty.scalars.clear();
  empty.statistics.clear();
  BOOST_TEST(check_view(empty, other).is_ok());
}

// Whatever the shards answer, over all modes and kinds, is of the shape.
BOOST_AUTO_TEST_CASE(every_answer_of_a_shard_passes) {
  const auto check = [](MergeMode mode, PushKind kind, OptimizerKind optimizer) {
    test::Merging merging(mode, kind, optimizer, 2);
    ViewShape expected;
    expected.vectors = kind == PushKind::delta ? 3 : 1;
    const auto check_answers = [&](const PushPayloads& payloads) {
      const auto views = merging.answer(1, payloads);
      for (std::uint32_t shard = 0; shard < 2; ++shard) {
        expected.slice = {.dense = 16, .table_rows = 3, .table_width = 2};
        const auto status = check_view(*views[shard], expected);
        BOOST_TEST(status.is_ok(), status.message());
      }
    };
    check_answers({});
    PushPayloads payloads;
    if (kind == PushKind::gradient) {
      Gradient gradient;
      gradient.dense.resize(32);
      gradient.rows = {1, 4};
      gradient.row_values.resize(4);
      payloads = merging.replica(1).freeze_gradient(std::move(gradient), 1.0);
    } else {
      merging.replica(1).touched() = {1, 4};
      payloads = merging.replica(1).freeze();
    }
    merging.apply(1, payloads, 0.5);
    check_answers(payloads);
  };
  check(MergeMode::async_average, PushKind::delta, OptimizerKind::adam);
  check(MergeMode::synchronous, PushKind::delta, OptimizerKind::adam);
  check(MergeMode::async_gradient, PushKind::gradient, OptimizerKind::adam);
  check(MergeMode::elastic, PushKind::position, OptimizerKind::sgd);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
