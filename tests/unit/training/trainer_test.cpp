#include "worker/training/trainer.hpp"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "common/data/schema_inference.hpp"
#include "tests/support/temporary_folder.hpp"
#include "worker/training/shard_cell.hpp"

namespace millrace {
namespace {

using Loses = std::function<bool(const Entry&)>;

// A trainer with the one shard of its job in place of actors; `loses` says which entries never
// arrive.
class LoneTrainer final : public TrainerListener {
 public:
  LoneTrainer(const TrainingSetupPtr& setup, std::vector<SplitDescription> splits, Loses loses = {})
      : cell_(make_core(*setup)), loses_(std::move(loses)) {
    TrainerPlan plan;
    plan.setup = setup;
    plan.attempt = Attempt(1);
    plan.splits = std::move(splits);
    auto prepared = Trainer::prepare(std::move(plan), *this);
    BOOST_REQUIRE(prepared.is_ok());
    trainer_ = std::move(prepared).value();
  }

  // Trains until every record is learned or the trainer has failed.
  Status run() {
    trainer_->start();
    std::unique_lock lock(mutex_);
    const bool has_ended =
        ended_.wait_for(lock, std::chrono::minutes(2), [this] { return ending_.has_value(); });
    return has_ended ? *ending_ : Status(Code::timed_out, "the trainer waits for ever");
  }

  void send(Entry entry) override {
    if (loses_ && loses_(entry)) return;
    for (auto& effect : cell_.on_entry(entry)) {
      if (auto* answer = std::get_if<SendAnswer>(&effect)) trainer_->inbox()->post(answer->answer);
    }
  }
  void on_snapshot(TrainerCut) override {}
  void on_progress(TrainerProgress) override {}
  void on_finished() override { end({}); }
  void on_failed(Status status) override { end(std::move(status)); }

 private:
  static ShardCore make_core(const TrainingSetup& setup) {
    ShardOptions options;
    options.attempt = Attempt(1);
    options.mode = *setup.spec.merge->mode;
    auto values = std::make_unique<ParameterShard>(
        setup.shard_options(ShardId(0)), setup.initial_parameters(), setup.statistics_size,
        setup.initial_dictionary());
    return ShardCore(options, std::move(values), {}, CutId(0));
  }
  void end(Status status) {
    const std::lock_guard lock(mutex_);
    ending_ = std::move(status);
    ended_.notify_all();
  }

  ShardCell cell_;
  Loses loses_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Status> ending_;
  std::unique_ptr<Trainer> trainer_;  // last: its thread uses all of the above
};

// A linear model whose gradients the shard applies.
TrainingSetupPtr make_setup(const SourceSpec& source, const Schema& schema, ModelKind kind) {
  JobSpec spec;
  spec.source = source;
  spec.preprocess.emplace();
  spec.model.emplace().kind = kind;
  spec.optimizer.emplace().learning_rate = 1e-3;
  spec.training.emplace().mode = TrainingMode::mini_batch;
  spec.merge.emplace().mode = MergeMode::async_gradient;
  spec.merge->every = 1;
  auto setup = make_training_setup(spec, schema, 1);
  BOOST_REQUIRE_MESSAGE(setup.is_ok(), setup.status().message());
  return std::move(setup).value();
}

SplitDescription whole_file(std::uint32_t id, const std::string& path, std::size_t bytes) {
  SplitDescription split;
  split.id = SplitId(id);
  split.path = path;
  split.end = Offset(bytes);
  return split;
}

BOOST_AUTO_TEST_SUITE(unit_training_trainer)

BOOST_AUTO_TEST_CASE(a_gradient_that_was_lost_is_sent_again) {
  SourceSpec source;
  source.kind = SourceKind::generator;
  source.generator.records = 1'000;
  const Schema schema = generator_schema({}, source).value().schema;
  bool is_lost = false;
  LoneTrainer trainer(make_setup(source, schema, ModelKind::logistic),
                      plan_splits(source, "", 1).value(), [&](const Entry& entry) {
                        return entry.sequence == Sequence(3) && !std::exchange(is_lost, true);
                      });
  const Status ending = trainer.run();
  BOOST_TEST(ending.is_ok(), ending.message());
  BOOST_TEST(is_lost);
}

BOOST_AUTO_TEST_CASE(too_many_broken_records_are_not_explained_by_a_record_of_another_file) {
  const test::TemporaryFolder folder;
  SourceSpec source;
  source.csv.header = false;
  source.max_quarantined = 2;
  SchemaSpec declared;
  declared.label = "c2";
  declared.task = Task::regression;
  const Schema schema = infer_schema(declared, source, as_bytes("1,0.5\n"), true).value().schema;
  const std::string nearly_good = "1,0.5\nbroken\n";
  // More than one call of `fill` takes in, so that no batch of it is delivered before the bound.
  std::string broken;
  while (broken.size() < std::size_t{3} << 20) broken += "broken\n";
  const auto first = folder.write("first.csv", nearly_good);
  const auto second = folder.write("second.csv", broken);
  LoneTrainer trainer(
      make_setup(source, schema, ModelKind::linear),
      {whole_file(0, first, nearly_good.size()), whole_file(1, second, broken.size())});
  const Status ending = trainer.run();
  BOOST_TEST((ending.code() == Code::job_failed));
  BOOST_TEST(ending.message().find("second.csv") != std::string::npos);
  BOOST_TEST(ending.message().find("at offset") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
