#include "common/ml/shard_recut.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "common/base/random.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

// A dense block that does not fill its last cache line, and a table.
constexpr ParameterLayout kModel{.dense = 75, .table_rows = 23, .table_width = 3};
constexpr std::uint32_t kShardsMax = 7;  // more than the dense block has lines

ShardCutting cutting(std::uint32_t shards) {
  return {ShardLayout(kModel, shards), 100 + shards};
}

ParameterState whole_state(std::uint64_t seed) {
  RandomStream random(seed);
  ParameterState state;
  const auto draw = [&] {
    AlignedVector<float> values(kModel.total());
    for (float& value : values) value = static_cast<float>(random.uniform());
    return values;
  };
  state.theta = draw();
  state.slots = {draw(), draw()};
  state.scalars = {random.uniform(), 7.0};
  return state;
}

std::vector<ShardState> cut(const ParameterState& whole, const ShardCutting& to) {
  std::vector<ShardState> shards;
  for (std::uint32_t shard = 0; shard < to.layout.shards(); ++shard) {
    ShardState state;
    state.layout_id = to.layout_id;
    state.shard = shard;
    state.parameters.theta = cut_shard(to.layout, shard, whole.theta);
    for (const auto& slot : whole.slots)
      state.parameters.slots.push_back(cut_shard(to.layout, shard, slot));
    state.parameters.scalars = whole.scalars;
    if (shard == 0) {
      state.statistics = {1.5, -2.0};
      state.dictionary = Dictionary(Schema{}, {4});
      BOOST_REQUIRE(state.dictionary->append(kLabelField, "up").has_value());
    }
    shards.push_back(std::move(state));
  }
  return shards;
}

std::vector<std::uint32_t> every_shard(const ShardCutting& of) {
  std::vector<std::uint32_t> shards(of.layout.shards());
  std::iota(shards.begin(), shards.end(), 0u);
  return shards;
}

Result<std::vector<ShardState>> recut(const std::vector<ShardState>& old, const ShardCutting& from,
                                      const ShardCutting& to,
                                      const std::vector<std::uint32_t>& wanted) {
  ShardRecut recut(from, to, wanted);
  for (const auto& shard : old) MILLRACE_TRY(recut.add(shard));
  return std::move(recut).take();
}

void check_same(const std::vector<ShardState>& shards, const std::vector<ShardState>& expected) {
  BOOST_REQUIRE_EQUAL(shards.size(), expected.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    BOOST_TEST((shards[i].encode() == expected[i].encode()), "shard " << i);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_ml_shard_recut)

// The bytes are those of the model cut so from the first, and cutting back gives the old ones.
BOOST_AUTO_TEST_CASE(any_count_becomes_any_other_and_back_bit_for_bit) {
  const auto whole = whole_state(test::seed());
  for (std::uint32_t before = 1; before <= kShardsMax; ++before) {
    for (std::uint32_t after = 1; after <= kShardsMax; ++after) {
      const auto from = cutting(before), to = cutting(after);
      const auto old = cut(whole, from);
      const auto made = recut(old, from, to, every_shard(to));
      BOOST_REQUIRE(made.is_ok());
      check_same(made.value(), cut(whole, to));
      const auto back = recut(made.value(), to, from, every_shard(from));
      BOOST_REQUIRE(back.is_ok());
      check_same(back.value(), old);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_order_in_which_old_shards_come_changes_nothing) {
  const auto from = cutting(3), to = cutting(2);
  const auto whole = whole_state(test::seed());
  auto old = cut(whole, from);
  std::ranges::reverse(old);
  const auto made = recut(old, from, to, {1, 0});
  BOOST_REQUIRE(made.is_ok());
  const auto expected = cut(whole, to);
  check_same(made.value(), {expected[1], expected[0]});
}

BOOST_AUTO_TEST_CASE(a_shard_that_is_missing_repeated_or_of_another_model_is_refused) {
  const auto from = cutting(3), to = cutting(2);
  const auto old = cut(whole_state(test::seed()), from);
  const auto refuses = [&](const std::vector<ShardState>& shards) {
    BOOST_TEST((recut(shards, from, to, {0, 1}).status().code() == Code::corrupted));
  };
  refuses({old[0], old[2]});
  refuses({old[0], old[1], old[1]});
  auto damaged = old;
  damaged[1].layout_id = 1;
  refuses(damaged);
  damaged = old;
  damaged[2].parameters.slots.pop_back();
  refuses(damaged);
  damaged = old;
  damaged[0].parameters.theta.pop_back();
  refuses(damaged);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
