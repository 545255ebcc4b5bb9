#include "worker/actors/state_keeper.hpp"

#include <boost/test/unit_test.hpp>

#include "common/config/job_file.hpp"
#include "tests/support/temporary_folder.hpp"
#include "worker/training/job_planner.hpp"
#include "worker/training/trainer_state.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kSplits = 6;
constexpr WorkerId kWorker{1};

JobPackage planned(const std::string& merge) {
  const auto spec = parse_job(
      "version: 1\nname: sea\n"
      "source: {kind: generator, splits: 6, generator: {name: sea, records: 600}}\n"
      "schema: {label: label}\nmodel: {kind: mlp, layers: [24]}\noptimizer: {kind: adam}\n"
      "merge: {mode: " +
          merge + "}\nparallelism: 3\n",
      "sea.yaml");
  BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
  const auto job = plan_job(spec.value(), {});
  BOOST_REQUIRE_MESSAGE(job.is_ok(), job.status().message());
  BOOST_REQUIRE_EQUAL(job.value().package->splits.size(), kSplits);
  return *job.value().package;
}

// A job whose attempts run on one worker, each at a parallelism of its own.
class Job {
 public:
  explicit Job(const std::string& merge) : package_(planned(merge)) {}

  // From the cut that was stored last.
  LoadedAttempt start(std::uint32_t parallelism) {
    JobSpec spec = package_.spec;
    spec.parallelism = parallelism;
    JobPackage package = package_;
    package.go_on_with(std::move(spec));
    order::StartAttempt start;
    start.attempt = attempt_ = attempt_.next();
    start.job = std::make_shared<const JobPackage>(package);
    start.store_url = "file://" + (folder_.path() / "store").string();
    start.restored = std::make_shared<const order::RestorePlan>(restored_);
    for (std::uint32_t i = 0; i < parallelism; ++i)
      start.replicas.push_back(assign(i, parallelism));
    for (std::uint32_t i = 0; i < package.shards; ++i) start.shards.emplace_back(i);
    const auto scratch = folder_.path() / ("scratch-" + std::to_string(attempt_.value));
    keeper_ = std::make_unique<StateKeeper>(kWorker, scratch);
    auto loaded = keeper_->load(start);
    BOOST_REQUIRE_MESSAGE(loaded.is_ok(), loaded.status().message());
    BOOST_REQUIRE_EQUAL(loaded.value().shards.size(), package.shards);
    BOOST_REQUIRE_EQUAL(loaded.value().replicas.size(), parallelism);
    return std::move(loaded).value();
  }

  void store(const std::vector<Bytes>& shards, const std::vector<Bytes>& replicas) {
    const CutId cut = restored_.cut.next();
    keeper_->expect(cut, shards.size() + replicas.size());
    for (std::uint32_t i = 0; i < shards.size(); ++i)
      BOOST_REQUIRE(keeper_->add_shard(cut, ShardId(i), shards[i]).is_ok());
    for (std::uint32_t i = 0; i < replicas.size(); ++i)
      BOOST_REQUIRE(keeper_->add_replica(cut, ReplicaId(i), replicas[i]).is_ok());
    auto part = keeper_->ship_if_complete(cut);
    BOOST_REQUIRE_MESSAGE(part.is_ok(), part.status().message());
    BOOST_REQUIRE(part.value().has_value());
    restored_.cut = cut;
    restored_.parts = {*part.value()};
    restored_.shards.assign(shards.size(), kWorker);
    restored_.replicas.assign(replicas.size(), kWorker);
  }

 private:
  static ReplicaAssignment assign(std::uint32_t replica, std::uint32_t parallelism) {
    ReplicaAssignment assignment;
    assignment.replica = ReplicaId(replica);
    const std::uint32_t end = (replica + 1) * kSplits / parallelism;
    for (std::uint32_t i = replica * kSplits / parallelism; i < end; ++i) {
      SplitProgress split;
      split.split = SplitId(i);
      assignment.splits.push_back(split);
    }
    return assignment;
  }

