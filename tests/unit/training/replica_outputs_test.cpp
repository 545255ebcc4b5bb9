#include "worker/sinks/replica_outputs.hpp"

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>

#include "worker/sinks/output_messages.hpp"

namespace millrace {
namespace {

using Lock = std::lock_guard<std::mutex>;

// A sink with transactions and fencing, in memory.
struct Sink {
  struct Lane {
    std::optional<LaneMark> mark;
    std::vector<std::string> values;
    std::uint64_t owner = 0;
  };
  std::mutex mutex;
  std::map<LaneName, Lane> lanes;
  std::uint64_t openings = 0;
  bool is_away = false;
  bool loses_answers = false;  // commits, and says that it may not have

  std::vector<std::string> values(const LaneName& name) {
    const Lock lock(mutex);
    return lanes[name].values;
  }
  MakeChannel channels();
};

class Channel final : public OutputChannel {
 public:
  Channel(Sink& sink, LaneName name) : sink_(sink), name_(name) {}

  Result<std::optional<LaneMark>> open(const std::stop_token&) override {
    const Lock lock(sink_.mutex);
    if (sink_.is_away) return Status(Code::unreachable, "away");
    owner_ = ++sink_.openings;
    sink_.lanes[name_].owner = owner_;
    return sink_.lanes[name_].mark;
  }
  Status write(const OutputBatch& batch, const LaneMark& mark, const std::stop_token&) override {
    const Lock lock(sink_.mutex);
    auto& lane = sink_.lanes[name_];
    if (sink_.is_away) return Status(Code::unreachable, "away");
    if (lane.owner != owner_) return Status(Code::conflict, "fenced");
    OutputBatch::Cursor cursor(batch);
    OutputMessage message;
    while (cursor.next(message)) lane.values.emplace_back(message.value.value_or("(null)"));
    lane.mark = mark;
    return sink_.loses_answers ? Status(Code::timed_out, "no answer") : Status();
  }

 private:
  Sink& sink_;
  const LaneName name_;
  std::uint64_t owner_ = 0;
};

MakeChannel Sink::channels() {
  return [this](const LaneName& name) { return std::make_unique<Channel>(*this, name); };
}

constexpr LaneName lane(std::uint32_t number) {
  return {OutputKind::predictions, number};
}

// The outputs of one replica, and what they tell.
struct Replica {
  std::mutex mutex;
  std::condition_variable changed;
  CutId released;
  std::vector<std::string> warnings;
  Status failure;
  std::unique_ptr<ReplicaOutputs> outputs;

