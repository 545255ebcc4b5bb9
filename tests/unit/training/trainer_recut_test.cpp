#include "worker/training/trainer_recut.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kSplits = 5;

Evaluation empty_evaluation() {
  return {Task::binary, 2, 100};
}

TrainerState empty_state() {
  return TrainerState(empty_evaluation());
}

// A replica that has learned ten records and one broken one of each of its splits.
TrainerState learned(const std::vector<std::uint32_t>& splits) {
  TrainerState state = empty_state();
  for (const auto id : splits) {
    SplitState split;
    split.progress.split = SplitId(id);
    split.progress.offset = Offset(11 + id);
    split.progress.is_finished = id == 0;
    split.counters.read = 11;
    split.counters.records = 10;
    split.counters.quarantined = 1;
    MicroBatch batch(10, 0, 0);
    batch.split = SplitId(id);
    batch.rows = 10;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      batch.labels[row] = row % 2 == 0 ? 1.0f : 0.0f;
      batch.offsets[row] = Offset(row);
      split.progress.learned.add(SplitId(id), Offset(row));
    }
    state.evaluation.update(batch, std::vector<float>(batch.rows, 0.75f));
    state.splits.push_back(split);
    QuarantineEntry entry;
    entry.split = SplitId(id);
    entry.reason = "broken";
    state.quarantine.push_back(std::move(entry));
  }
  state.replica.theta.assign(4, static_cast<float>(splits.front()));
  return state;
}

std::vector<SplitId> ids(const std::vector<std::uint32_t>& splits) {
  return {splits.begin(), splits.end()};
}

using Assignment = std::vector<std::vector<std::uint32_t>>;

std::vector<TrainerState> recut(const std::vector<TrainerState>& old,
                                const Assignment& assignment) {
  std::vector<TrainerState> states;
  for (std::uint32_t replica = 0; replica < assignment.size(); ++replica) {
    auto state =
        recut_trainer_state(old, ReplicaId(replica), ids(assignment[replica]), empty_state());
    BOOST_REQUIRE_MESSAGE(state.is_ok(), state.status().message());
    states.push_back(std::move(state).value());
  }
  return states;
}

// Every split once, in order, with all that belongs to it; every record counted once.
void check_whole(const std::vector<TrainerState>& states) {
  std::uint32_t next = 0;
  std::uint64_t quarantined = 0;
  DecodeCounters totals;
  Evaluation whole = empty_evaluation();
  for (const auto& state : states) {
    for (const auto& split : state.splits) {
      BOOST_TEST(split.progress.split.value == next);
      BOOST_TEST(split.progress.offset.value == 11 + next);
      BOOST_TEST(split.progress.learned.count == 10u);
      BOOST_TEST(split.progress.is_finished == (next == 0));
      ++next;
    }
    for (const auto& entry : state.quarantine) {
      const auto owned = std::ranges::count(
          state.splits, entry.split, [](const SplitState& split) { return split.progress.split; });
      BOOST_TEST(owned == 1);
      ++quarantined;
    }
    totals += state.totals();
    whole.merge(state.evaluation);
  }
  BOOST_TEST(next == kSplits);
  BOOST_TEST(quarantined == kSplits);
  BOOST_TEST(totals.read == 11u * kSplits);
  BOOST_TEST(totals.records == 10u * kSplits);
  std::uint64_t scored = 0;
  for (const auto& row : whole.report().prequential.confusion_matrix)
    scored = std::accumulate(row.begin(), row.end(), scored);
  BOOST_TEST(scored == 10u * kSplits);
  BOOST_TEST(whole.report().window.records == 10u * kSplits);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_training_trainer_recut)

BOOST_AUTO_TEST_CASE(three_replicas_become_two_and_four_and_every_record_counts_once) {
  std::vector<TrainerState> states;
  states.push_back(learned({0}));
  states.push_back(learned({1, 2}));
  states.push_back(learned({3, 4}));
  check_whole(states);
  states = recut(states, {{0, 1}, {2, 3, 4}});
  check_whole(states);
  states = recut(states, {{0}, {1}, {2}, {3, 4}});
  check_whole(states);
  BOOST_TEST(states[2].splits.size() == 1u);
  states = recut(states, {{}, {0, 1, 2, 3, 4}});
  check_whole(states);
}

BOOST_AUTO_TEST_CASE(what_was_stored_again_is_the_same) {
  std::vector<TrainerState> states;
  states.push_back(learned({0, 1}));
  states.push_back(learned({2, 3, 4}));
  for (const auto& state : recut(states, {{0}, {1, 2}, {3, 4}})) {
    const Bytes bytes = state.encode();
    const auto decoded = TrainerState::decode(bytes);
    BOOST_REQUIRE(decoded.is_ok());
    BOOST_TEST((decoded.value().encode() == bytes));
  }
}

BOOST_AUTO_TEST_CASE(elastic_replicas_stand_where_old_ones_stood_counted_round) {
  std::vector<TrainerState> states;
  states.push_back(learned({0, 1}));
  states.push_back(learned({2, 3, 4}));
  const auto made = recut(states, {{0}, {1}, {2}, {3, 4}});
  for (std::size_t replica = 0; replica < made.size(); ++replica)
    BOOST_TEST((made[replica].replica.theta == states[replica % 2].replica.theta));
}

BOOST_AUTO_TEST_CASE(no_more_broken_records_are_kept_than_a_replica_keeps) {
  std::vector<TrainerState> states;
  states.push_back(learned({0, 1}));
  states.push_back(learned({2, 3, 4}));
  for (auto& state : states)
    state.quarantine.resize(limits::kQuarantineEntriesKept - 1, state.quarantine.front());
  const auto made = recut(states, {{0, 1, 2, 3, 4}});
  BOOST_TEST(made[0].quarantine.size() == limits::kQuarantineEntriesKept);
}

BOOST_AUTO_TEST_CASE(a_split_that_none_or_two_have_is_refused) {
  std::vector<TrainerState> states;
  states.push_back(learned({0, 1}));
  states.push_back(learned({1, 2}));
  const auto code = [&](const std::vector<std::uint32_t>& splits) {
    return recut_trainer_state(states, ReplicaId(0), ids(splits), empty_state()).status().code();
  };
  BOOST_TEST((code({0, 1}) == Code::corrupted));
  BOOST_TEST((code({0, 3}) == Code::corrupted));
  BOOST_TEST((code({0, 2}) == Code::ok));
}

BOOST_AUTO_TEST_CASE(figures_of_another_job_are_refused) {
  std::vector<TrainerState> states;
  states.emplace_back(Evaluation(Task::multiclass, 3, 100));
  const auto made = recut_trainer_state(states, ReplicaId(0), {}, empty_state());
  BOOST_TEST((made.status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