  test::TemporaryFolder folder_;
  JobPackage package_;
  Attempt attempt_;
  order::RestorePlan restored_;
  std::unique_ptr<StateKeeper> keeper_;
};

std::vector<Bytes> encoded_shards(const LoadedAttempt& loaded) {
  std::vector<Bytes> shards;
  for (const auto& shard : loaded.shards) shards.push_back(shard->state().encode());
  return shards;
}

std::vector<Bytes> encoded_replicas(const LoadedAttempt& loaded) {
  std::vector<Bytes> replicas;
  for (const auto& replica : loaded.replicas) replicas.push_back(replica.value_or(Bytes()));
  return replicas;
}

// As they would be after some training: no two parameters are alike.
std::vector<Bytes> trained_shards(const LoadedAttempt& loaded) {
  std::vector<Bytes> shards;
  float next = 1.0f;
  for (const auto& shard : loaded.shards) {
    ShardState state = shard->state();
    for (float& value : state.parameters.theta) value = next += 1.0f;
    for (auto& slot : state.parameters.slots) {
      for (float& value : slot) value = next += 0.5f;
    }
    for (double& value : state.statistics) value = static_cast<double>(next += 1.0f);
    shards.push_back(state.encode());
  }
  return shards;
}

std::vector<Bytes> trained_replicas(const LoadedAttempt& loaded, std::uint32_t parallelism) {
  std::vector<Bytes> replicas;
  for (std::uint32_t replica = 0; replica < parallelism; ++replica) {
    TrainerState state = fresh_trainer_state(*loaded.setup);
    const std::uint32_t end = (replica + 1) * kSplits / parallelism;
    for (std::uint32_t i = replica * kSplits / parallelism; i < end; ++i) {
      SplitState split;
      split.progress.split = SplitId(i);
      split.progress.offset = Offset(100 + i);
      split.counters.read = split.counters.records = 7 + i;
      state.splits.push_back(split);
    }
    replicas.push_back(state.encode());
  }
  return replicas;
}

std::vector<float> whole_model(const LoadedAttempt& loaded) {
  const ShardLayout& layout = loaded.setup->shards;
  std::vector<float> whole(layout.whole().total());
  for (std::uint32_t i = 0; i < loaded.shards.size(); ++i) {
    const ShardState state = loaded.shards[i]->state();
    BOOST_REQUIRE(paste_shard(layout, i, state.parameters.theta, whole).is_ok());
  }
  return whole;
}

void check_positions(const LoadedAttempt& loaded) {
  std::uint32_t next = 0;
  for (const auto& bytes : loaded.replicas) {
    const auto state = TrainerState::decode(bytes.value_or(Bytes()));
    BOOST_REQUIRE(state.is_ok());
    for (const auto& split : state.value().splits) {
      BOOST_TEST(split.progress.split.value == next);
      BOOST_TEST(split.progress.offset.value == 100 + next);
      BOOST_TEST(split.counters.records == 7 + next);
      ++next;
    }
  }
  BOOST_TEST(next == kSplits);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_actors_state_keeper)

BOOST_AUTO_TEST_CASE(an_attempt_starts_from_a_cut_of_any_parallelism_with_the_same_model) {
  for (const auto* merge : {"synchronous", "async_average", "async_gradient"}) {
    Job job(merge);
    const auto fresh = job.start(3);
    job.store(trained_shards(fresh), trained_replicas(fresh, 3));
    const auto three = job.start(3);
    const auto model = whole_model(three);
    const auto shards = encoded_shards(three);
    for (const std::uint32_t parallelism : {2u, 4u, 1u, 6u, 3u}) {
      const auto loaded = job.start(parallelism);
      BOOST_TEST((whole_model(loaded) == model), merge << " over " << parallelism);
      check_positions(loaded);
      job.store(encoded_shards(loaded), encoded_replicas(loaded));
    }
    BOOST_TEST((encoded_shards(job.start(3)) == shards));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
