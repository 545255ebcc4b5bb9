#include "worker/core/bulk_link.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>

#include "common/base/random.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/core/chunks.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using test::entry_of, test::kPiece;

constexpr std::size_t kLarge = limits::kWholeMessageBytesMax + 1;

BulkLinkOptions small_link() {
  BulkLinkOptions options;
  options.origin = WorkerId(1);
  options.piece_bytes = kPiece;
  options.window_first = 4 * kPiece;
  options.window_max = 8 * kPiece;
  options.waiting_max = 4;
  return options;
}

Frame frame(std::uint64_t seed, std::size_t bytes) {
  return Frame{test::pattern(seed, bytes), {}, {}};
}

std::vector<ChunkAck> acks_of(const std::vector<LinkEffect>& effects) {
  std::vector<ChunkAck> acks;
  for (const auto& effect : effects) {
    const auto* send = std::get_if<SendChunk>(&effect);
    if (send != nullptr) acks.push_back({send->chunk.transfer, send->chunk.index, false});
  }
  return acks;
}

// Acknowledges everything, `delay` after it was sent, until nothing is under way; counts chunks.
std::size_t drain(BulkLink& link, std::vector<LinkEffect> effects, milliseconds& now,
                  milliseconds delay = milliseconds(1)) {
  std::deque<ChunkAck> acks;
  std::size_t chunks = 0;
  while (true) {
    for (const auto& ack : acks_of(effects)) acks.push_back(ack), ++chunks;
    if (acks.empty()) return chunks;
    now += delay;
    effects = link.on_ack(acks.front(), now);
    acks.pop_front();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_core_bulk_link)

BOOST_AUTO_TEST_CASE(small_messages_leave_at_once_and_whole) {
  BulkLink link(small_link());
  const auto at_limit =
      link.send(entry_of(1), frame(1, limits::kWholeMessageBytesMax), milliseconds(0));
  BOOST_TEST(test::count<SendWhole>(at_limit) == 1u);
  BOOST_TEST(test::count<SendChunk>(at_limit) == 0u);
  const auto beyond = link.send(entry_of(2), frame(2, kLarge), milliseconds(0));
  BOOST_TEST(test::count<SendWhole>(beyond) == 0u);
  BOOST_TEST(test::count<SendChunk>(beyond) != 0u);
}

BOOST_AUTO_TEST_CASE(the_pieces_of_a_large_message_are_the_message) {
  BulkLink link(small_link());
  ChunkStage stage;
  const Bytes bytes = test::pattern(3, 3 * kLarge);
  std::deque<LinkEffect> effects;
  const auto add = [&](std::vector<LinkEffect> more) {
    for (auto& effect : more) effects.push_back(std::move(effect));
  };
  add(link.send(entry_of(1), Frame{bytes, {}, {}}, milliseconds(0)));
  bool is_whole = false;
  for (; !effects.empty(); effects.pop_front()) {
    const Chunk chunk = std::get<SendChunk>(effects.front()).chunk;
    for (const auto& staged : stage.on_chunk(chunk, milliseconds(0))) {
      if (const auto* ack = std::get_if<AcknowledgeChunk>(&staged)) {
        add(link.on_ack(ack->ack, milliseconds(0)));
      } else if (const auto* whole = std::get_if<MessageStaged>(&staged)) {
        is_whole = true;
        BOOST_TEST((as_text(whole->bytes()) == as_text(bytes)));
      }
    }
  }
  BOOST_TEST(is_whole);
  BOOST_TEST(link.is_idle());
}

BOOST_AUTO_TEST_CASE(no_more_than_the_window_is_under_way) {
  BulkLink link(small_link());
  auto effects = link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  BOOST_TEST(test::count<SendChunk>(effects) == 4u);
  BOOST_TEST(link.unacknowledged() == small_link().window_first);
  std::deque<ChunkAck> acks;
  milliseconds now{0};
  do {
    for (const auto& ack : acks_of(effects)) acks.push_back(ack);
    BOOST_TEST_REQUIRE(link.unacknowledged() <= link.window());
    BOOST_TEST_REQUIRE(link.window() <= small_link().window_max);
    effects = link.on_ack(acks.front(), ++now);
    acks.pop_front();
  } while (!acks.empty() || !effects.empty());
  BOOST_TEST(link.window() == small_link().window_max);
  BOOST_TEST(link.is_idle());
}

BOOST_AUTO_TEST_CASE(a_small_message_waits_behind_a_large_one) {
  BulkLink link(small_link());
  milliseconds now{0};
  auto effects = link.send(entry_of(1), frame(1, kLarge), now);
  BOOST_TEST(link.send(entry_of(2), frame(2, 100), now).empty());
  std::size_t chunks = 0;
  bool has_left = false;
  std::deque<ChunkAck> acks;
  while (true) {
    for (const auto& effect : effects) {
      if (const auto* chunk = std::get_if<SendChunk>(&effect)) {
        BOOST_TEST(!has_left);
        ++chunks;
        acks.push_back({chunk->chunk.transfer, chunk->chunk.index, false});
      } else {
        has_left = true;
      }
    }
    if (acks.empty()) break;
    effects = link.on_ack(acks.front(), ++now);
    acks.pop_front();
  }
  BOOST_TEST(has_left);
  BOOST_TEST(chunks == kLarge / kPiece + 1);
}

BOOST_AUTO_TEST_CASE(slow_acknowledgements_make_the_window_small_and_quick_ones_large_again) {
  BulkLink link(small_link());
  milliseconds now{0};
  drain(link, link.send(entry_of(1), frame(1, 4 * kLarge), now), now, milliseconds(200));
  BOOST_TEST(link.window() == small_link().piece_bytes);
  drain(link, link.send(entry_of(2), frame(2, 4 * kLarge), now), now, milliseconds(1));
  BOOST_TEST(link.window() == small_link().window_max);
}

BOOST_AUTO_TEST_CASE(what_was_sent_at_once_halves_the_window_once) {
  BulkLink link(small_link());
  const auto effects = link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  const auto acks = acks_of(effects);
  BOOST_REQUIRE(acks.size() == 4u);
  for (const auto& ack : acks) (void)link.on_ack(ack, milliseconds(500));
  BOOST_TEST(link.window() == small_link().window_first / 2);
}

BOOST_AUTO_TEST_CASE(what_is_under_way_is_not_taken_again) {
  BulkLink link(small_link());
  milliseconds now{0};
  auto effects = link.send(entry_of(1), frame(1, kLarge), now);
  BOOST_TEST(link.send(entry_of(1), frame(1, kLarge), now).empty());
  BOOST_TEST(link.send(entry_of(2), frame(2, 100), now).empty());
  BOOST_TEST(link.send(entry_of(2), frame(2, 100), now).empty());
  BOOST_TEST(link.waiting() == 2u);
  // Sent to its last piece, and some of them not acknowledged.
  for (auto& effect : link.on_ack({1, 0, false}, now)) effects.push_back(std::move(effect));
  const auto chunks = drain(link, std::move(effects), now);
  BOOST_TEST(chunks >= kLarge / kPiece);
  // Arrived: what it does there takes its time. Then it may have been lost there.
  const auto quiet = small_link().quiet;
  BOOST_TEST(link.send(entry_of(1), frame(1, kLarge), now + quiet - milliseconds(1)).empty());
  BOOST_TEST(!link.send(entry_of(1), frame(1, kLarge), now + quiet).empty());
  // Another shard's, or the next, is another message.
  BOOST_TEST(link.send(entry_of(1, 1), frame(1, 100), now).empty());  // waits its turn
  BOOST_TEST(link.waiting() == 2u);
}

BOOST_AUTO_TEST_CASE(a_silent_link_loses_what_is_under_way_and_begins_with_a_small_window) {
  BulkLink link(small_link());
  (void)link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  (void)link.send(entry_of(2), frame(2, 100), milliseconds(0));
  const auto patience = small_link().patience;
  BOOST_TEST(link.send(entry_of(1), frame(1, kLarge), patience).empty());
  const auto effects = link.send(entry_of(1), frame(1, kLarge), patience + milliseconds(1));
  BOOST_TEST((test::find<LinkDropped>(effects)->loss == LinkLoss::no_acknowledgement));
  BOOST_TEST(test::count<SendChunk>(effects) == 1u);
  BOOST_TEST(test::find<SendChunk>(effects)->chunk.transfer == 2u);
  BOOST_TEST(link.waiting() == 1u);
  // Acknowledgements of what was lost are late, and give no credit twice.
  BOOST_TEST(link.on_ack({1, 0, false}, patience + milliseconds(2)).empty());
  BOOST_TEST(link.unacknowledged() == small_link().piece_bytes);
}

BOOST_AUTO_TEST_CASE(a_refused_message_makes_way) {
  BulkLink link(small_link());
  (void)link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  (void)link.send(entry_of(2), frame(2, 100), milliseconds(0));
  const auto effects = link.on_ack({1, 0, true}, milliseconds(1));
  BOOST_TEST((test::find<LinkDropped>(effects)->loss == LinkLoss::refused));
  BOOST_TEST(test::count<SendWhole>(effects) == 1u);
  BOOST_TEST(test::count<LinkDropped>(link.on_ack({1, 1, true}, milliseconds(1))) == 0u);
  // It may be sent again at once, as another transfer.
  const auto again = link.send(entry_of(1), frame(1, kLarge), milliseconds(1));
  BOOST_REQUIRE(test::find<SendChunk>(again) != nullptr);
  BOOST_TEST(test::find<SendChunk>(again)->chunk.transfer == 2u);
}

BOOST_AUTO_TEST_CASE(a_queue_that_is_full_drops_what_comes) {
  BulkLink link(small_link());
  (void)link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  for (std::uint64_t i = 2; i <= small_link().waiting_max; ++i) {
    BOOST_TEST(link.send(entry_of(i), frame(i, 100), milliseconds(0)).empty());
  }
  const auto effects = link.send(entry_of(99), frame(99, 100), milliseconds(0));
  BOOST_TEST((test::find<LinkDropped>(effects)->loss == LinkLoss::too_many_waiting));
  BOOST_TEST(link.waiting() == small_link().waiting_max);
}

BOOST_AUTO_TEST_CASE(a_new_attempt_drops_what_older_ones_had_to_say) {
  BulkLink link(small_link());
  (void)link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  Entry next = entry_of(1);
  next.attempt = Attempt(6);
  (void)link.send(next, frame(2, 100), milliseconds(0));
  const auto effects = link.begin_attempt(Attempt(6), milliseconds(1));
  BOOST_TEST(test::count<SendWhole>(effects) == 1u);
  BOOST_TEST(link.waiting() == 0u);
  BOOST_TEST(!link.is_idle());  // credit is still out
  for (std::uint32_t i = 0; i < 4; ++i) (void)link.on_ack({1, i, false}, milliseconds(2));
  BOOST_TEST(link.is_idle());
}

BOOST_AUTO_TEST_CASE(numbers_of_transfers_go_on_from_those_of_a_link_that_is_gone) {
  BulkLinkOptions options = small_link();
  options.transfers_before = 41;
  BulkLink link(options);
  const auto effects = link.send(entry_of(1), frame(1, kLarge), milliseconds(0));
  BOOST_TEST(test::find<SendChunk>(effects)->chunk.transfer == 42u);
  BOOST_TEST(link.transfers() == 42u);
}

// A replica's stream through a link that loses and delays: every entry arrives in the end.
BOOST_AUTO_TEST_CASE(with_resending_everything_arrives_in_the_end) {
  RandomStream random(test::seed());
  for (int round = 0; round < 20; ++round) {
    BulkLink link(small_link());
    ChunkStage stage;
    milliseconds now{0};
    std::uint64_t arrived = 0;  // in order
    for (int turn = 0; turn < 4'000 && arrived < 6; ++turn) {
      now += milliseconds(250);
      const std::uint64_t sequence = arrived + 1;
      const bool is_large = sequence % 2 == 1;
      std::deque<LinkEffect> effects;
      const auto add = [&](std::vector<LinkEffect> more) {
        for (auto& effect : more) effects.push_back(std::move(effect));
      };
      add(link.send(entry_of(sequence), frame(sequence, is_large ? kLarge : 100), now));
      for (; !effects.empty(); effects.pop_front()) {
        if (std::holds_alternative<LinkDropped>(effects.front())) continue;
        if (random.below(40) == 0) continue;  // lost
        if (std::holds_alternative<SendWhole>(effects.front())) {
          if (!is_large) arrived = sequence;
          continue;
        }
        for (const auto& staged : stage.on_chunk(std::get<SendChunk>(effects.front()).chunk, now)) {
          const auto* ack = std::get_if<AcknowledgeChunk>(&staged);
          if (ack != nullptr && random.below(40) != 0) add(link.on_ack(ack->ack, now));
          if (std::holds_alternative<MessageStaged>(staged)) arrived = sequence;
        }
      }
    }
    BOOST_TEST_REQUIRE(arrived == 6u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
