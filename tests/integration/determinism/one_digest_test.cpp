// `synchronous` gives one digest and the same figures to the bit, whatever interval its checkpoints
// have, whoever is killed when, however many workers host its replicas, with which instruction set
// each life of it computes.
#include <hwy/targets.h>

#include <boost/test/unit_test.hpp>

#include "common/base/random.hpp"
#include "tests/integration/determinism/life.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

constexpr std::uint64_t kRecords = 24'000;
constexpr int kKillsMax = 6;  // of one job; the life after that is left alone

struct Shape {
  const char* name;
  std::uint32_t parallelism;
  const char* more;
};

// 0: as fast as it goes.
std::string job(const Shape& shape, std::uint64_t rate, const char* interval) {
  const std::string limit = rate == 0 ? "" : ", max_records_per_second: " + std::to_string(rate);
  return "version: 1\nname: one\nsource: {kind: generator, generator: {name: sea, records: " +
         std::to_string(kRecords) + "}" + limit +
         "}\nschema: {label: label}\nmerge: {mode: synchronous}\nseed: 11\nparallelism: " +
         std::to_string(shape.parallelism) + "\ncheckpoint: {interval: " + interval +
         ", retain: 2}\n" + shape.more;
}

struct Target {
  const char* name;
  std::int64_t target;
};

const std::vector<Target>& targets() {
  static const std::vector<Target> present = [] {
    std::vector<Target> found;
    for (const Target& target : {Target{"AVX-512", HWY_AVX3}, Target{"AVX2", HWY_AVX2}}) {
      if (test::has_target(target.target)) {
        found.push_back(target);
      } else {
        BOOST_TEST_MESSAGE("skipped: this machine has no " << target.name);
      }
    }
    return found;
  }();
  return present;
}

class OneDigest {
 public:
  explicit OneDigest(const Shape& shape) : shape_(shape), random_(test::seed(), shape.parallelism) {
    BOOST_REQUIRE(!targets().empty());
  }

  // Without a kill, and with no checkpoint but the last one.
  std::string undisturbed(const Target& target, std::uint32_t workers) {
    return test::live(life(target, workers, 0, "1h", "undisturbed-" + std::to_string(++runs_)),
                      outcome());
  }

  // Each life with an interval, workers and an instruction set of its own. The slow ones complete
  // a checkpoint every few micro-batches.
  std::string disturbed() {
    static constexpr const char* kIntervals[] = {"50ms", "50ms", "120ms", "400ms", "1h"};
    static constexpr std::uint64_t kRates[] = {2'000, 20'000, 40'000};
    const std::string state = "disturbed-" + std::to_string(++runs_);
    for (int i = 0; i < kKillsMax; ++i) {
      const auto one = life(targets()[random_.below(targets().size())], draw_workers(),
                            kRates[random_.below(3)], kIntervals[random_.below(5)], state);
      const std::chrono::milliseconds moment(80 + random_.below(700));
      if (const auto ended = test::live_until(one, outcome(), moment)) return *ended;
      ++kills_;
    }
    return test::live(
        life(targets()[random_.below(targets().size())], draw_workers(), 0, "50ms", state),
        outcome());
  }

  std::uint32_t draw_workers() { return 1 + static_cast<std::uint32_t>(random_.below(3)); }
  int kills() const { return kills_; }

 private:
  std::filesystem::path outcome() const { return folder_.path() / "outcome"; }
  test::Life life(const Target& target, std::uint32_t workers, std::uint64_t rate,
                  const char* interval, const std::string& state) {
    test::Life life{target.target, job(shape_, rate, interval), {}};
    life.run.state_folder = (folder_.path() / state).string();
    life.run.workers = workers;
    life.run.by_message = random_.below(2) == 0;
    return life;
  }

  Shape shape_;
  RandomStream random_;
  test::TemporaryFolder folder_;
  int runs_ = 0;
  int kills_ = 0;
};

void check_shape(const Shape& shape) {
  BOOST_TEST_CONTEXT(shape.name << " with " << shape.parallelism << " replicas") {
    OneDigest one(shape);
    const std::string expected = one.undisturbed(targets().front(), 1);
    BOOST_TEST(expected.find(std::to_string(kRecords)) != std::string::npos, expected);
    for (const Target& target : targets()) {
      BOOST_TEST(one.undisturbed(target, one.draw_workers()) == expected, target.name);
    }
    for (int i = 0; i < 2; ++i) BOOST_TEST(one.disturbed() == expected);
    BOOST_TEST(one.kills() > 0);
    BOOST_TEST_MESSAGE(one.kills() << " kills");
  }
}

BOOST_AUTO_TEST_SUITE(integration_determinism)

BOOST_AUTO_TEST_CASE(kills_checkpoints_workers_and_instruction_sets_leave_one_digest) {
  check_shape({"a logistic model learned online", 2, "model: {kind: logistic}\n"});
  check_shape({"a network in mini-batches", 3,
               "model: {kind: mlp, layers: [24, 16], dropout: [0.2, 0.1]}\n"
               "optimizer: {kind: adam, learning_rate: 0.003}\n"
               "training: {mode: mini_batch, batch_size: 32}\n"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