  Replica(Sink& sink, CutId complete = {}, std::vector<LaneState> lanes = {},
          std::uint32_t replica = 0, std::uint64_t incarnation = 1) {
    ReplicaOutputsOptions options;
    options.replica = ReplicaId(replica);
    options.kinds = {OutputKind::predictions};
    options.complete = complete;
    options.lanes = std::move(lanes);
    options.channels = sink.channels();
    options.draw = [incarnation] { return incarnation; };
    options.listener.on_warning = [this](const LaneName&, std::string text) {
      const Lock lock(mutex);
      warnings.push_back(std::move(text));
      changed.notify_all();
    };
    options.listener.on_failed = [this](Status status) {
      const Lock lock(mutex);
      failure = std::move(status);
      changed.notify_all();
    };
    options.on_released = [this](CutId cut) {
      const Lock lock(mutex);
      released = std::max(released, cut);
      changed.notify_all();
    };
    outputs = std::make_unique<ReplicaOutputs>(std::move(options));
    outputs->start();
  }
  void put(const std::string& value) {
    outputs->pending(OutputKind::predictions)->add(value, value);
  }
  template <typename Claim>
  void wait_for(Claim claim) {
    std::unique_lock lock(mutex);
    BOOST_REQUIRE(changed.wait_for(lock, std::chrono::seconds(60), claim));
  }
  void wait_released(CutId cut) {
    wait_for([&] { return released >= cut; });
  }
};

using Values = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_sinks_replica_outputs)

BOOST_AUTO_TEST_CASE(what_was_put_out_is_written_once_its_cut_is_complete) {
  Sink sink;
  Replica replica(sink);
  replica.put("a");
  replica.outputs->close(CutId(1));
  replica.put("b");
  BOOST_TEST(replica.outputs->lanes()[0].batches.size() == 1u);
  BOOST_TEST(sink.values(lane(0)).empty());
  replica.outputs->complete(CutId(1));
  replica.wait_released(CutId(1));
  BOOST_TEST((sink.values(lane(0)) == Values{"a"}));
  BOOST_TEST(replica.outputs->lanes()[0].batches.empty());
  BOOST_TEST(replica.outputs->bytes() == replica.outputs->bytes_pending());
}

BOOST_AUTO_TEST_CASE(a_restored_checkpoint_brings_what_is_missing_and_nothing_twice) {
  for (const bool was_released : {false, true}) {
    Sink sink;
    std::vector<LaneState> stored;
    {
      Replica replica(sink);
      replica.put("a");
      replica.outputs->close(CutId(1));
      replica.put("b");
      replica.outputs->close(CutId(2));
      ByteWriter writer;
      encode_lanes(replica.outputs->lanes(), writer);
      ByteReader reader(writer.view());
      auto decoded = decode_lanes(reader);
      BOOST_REQUIRE(decoded.is_ok());
      stored = std::move(decoded).value();
      if (was_released) {
        replica.outputs->complete(CutId(2));
        replica.wait_released(CutId(2));
      }
    }
    Replica restored(sink, CutId(2), stored);
    restored.outputs->complete(CutId(2));
    restored.wait_released(CutId(2));
    BOOST_TEST((sink.values(lane(0)) == Values{"a", "b"}));
  }
}

BOOST_AUTO_TEST_CASE(a_writer_that_was_replaced_writes_nothing_any_more) {
  Sink sink;
  Replica zombie(sink);
  zombie.put("a");
  zombie.outputs->close(CutId(1));
  const auto stored = zombie.outputs->lanes();
  zombie.outputs->complete(CutId(1));
  zombie.wait_released(CutId(1));
  zombie.put("never");
  zombie.outputs->close(CutId(2));  // never complete

  Replica next(sink, CutId(1), stored);
  next.put("b");
  next.outputs->close(CutId(3));
  next.outputs->complete(CutId(3));
  next.wait_released(CutId(3));
  zombie.outputs->complete(CutId(1));  // said again, late
  BOOST_TEST((sink.values(lane(0)) == Values{"a", "b"}));
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_lost_leads_to_no_repetition) {
  Sink sink;
  Replica replica(sink);
  replica.put("a");
  replica.outputs->close(CutId(1));
  {
    const Lock lock(sink.mutex);
    sink.loses_answers = true;
  }
  replica.outputs->complete(CutId(1));
  replica.wait_released(CutId(1));
  BOOST_TEST((sink.values(lane(0)) == Values{"a"}));
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_away_is_told_once_and_written_to_when_it_is_back) {
  Sink sink;
  sink.is_away = true;
  Replica replica(sink);
  replica.put("a");
  replica.outputs->close(CutId(1));
  replica.outputs->complete(CutId(1));
  replica.wait_for([&] { return !replica.warnings.empty(); });
  BOOST_TEST(replica.outputs->is_behind());
  {
    const Lock lock(sink.mutex);
    sink.is_away = false;
  }
  replica.wait_released(CutId(1));
  BOOST_TEST((sink.values(lane(0)) == Values{"a"}));
  BOOST_TEST(replica.warnings.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_job_begun_afresh_does_not_believe_the_mark_of_the_one_before) {
  Sink sink;
  {
    Replica before(sink);
    before.put("old");
    before.outputs->close(CutId(5));
    before.outputs->complete(CutId(5));
    before.wait_released(CutId(5));
  }
  Replica afresh(sink, {}, {}, 0, 2);
  afresh.put("new");
  afresh.outputs->close(CutId(1));
  afresh.outputs->complete(CutId(1));
  afresh.wait_released(CutId(1));
  BOOST_TEST((sink.values(lane(0)) == Values{"old", "new"}));
}

BOOST_AUTO_TEST_CASE(fewer_replicas_settle_the_lanes_of_those_that_are_gone) {
  Sink sink;
  std::vector<LaneState> all;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Replica replica(sink, {}, {}, i);
    replica.put("of " + std::to_string(i));
    replica.outputs->close(CutId(1));
    std::ranges::move(replica.outputs->lanes(), std::back_inserter(all));
  }
  BOOST_TEST(lanes_of(all, ReplicaId(0), 2).size() == 2u);
  BOOST_TEST(lanes_of(all, ReplicaId(1), 2).size() == 1u);
  for (std::uint32_t i = 0; i < 2; ++i) {
    Replica replica(sink, CutId(1), lanes_of(all, ReplicaId(i), 2), i);
    replica.outputs->complete(CutId(1));
    replica.wait_released(CutId(1));
    BOOST_TEST(replica.outputs->lanes().size() == 1u);
  }
  for (std::uint32_t i = 0; i < 3; ++i)
    BOOST_TEST((sink.values(lane(i)) == Values{"of " + std::to_string(i)}));
}

BOOST_AUTO_TEST_CASE(stored_batches_whose_lengths_lie_are_refused) {
  OutputBatch batch;
  const OutputHeader header{"reason", "none"};
  batch.add("key", std::nullopt, std::span(&header, 1));
  batch.add(std::nullopt, "");
  BOOST_TEST(OutputBatch::decode(2, batch.bytes()).is_ok());
  BOOST_TEST(!OutputBatch::decode(3, batch.bytes()).is_ok());
  for (std::size_t size = 1; size < batch.bytes().size(); ++size) {
    Bytes cut(batch.bytes().begin(), batch.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    BOOST_TEST(!OutputBatch::decode(2, cut).is_ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(worker_sinks_output_messages)

BOOST_AUTO_TEST_CASE(a_prediction_says_which_record_it_is_of) {
  Schema schema;
  schema.task = Task::binary;
  schema.classes = {"no", "say \"yes\""};
  const Dictionary dictionary(schema, {8});
  MicroBatch batch(2, 0, 0);
  batch.split = SplitId(3);
  batch.rows = 2;
  batch.offsets = {Offset(10), Offset(11)};
  batch.labels = {1.0f, 0.0f};
  OutputBatch into;
  PredictionMessages messages("job", Task::binary, 1);
  messages.add(batch, std::vector<float>{0.75f, 0.25f}, dictionary, into);
  OutputBatch::Cursor cursor(into);
  OutputMessage message;
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(*message.key == "3:10");
  BOOST_TEST(*message.value ==
             "{\"job\":\"job\",\"split\":3,\"offset\":10,\"prediction\":\"say \\\"yes\\\"\","
             "\"probabilities\":{\"no\":0.25,\"say \\\"yes\\\"\":0.75},\"label\":\"say "
             "\\\"yes\\\"\"}");
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(*message.key == "3:11");
  BOOST_TEST(message.value->find("\"prediction\":\"no\"") != std::string_view::npos);
  BOOST_TEST(!cursor.next(message));
}

BOOST_AUTO_TEST_CASE(a_predicted_number_is_a_number_or_null) {
  MicroBatch batch(2, 0, 0);
  batch.rows = 2;
  batch.offsets = {Offset(0), Offset(1)};
  batch.labels = {1.5f, 2.0f};
  OutputBatch into;
  PredictionMessages messages("job", Task::regression, 1);
  messages.add(batch, std::vector<float>{1.25f, std::numeric_limits<float>::infinity()},
               Dictionary(), into);
  OutputBatch::Cursor cursor(into);
  OutputMessage message;
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(*message.value ==
             "{\"job\":\"job\",\"split\":0,\"offset\":0,\"prediction\":1.25,\"label\":1.5}");
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(message.value->find("\"prediction\":null") != std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_the_message_as_it_was_and_says_why) {
  DeadLetter letter;
  letter.entry = {SplitId(2), Offset(77), "speed", "'abc' is not a number", "cut"};
  letter.key = "k";
  letter.value = "1.5,abc\nred";
  OutputBatch into;
  add_dead_letter(letter, "job", "clicks", into);
  letter.value = std::string(2'000'000, 'x');
  add_dead_letter(letter, "job", "clicks", into);
  letter.value = std::nullopt;
  add_dead_letter(letter, "job", "clicks", into);
  OutputBatch::Cursor cursor(into);
  OutputMessage message;
  const auto header = [&](std::string_view name) {
    const auto found = std::ranges::find(message.headers, name, &OutputHeader::name);
    return found == message.headers.end() ? std::string() : std::string(found->value);
  };
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(*message.value == "1.5,abc\nred");
  BOOST_TEST(*message.key == "k");
  BOOST_TEST(header("reason") == "'abc' is not a number");
  BOOST_TEST(header("column") == "speed");
  BOOST_TEST(header("topic") == "clicks");
  BOOST_TEST(header("partition") == "2");
  BOOST_TEST(header("offset") == "77");
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(message.value->size() < 1'000'000u);
  BOOST_TEST(header("truncated_value_of_bytes") == "2000000");
  BOOST_REQUIRE(cursor.next(message));
  BOOST_TEST(!message.value.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
