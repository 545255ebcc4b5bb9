#include "coordinator/core/job_grants.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "coordinator/core/job_memory.hpp"

namespace millrace {
namespace {

constexpr std::uint64_t kMebibyte = 1u << 20;

HostRoom host(std::uint32_t id, const std::string& name, std::uint32_t slots) {
  HostRoom room;
  room.id = WorkerId(id);
  room.name = name;
  room.free_slots = slots;
  return room;
}

JobDemand demand(std::uint32_t replicas, std::uint32_t shards = 1) {
  return {replicas, shards, 100 * kMebibyte, 50 * kMebibyte};
}

std::uint32_t replicas(const GrantChoice& choice, std::uint32_t id) {
  const auto found = choice.grants.find(WorkerId(id));
  return found == choice.grants.end() ? 0 : found->second.replicas;
}
std::uint32_t shards(const GrantChoice& choice, std::uint32_t id) {
  const auto found = choice.grants.find(WorkerId(id));
  return found == choice.grants.end() ? 0 : found->second.shards;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unit_core_job_grants)

BOOST_AUTO_TEST_CASE(replicas_go_where_most_slots_are_free) {
  const auto choice = choose_grants({host(1, "a", 4), host(2, "b", 2)}, demand(4), {});
  BOOST_TEST(choice.fits());
  BOOST_TEST(replicas(choice, 1) == 3u);
  BOOST_TEST(replicas(choice, 2) == 1u);
}

BOOST_AUTO_TEST_CASE(the_order_in_which_hosts_are_listed_changes_nothing) {
  const std::vector<HostRoom> hosts = {host(7, "c", 2), host(3, "a", 2), host(5, "b", 2)};
  auto reversed = hosts;
  std::ranges::reverse(reversed);
  const auto first = choose_grants(hosts, demand(4, 3), {});
  const auto second = choose_grants(reversed, demand(4, 3), {});
  BOOST_TEST((first.grants == second.grants));
  BOOST_TEST(replicas(first, 3) == 2u);  // the first by name of those that are equal
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_said_in_slots) {
  const auto choice = choose_grants({host(1, "a", 1)}, demand(4), {});
  BOOST_TEST(choice.reason == "needs 4 slots, 1 free");
  const auto none = choose_grants({}, demand(1), {});
  BOOST_TEST(none.reason == "needs 1 slot, but no worker that trains has joined");
}

BOOST_AUTO_TEST_CASE(a_host_without_memory_is_passed_over) {
  auto small = host(1, "a", 8);
  small.free_bytes = 250 * kMebibyte;
  const auto choice = choose_grants({small, host(2, "b", 1)}, demand(3), {});
  BOOST_TEST(choice.fits());
  BOOST_TEST(replicas(choice, 1) == 2u);
  BOOST_TEST(shards(choice, 1) == 1u);
  const auto refused = choose_grants({small}, demand(3), {});
  BOOST_TEST(refused.reason ==
             "needs 3 slots, 8 free, but too little memory beside them: a replica takes about "
             "100 MiB");
}

BOOST_AUTO_TEST_CASE(shards_go_to_hosts_that_keep_parameters_only) {
  auto keeper = host(9, "k", 4);
  keeper.trains = false;
  auto trainer = host(1, "a", 2);
  const auto choice = choose_grants({trainer, keeper}, demand(2, 2), {});
  BOOST_TEST(replicas(choice, 1) == 2u);
  BOOST_TEST(shards(choice, 9) == 2u);
  trainer.keeps_parameters = false;
  BOOST_TEST(choose_grants({trainer}, demand(1), {}).reason ==
             "needs a worker with the role parameters, but none has joined");
}

BOOST_AUTO_TEST_CASE(shards_spread_over_the_hosts_of_the_replicas) {
  const auto choice =
      choose_grants({host(1, "a", 1), host(2, "b", 1), host(3, "c", 0)}, demand(2, 2), {});
  BOOST_TEST(shards(choice, 1) == 1u);
  BOOST_TEST(shards(choice, 2) == 1u);
  BOOST_TEST(shards(choice, 3) == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_held_stays_and_only_the_rest_is_chosen) {
  const Grants held = {{WorkerId(1), {2, 1}}};
  const auto choice = choose_grants({host(1, "a", 0), host(2, "b", 3)}, demand(3), held);
  BOOST_TEST(choice.fits());
  BOOST_TEST(replicas(choice, 1) == 2u);
  BOOST_TEST(replicas(choice, 2) == 1u);
  BOOST_TEST(shards(choice, 1) == 1u);
  BOOST_TEST(shards(choice, 2) == 0u);
}

BOOST_AUTO_TEST_CASE(a_wider_model_is_expected_to_take_more_memory) {
  Schema schema;
  schema.task = Task::binary;
  schema.classes = {"0", "1"};
  schema.max_classes = 2;
  for (std::uint32_t i = 0; i < 10; ++i) {
    schema.fields.push_back({"x" + std::to_string(i), FieldRole::numeric, i, 0.0, ""});
  }
  schema.fields.push_back({"y", FieldRole::label, 0, 0.0, ""});
  JobSpec spec;
  spec.parallelism = 3;
  spec.preprocess.emplace();
  spec.optimizer.emplace().kind = OptimizerKind::adam;
  spec.model.emplace().kind = ModelKind::mlp;
  spec.model->layers = {16};
  const auto narrow = estimate_demand(spec, schema, 2);
  BOOST_REQUIRE_MESSAGE(narrow.is_ok(), narrow.status().message());
  BOOST_TEST(narrow.value().replicas == 3u);
  BOOST_TEST(narrow.value().shards == 2u);
  spec.model->layers = {1024, 1024};
  const auto wide = estimate_demand(spec, schema, 2);
  BOOST_REQUIRE(wide.is_ok());
  // A million parameters and two moments of each, in five copies.
  BOOST_TEST(wide.value().replica_bytes - narrow.value().replica_bytes > 60 * kMebibyte);
  BOOST_TEST(wide.value().shard_bytes > narrow.value().shard_bytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
