#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"
#include "tests/compat/actor_messages.hpp"
#include "tests/compat/golden.hpp"

namespace millrace {
namespace {

using test::golden_frames, test::read_golden;

constexpr std::size_t kEnvelopeBytes = 4;
// Above it a byte takes three values instead of all: a job file is parsed for each.
constexpr std::size_t kSmallFrameBytes = 512;

ByteView without_envelope(ByteView frame) {
  return frame.subspan(kEnvelopeBytes);
}

// The same message but for the version that wrote it.
bool is_same(ByteView a, ByteView b) {
  return as_text(without_envelope(a)) == as_text(without_envelope(b));
}

bool is_expected(const Status& status) {
  return status.code() == Code::corrupted || status.code() == Code::unsupported_format;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_actors_codec)

// Run once when a message gains a format version: `compat --run_test=*/write_golden_frames`.
BOOST_AUTO_TEST_CASE(write_golden_frames, *boost::unit_test::disabled()) {
  for (const char* format : {"v1/actors", "v2/actors"}) {
    std::filesystem::create_directories(test::golden_path(format));
  }
  for (const auto& golden : golden_frames()) test::write_golden(golden.name, golden.frame);
}

BOOST_AUTO_TEST_CASE(frames_of_every_format_are_understood) {
  for (const auto& golden : golden_frames()) {
    const Bytes stored = read_golden(golden.name);
    const auto passed = golden.pass(stored);
    BOOST_TEST_CONTEXT(golden.name) {
      BOOST_REQUIRE_MESSAGE(passed.is_ok(), passed.status().message());
      // The example of today is the message of then.
      BOOST_TEST((passed.value() == golden.frame));
      if (golden.is_canonical) BOOST_TEST((stored == golden.frame));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_order_to_start_keeps_what_it_says) {
  const auto decoded =
      decode_message<order::StartAttempt>(read_golden("v2/actors/start_attempt.bin"));
  BOOST_REQUIRE_MESSAGE(decoded.is_ok(), decoded.status().message());
  const auto& start = decoded.value();
  const auto expected = test::example_start();
  BOOST_TEST((start.attempt == expected.attempt));
  BOOST_TEST((start.job->spec == expected.job->spec));
  BOOST_TEST(start.job->shards == 2u);
  BOOST_TEST(start.job->splits.size() == 3u);
  BOOST_TEST(start.job->fingerprint == expected.job->fingerprint);
  BOOST_TEST(start.store_url == expected.store_url);
  BOOST_REQUIRE(start.replicas.size() == 2u);
  BOOST_TEST((start.replicas[0].splits == expected.replicas[0].splits));
  BOOST_TEST((start.shards == expected.shards));
  BOOST_TEST((start.restored->parts == expected.restored->parts));
  BOOST_TEST((start.restored->replicas == expected.restored->replicas));
  BOOST_TEST((start.restored->shards == expected.restored->shards));
  BOOST_TEST((start.restored->ledger == expected.restored->ledger));
}

// Format 1 had no terms: such an order is obeyed by nobody who has heard of a coordinator.
BOOST_AUTO_TEST_CASE(orders_of_format_1_have_no_term) {
  const auto term_of = []<typename Message>(const char* name, const Message&) {
    auto decoded = decode_message<Message>(read_golden(name));
    BOOST_REQUIRE_MESSAGE(decoded.is_ok(), decoded.status().message());
    BOOST_TEST((decoded.value().attempt == Attempt(3)));
    return decoded.value().term;
  };
  BOOST_TEST((term_of("v1/actors/start_attempt.bin", order::StartAttempt()) == Term(0)));
  BOOST_TEST((term_of("v1/actors/stop_attempt.bin", order::StopAttempt()) == Term(0)));
  BOOST_TEST((term_of("v1/actors/trigger_cut.bin", order::TriggerCut()) == Term(0)));
  BOOST_TEST((term_of("v1/actors/abort_cut.bin", order::AbortCut()) == Term(0)));
  BOOST_TEST((term_of("v1/actors/send_shards.bin", order::SendShards()) == Term(0)));
  const auto registered =
      decode_message<RegisterWorker>(read_golden("v1/actors/register_worker.bin"));
  BOOST_REQUIRE(registered.is_ok());
  BOOST_TEST(!registered.value().running.has_value());
}

BOOST_AUTO_TEST_CASE(lists_are_held_against_their_limits) {
  const auto is_sent = [](const auto& message) { return encode_message(message).is_ok(); };
  JoinCluster join{test::example_outline(), {}, {}, {}};
  join.outline.labels.assign(limits::kLabelsMax, {"a", "b"});
  join.jobs.assign(limits::kHostedJobsMax, {"job", Term(1), {}, {}});
  BOOST_TEST(is_sent(join));
  join.outline.labels.push_back({"a", "b"});
  BOOST_TEST(!is_sent(join));
  join.outline.labels.clear();
  join.jobs.push_back({"job", Term(1), {}, {}});
  BOOST_TEST(!is_sent(join));

  JoinChallenge challenge{Bytes(limits::kNonceBytesMax), {}};
  challenge.proof = {std::string(limits::kCertificateBytesMax, 'x'),
                     Bytes(limits::kSignatureBytesMax)};
  BOOST_TEST(is_sent(challenge));
  challenge.nonce.emplace_back();
  BOOST_TEST(!is_sent(challenge));
  challenge.nonce.clear();
  challenge.proof.certificate += 'x';
  BOOST_TEST(!is_sent(challenge));
  challenge.proof.certificate.clear();
  challenge.proof.signature.emplace_back();
  BOOST_TEST(!is_sent(challenge));

  JobPrepared prepared;
  prepared.worker = WorkerId(1);
  prepared.notes.assign(limits::kNotesMax, "x");
  BOOST_TEST(is_sent(prepared));
  prepared.notes.emplace_back();
  BOOST_TEST(!is_sent(prepared));
  prepared.notes = {std::string(limits::kStringBytesMax + 1, 'x')};
  BOOST_TEST(!is_sent(prepared));

  ServeVersion serve;
  serve.aliases.resize(limits::kAliasesMax);
  BOOST_TEST(is_sent(serve));
  serve.aliases.emplace_back();
  BOOST_TEST(!is_sent(serve));

  order::StartAttempt start = test::example_start();
  start.peers.assign(limits::kWorkersMax, {WorkerId(2), {"host", 1}});
  BOOST_TEST(is_sent(start));
  start.peers.push_back({WorkerId(2), {"host", 1}});
  BOOST_TEST(!is_sent(start));
}

BOOST_AUTO_TEST_CASE(worker_0_and_peers_without_address_are_refused) {
  const auto refuses = []<typename Message>(const Message& message) {
    const auto frame = encode_message(message);
    BOOST_REQUIRE(frame.is_ok());
    BOOST_TEST((decode_message<Message>(frame.value().join()).status().code() == Code::corrupted));
  };
  refuses(AskToJoin{WorkerId(0), {}, {}});
  refuses(LeaveCluster{WorkerId(0), ""});
  refuses(JoinCluster{});
  order::StartAttempt start = test::example_start();
  start.peers[0].address.port = 0;
  refuses(start);
  start.peers[0].address = {"", 1};
  refuses(start);
}

BOOST_AUTO_TEST_CASE(an_order_to_start_that_does_not_hold_together_is_refused) {
  const auto refuses = [](const auto& damage) {
    order::StartAttempt start = test::example_start();
    order::RestorePlan restored = *start.restored;
    damage(start, restored);
    start.restored = std::make_shared<const order::RestorePlan>(restored);
    const auto frame = encode_message(start);
    BOOST_REQUIRE(frame.is_ok());
    const auto status = decode_message<order::StartAttempt>(frame.value().join()).status();
    BOOST_TEST((status.code() == Code::corrupted));
  };
  using Start = order::StartAttempt;
  using Plan = order::RestorePlan;
  refuses([](Start& start, Plan&) { start.replicas[1].replica = ReplicaId(2); });
  refuses([](Start& start, Plan&) { start.replicas[0].splits[1].split = SplitId(3); });
  refuses([](Start& start, Plan&) { start.shards[0] = ShardId(2); });
  refuses([](Start&, Plan& restored) { restored.replicas.clear(); });
  refuses([](Start&, Plan& restored) { restored.shards.clear(); });
  refuses([](Start& start, Plan&) {
    JobPackage package = *start.job;
    package.shards = 0;
    start.job = std::make_shared<const JobPackage>(package);
  });
  refuses([](Start& start, Plan&) {
    JobPackage package = *start.job;
    package.spec.merge->every.reset();  // printed as absent, and then nobody has decided it
    start.job = std::make_shared<const JobPackage>(package);
  });
}

BOOST_AUTO_TEST_CASE(an_order_to_start_from_a_checkpoint_of_another_parallelism_is_taken) {
  for (const std::size_t count : {1u, 5u}) {
    order::StartAttempt start = test::example_start();
    order::RestorePlan restored = *start.restored;
    restored.replicas.resize(count, WorkerId(11));
    restored.shards.resize(count, WorkerId(12));
    start.restored = std::make_shared<const order::RestorePlan>(restored);
    const auto frame = encode_message(start);
    BOOST_REQUIRE(frame.is_ok());
    const auto decoded = decode_message<order::StartAttempt>(frame.value().join());
    BOOST_REQUIRE_MESSAGE(decoded.is_ok(), decoded.status().message());
    BOOST_TEST((decoded.value().restored->replicas == restored.replicas));
    BOOST_TEST((decoded.value().restored->shards == restored.shards));
  }
}

BOOST_AUTO_TEST_CASE(an_entry_and_an_answer_keep_their_payloads_bit_for_bit) {
  const auto entry = decode_message<Entry>(read_golden("v1/actors/entry_push.bin"));
  BOOST_REQUIRE(entry.is_ok());
  const auto& push = static_cast<const ParameterPush&>(*entry.value().payload);
  const auto expected = test::example_push();
  BOOST_TEST(push.layout_id == expected->layout_id);
  BOOST_TEST(push.rate_scale == expected->rate_scale);
  BOOST_REQUIRE(push.vectors.size() == 2u);
  BOOST_TEST((push.vectors[0].dense == expected->vectors[0].dense));
  BOOST_TEST((push.vectors[0].rows == expected->vectors[0].rows));
  BOOST_TEST((push.vectors[1].row_values == expected->vectors[1].row_values));
  BOOST_TEST((push.scalars == expected->scalars && push.statistics == expected->statistics));
  BOOST_TEST(push.proposals[1].text == "Genève");
  BOOST_TEST(entry.value().weight == 0.375);
  const auto answer = decode_message<Answer>(read_golden("v1/actors/answer_view.bin"));
  BOOST_REQUIRE(answer.is_ok());
  const auto& view = static_cast<const ParameterView&>(*answer.value().values);
  BOOST_TEST((view.vectors[0].rows == test::example_view()->vectors[0].rows));
  BOOST_TEST(view.dictionary->size() == 3u);
  const auto order = decode_message<Answer>(read_golden("v1/actors/answer_cut_order.bin"));
  BOOST_REQUIRE(order.is_ok());
  BOOST_TEST((order.value().cut_order == CutOrder{CutId(8), Round(13)}));
  BOOST_TEST((order.value().values == nullptr));
}

BOOST_AUTO_TEST_CASE(dense_numbers_of_a_rounded_payload_travel_in_two_bytes) {
  const auto whole = encode_message(test::example_entry()).value().size();
  const auto frame = encode_message(test::example_rounded_entry()).value();
  const auto expected = test::example_push();
  BOOST_TEST(frame.size() == whole - 2 * expected->vectors[0].dense.size());
  const auto entry = decode_message<Entry>(frame.join());
  BOOST_REQUIRE_MESSAGE(entry.is_ok(), entry.status().message());
  const auto& push = static_cast<const ParameterPush&>(*entry.value().payload);
  BOOST_TEST((push.precision == Precision::bfloat16));
  // Halves, quarters: they are numbers of that precision.
  BOOST_TEST((push.vectors[0].dense == expected->vectors[0].dense));
  BOOST_TEST((push.vectors[0].rows == expected->vectors[0].rows));
  BOOST_TEST((push.vectors[0].row_values == expected->vectors[0].row_values));
  BOOST_TEST((push.vectors[1].dense == expected->vectors[1].dense));
}

BOOST_AUTO_TEST_CASE(a_weight_that_is_no_share_is_refused) {
  for (const double weight : {-0.001, 1.001, std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity()}) {
    Entry entry = test::example_entry();
    entry.weight = weight;
    const Bytes frame = encode_message(entry).value().join();
    BOOST_TEST((decode_message<Entry>(frame).status().code() == Code::corrupted));
    Answer answer = test::example_answer();
    answer.recent_share = weight;
    const Bytes said = encode_message(answer).value().join();
    BOOST_TEST((decode_message<Answer>(said).status().code() == Code::corrupted));
  }
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
  for (const auto& golden : golden_frames()) {
    const Bytes stored = read_golden(golden.name);
    const bool may_be_shorter = golden.name.ends_with("/chunk.bin");  // its bytes go on to the end
    for (std::size_t size = 0; size < stored.size(); ++size) {
      const auto passed = golden.pass(ByteView(stored).first(size));
      if (passed.is_ok() && may_be_shorter) continue;
      BOOST_TEST_REQUIRE(is_expected(passed.status()), golden.name << " cut to " << size);
    }
    Bytes longer = stored;
    longer.push_back(std::byte{0});
    BOOST_TEST((may_be_shorter || !golden.pass(longer).is_ok()), golden.name);
  }
}

BOOST_AUTO_TEST_CASE(every_changed_byte_is_refused_or_gives_a_message) {
  std::size_t refused = 0, taken = 0;
  for (const auto& golden : golden_frames()) {
    const Bytes stored = read_golden(golden.name);
    for (std::size_t at = 0; at < stored.size(); ++at) {
      std::vector<std::byte> values{std::byte{0x00}, std::byte{0xFF}, ~stored[at]};
      if (stored.size() <= kSmallFrameBytes) {
        values.clear();
        for (int value = 0; value < 256; ++value) values.push_back(static_cast<std::byte>(value));
      }
      for (const auto value : values) {
        Bytes damaged = stored;
        damaged[at] = value;
        const auto passed = golden.pass(damaged);
        if (!passed.is_ok()) {
          BOOST_TEST_REQUIRE(is_expected(passed.status()), golden.name << " at " << at);
          ++refused;
          continue;
        }
        ++taken;
        // What was taken is a message like any other.
        BOOST_TEST_REQUIRE(golden.pass(passed.value()).is_ok(), golden.name << " at " << at);
        if (golden.is_canonical) {
          BOOST_TEST_REQUIRE(is_same(passed.value(), damaged), golden.name << " at " << at);
        }
      }
    }
  }
  BOOST_TEST(refused > 1'000u);
  BOOST_TEST(taken > 1'000u);
}

BOOST_AUTO_TEST_CASE(a_newer_format_is_refused_by_name) {
  for (const auto& golden : golden_frames()) {
    Bytes newer = read_golden(golden.name);
    newer[0] = newer[2] = std::byte{9};
    const auto status = golden.pass(newer).status();
    BOOST_TEST((status.code() == Code::unsupported_format), golden.name);
    BOOST_TEST(status.message().find("format 9") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_report_leaves_its_bulk_behind) {
  auto content = test::example_report(
      report::ShardContent{CutId(8), ShardId(1), std::make_shared<const Bytes>(Bytes(10))});
  content = without_bulk(std::move(content));
  BOOST_TEST((std::get<report::ShardContent>(content.what).state == nullptr));

  const auto with_figures = [](std::size_t bytes) {
    return without_bulk(test::example_report(report::ReplicaProgress{
        ReplicaId(1), {}, {}, std::make_shared<const Bytes>(Bytes(bytes))}));
  };
  const auto at_limit = with_figures(limits::kEvaluationBytesMax);
  BOOST_TEST(std::holds_alternative<report::ReplicaProgress>(at_limit.what));
  BOOST_TEST(encode_message(at_limit).is_ok());
  const auto beyond = with_figures(limits::kEvaluationBytesMax + 1);
  const auto* failed = std::get_if<report::AttemptFailed>(&beyond.what);
  BOOST_REQUIRE(failed != nullptr);
  BOOST_TEST((failed->status.code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
