// Two coordinators append to one commit log over networks that fail at random: what one of them
// took for committed is in the log, in its order, and nobody else's stands between.
#include <cstdlib>
#include <deque>
#include <thread>

#include "common/base/random.hpp"
#include "common/store/checkpoint_reader.hpp"
#include "common/store/commit_log_store.hpp"
#include "common/store/state_db.hpp"
#include "coordinator/core/commit_log.hpp"
#include "tests/integration/s3_store/lossy_network.hpp"

BOOST_AUTO_TEST_SUITE(s3_store_commit_log)

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr int kTurnsMax = 3'000;

// A commit log and the shell that carries out what it decides.
class Writer {
 public:
  Writer(CheckpointStore& store, const std::string& name)
      : store_(store), log_({.writer = name, .snapshot_every = 4}) {}

  // Takes over, then completes and retires cuts until it is deposed or has committed so many
  // entries.
  void run(std::size_t entries) {
    execute(log_.take_over());
    for (int turn = 0; turn < kTurnsMax && !is_over_ && committed_.size() < entries; ++turn) {
      if (!log_.is_idle()) {
        execute(log_.retry());
        continue;
      }
      const auto newest = log_.state().newest_complete();
      const bool retires = newest && log_.state().complete().size() > 2;
      execute(retires ? log_.retire(log_.state().complete().begin()->first)
                      : log_.complete(log_.state().next_cut()));
    }
  }

  const std::vector<CommitEntry>& committed() const { return committed_; }
  bool is_deposed() const { return log_.is_deposed(); }
  const Status& failure() const { return failure_; }

 private:
  void execute(std::vector<LogEffect> effects) {
    std::deque<LogEffect> queue(effects.begin(), effects.end());
    while (!queue.empty()) {
      const auto effect = std::move(queue.front());
      queue.pop_front();
      for (auto& next : execute_one(effect)) queue.push_back(std::move(next));
    }
  }

  std::vector<LogEffect> execute_one(const LogEffect& effect) {
    if (const auto* list = std::get_if<ListLog>(&effect))
      return log_.on_listed({list->query, store_.newest()});
    if (const auto* read = std::get_if<ReadLog>(&effect))
      return log_.on_read({read->index, store_.read(read->index)});
    if (const auto* write = std::get_if<WriteLog>(&effect)) return log_.on_written(put(*write));
    if (const auto* trim = std::get_if<TrimLog>(&effect)) (void)store_.trim(trim->below);
    if (const auto* done = std::get_if<LogCommitted>(&effect)) committed_.push_back(done->entry);
    if (std::holds_alternative<LogDeposed>(effect)) is_over_ = true;
    if (const auto* failed = std::get_if<LogFailed>(&effect)) {
      failure_ = failed->status;
      is_over_ = true;
    }
    return {};
  }

  LogWritten put(const WriteLog& order) {
    const auto put = store_.write(order.index, order.entry);
    if (put.is_ok())
      return {order.index, put.value().created ? WriteOutcome::created : WriteOutcome::exists, {}};
    return {order.index,
            is_ambiguous(put.status()) ? WriteOutcome::ambiguous : WriteOutcome::failed,
            put.status()};
  }

  CommitLogStore store_;
  CommitLog log_;
  std::vector<CommitEntry> committed_;
  Status failure_;
  bool is_over_ = false;
};

std::uint64_t seed_of_this_run() {
  const char* given = std::getenv("MILLRACE_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

// Every sixth request meets a fault, stalls seldom since each takes a second.
LossyNetwork::FaultOf random_faults(std::uint64_t seed) {
  return [seed, count = std::make_shared<std::atomic<std::uint64_t>>(0)](const HttpRequest&) {
    RandomStream random(seed, count->fetch_add(1));
    if (random.below(6) != 0) return Fault::none;
    const auto fault = kFaults[random.below(std::size(kFaults))];
    const bool stalls = fault == Fault::stalled_before || fault == Fault::stalled_after;
    return stalls && random.below(10) != 0 ? Fault::cut_after : fault;
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(of_two_coordinators_on_failing_networks_only_the_last_commits) {
  const auto seed = seed_of_this_run();
  BOOST_TEST_MESSAGE("MILLRACE_SEED=" << seed);
  const TemporaryFolder folder;
  std::size_t committed = 0;
  for (std::uint64_t round = 0; round < 6; ++round) {
    const auto job = folder.path().filename().string() + "-" + std::to_string(round);
    LossyNetwork first_network(random_faults(mix64(seed) + 2 * round));
    LossyNetwork second_network(random_faults(mix64(seed) + 2 * round + 1));
    LossyNetwork calm([](const HttpRequest&) { return Fault::none; });
    // One attempt: every fault reaches the log, which settles it by reading back.
    const int attempts = round % 2 == 0 ? 1 : 4;
    const auto first_store = first_network.open(job, attempts);
    const auto second_store = second_network.open(job, attempts);
    Writer first(*first_store, "first"), second(*second_store, "second");
    {
      const std::jthread one([&] { first.run(30); });
      const std::jthread two([&] { second.run(30); });
    }
    for (const auto* writer : {&first, &second}) {
      BOOST_TEST(writer->failure().is_ok(), writer->failure().message());
      BOOST_TEST((writer->is_deposed() || writer->committed().size() >= 30));
      committed += writer->committed().size();
    }
    const auto calm_store = calm.open(job);
    const auto entries = CommitLogStore(*calm_store).read_all();
    BOOST_REQUIRE_MESSAGE(entries.is_ok(), entries.status().message());
    LogState state;
    for (const auto& entry : entries.value()) BOOST_TEST(state.apply(entry).is_ok());
    // Who leads now has seen its last entry become the log's last one, or the one before it.
    // (One that had all its entries before the other took over never hears of that.)
    const auto& leader = state.writer() == "first" ? first : second;
    BOOST_TEST(!leader.is_deposed());
    BOOST_REQUIRE(!leader.committed().empty());
    const auto& last = leader.committed().back();
    const auto found = std::find(entries.value().begin(), entries.value().end(), last);
    BOOST_TEST((found != entries.value().end()));
    BOOST_TEST((entries.value().end() - found <= 2));
    // Terms only rise, and a deposed writer's term is below.
    for (std::size_t i = 1; i < entries.value().size(); ++i) {
      BOOST_TEST((entries.value()[i - 1].term <= entries.value()[i].term));
    }
  }
  BOOST_TEST(committed > 100u);
}

BOOST_AUTO_TEST_SUITE_END()
