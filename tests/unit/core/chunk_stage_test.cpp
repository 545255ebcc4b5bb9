#include "worker/core/chunk_stage.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "common/base/random.hpp"
#include "tests/support/seed.hpp"
#include "tests/unit/core/chunks.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using test::chunk_of, test::frame_of, test::kPiece;

constexpr milliseconds kNow{1'000};

// Three pieces, the last one short.
constexpr std::size_t kThreePieces = 2 * kPiece + 100;

ChunkStageOptions small_stage() {
  ChunkStageOptions options;
  options.message_bytes_max = 4 * kPiece;
  options.staged_bytes_max = 6 * kPiece;
  options.origins_max = 3;
  return options;
}

bool is_ignored(const std::vector<ChunkEffect>& effects, ChunkRefusal reason) {
  const auto* ignored = test::find<ChunkIgnored>(effects);
  return ignored != nullptr && ignored->reason == reason;
}
bool is_refused(const std::vector<ChunkEffect>& effects) {
  return test::find<AcknowledgeChunk>(effects)->ack.is_refused;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_core_chunk_stage)

BOOST_AUTO_TEST_CASE(a_message_is_handed_on_with_its_last_piece_whatever_the_order) {
  const auto frame = frame_of(1, kThreePieces);
  std::vector<std::uint32_t> order{0, 1, 2};
  std::uint64_t transfer = 0;
  do {
    ChunkStage stage(small_stage());
    ++transfer;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto effects = stage.on_chunk(chunk_of(frame, transfer, order[i]), kNow);
      BOOST_TEST(test::count<AcknowledgeChunk>(effects) == 1u);
      BOOST_TEST(!is_refused(effects));
      const auto* whole = test::find<MessageStaged>(effects);
      BOOST_TEST((whole != nullptr) == (i == 2));
      if (whole != nullptr) BOOST_TEST((as_text(whole->bytes()) == as_text(frame->head)));
    }
    BOOST_TEST(stage.staged_bytes() == 0u);
    BOOST_TEST(stage.transfers() == 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_AUTO_TEST_CASE(a_piece_that_comes_twice_counts_once) {
  ChunkStage stage(small_stage());
  const auto frame = frame_of(1, kThreePieces);
  (void)stage.on_chunk(chunk_of(frame, 1, 0), kNow);
  for (int i = 0; i < 3; ++i) {
    const auto effects = stage.on_chunk(chunk_of(frame, 1, 0), kNow);
    BOOST_TEST(is_ignored(effects, ChunkRefusal::duplicate));
    BOOST_TEST(!is_refused(effects));  // its sender spent credit on it
    BOOST_TEST(test::count<MessageStaged>(effects) == 0u);
  }
  (void)stage.on_chunk(chunk_of(frame, 1, 1), kNow);
  BOOST_TEST(test::count<MessageStaged>(stage.on_chunk(chunk_of(frame, 1, 2), kNow)) == 1u);
}

BOOST_AUTO_TEST_CASE(a_message_is_handed_on_once) {
  ChunkStage stage(small_stage());
  const auto frame = frame_of(1, kThreePieces);
  for (std::uint32_t i = 0; i < 3; ++i) (void)stage.on_chunk(chunk_of(frame, 1, i), kNow);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto effects = stage.on_chunk(chunk_of(frame, 1, i), kNow);
    BOOST_TEST(is_ignored(effects, ChunkRefusal::old_transfer));
  }
  BOOST_TEST(stage.staged_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_message_that_lost_a_piece_gives_way_to_the_next) {
  ChunkStage stage(small_stage());
  const auto lost = frame_of(1, kThreePieces), again = frame_of(2, kThreePieces);
  (void)stage.on_chunk(chunk_of(lost, 1, 0), kNow);
  (void)stage.on_chunk(chunk_of(lost, 1, 2), kNow);
  const auto effects = stage.on_chunk(chunk_of(again, 2, 0), kNow);
  const auto* abandoned = test::find<TransferAbandoned>(effects);
  BOOST_REQUIRE(abandoned != nullptr);
  BOOST_TEST(abandoned->transfer == 1u);
  BOOST_TEST((abandoned->reason == AbandonReason::superseded));
  BOOST_TEST(stage.staged_bytes() == kThreePieces);
  // Its missing piece, late, goes nowhere: least of all into the next message.
  BOOST_TEST(is_ignored(stage.on_chunk(chunk_of(lost, 1, 1), kNow), ChunkRefusal::old_transfer));
  (void)stage.on_chunk(chunk_of(again, 2, 1), kNow);
  const auto whole = stage.on_chunk(chunk_of(again, 2, 2), kNow);
  BOOST_REQUIRE(test::find<MessageStaged>(whole) != nullptr);
  BOOST_TEST((as_text(test::find<MessageStaged>(whole)->bytes()) == as_text(again->head)));
}

BOOST_AUTO_TEST_CASE(senders_do_not_disturb_each_other) {
  ChunkStage stage(small_stage());
  const auto a = frame_of(1, kThreePieces), b = frame_of(2, kThreePieces);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto first = stage.on_chunk(chunk_of(a, 7, i, WorkerId(1)), kNow);
    const auto second = stage.on_chunk(chunk_of(b, 7, 2 - i, WorkerId(2)), kNow);
    BOOST_TEST(test::count<MessageStaged>(first) == (i == 2 ? 1u : 0u));
    BOOST_TEST(test::count<MessageStaged>(second) == (i == 2 ? 1u : 0u));
  }
}

BOOST_AUTO_TEST_CASE(what_is_staged_never_exceeds_its_bound) {
  ChunkStage stage(small_stage());
  const auto four = frame_of(1, 4 * kPiece), two = frame_of(2, 2 * kPiece);
  (void)stage.on_chunk(chunk_of(four, 1, 0, WorkerId(1)), kNow);
  // Exactly full, and one byte more.
  const auto too_many = frame_of(3, 2 * kPiece + 1);
  const auto refused = stage.on_chunk(chunk_of(too_many, 1, 0, WorkerId(2)), kNow);
  BOOST_TEST(is_ignored(refused, ChunkRefusal::no_room));
  BOOST_TEST(is_refused(refused));
  BOOST_TEST(stage.staged_bytes() == 4u * kPiece);
  const auto taken = stage.on_chunk(chunk_of(two, 2, 0, WorkerId(2)), kNow);
  BOOST_TEST(test::count<ChunkIgnored>(taken) == 0u);
  BOOST_TEST(stage.staged_bytes() == small_stage().staged_bytes_max);
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_refused_message_is_refused_even_when_there_is_room_again) {
  ChunkStage stage(small_stage());
  const auto four = frame_of(1, 4 * kPiece), three = frame_of(2, kThreePieces);
  (void)stage.on_chunk(chunk_of(four, 1, 0, WorkerId(1)), kNow);
  (void)stage.on_chunk(chunk_of(three, 1, 0, WorkerId(2)), kNow);
  for (std::uint32_t i = 1; i < 4; ++i) {
    (void)stage.on_chunk(chunk_of(four, 1, i, WorkerId(1)), kNow);
  }
  BOOST_TEST(stage.staged_bytes() == 0u);
  const auto late = stage.on_chunk(chunk_of(three, 1, 1, WorkerId(2)), kNow);
  BOOST_TEST(is_ignored(late, ChunkRefusal::old_transfer));
  BOOST_TEST(stage.staged_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(an_abandoned_message_keeps_its_place_until_another_needs_it) {
  ChunkStage stage(small_stage());
  const auto four = frame_of(1, 4 * kPiece), three = frame_of(2, kThreePieces);
  (void)stage.on_chunk(chunk_of(four, 1, 0, WorkerId(1)), kNow);
  const auto idle = small_stage().idle_max;
  const auto early = stage.on_chunk(chunk_of(three, 1, 0, WorkerId(2)), kNow + idle);
  BOOST_TEST(is_ignored(early, ChunkRefusal::no_room));
  const auto effects =
      stage.on_chunk(chunk_of(three, 2, 0, WorkerId(2)), kNow + idle + milliseconds(1));
  const auto* abandoned = test::find<TransferAbandoned>(effects);
  BOOST_REQUIRE(abandoned != nullptr);
  BOOST_TEST((abandoned->reason == AbandonReason::idle));
  BOOST_TEST((abandoned->origin == WorkerId(1)));
  BOOST_TEST(stage.staged_bytes() == kThreePieces);
  // Its sender goes on after all: too late for this transfer.
  const auto late = stage.on_chunk(chunk_of(four, 1, 1, WorkerId(1)), kNow + 2 * idle);
  BOOST_TEST(is_ignored(late, ChunkRefusal::old_transfer));
}

BOOST_AUTO_TEST_CASE(a_new_attempt_ends_what_older_ones_sent) {
  ChunkStage stage(small_stage());
  const auto frame = frame_of(1, kThreePieces);
  (void)stage.on_chunk(chunk_of(frame, 1, 0), kNow);
  BOOST_TEST(stage.begin_attempt(Attempt(5)).empty());
  const auto effects = stage.begin_attempt(Attempt(6));
  BOOST_TEST((test::find<TransferAbandoned>(effects)->reason == AbandonReason::old_attempt));
  BOOST_TEST(stage.staged_bytes() == 0u);
  const auto old = stage.on_chunk(chunk_of(frame, 1, 1), kNow);
  BOOST_TEST(is_ignored(old, ChunkRefusal::old_attempt));
  BOOST_TEST(is_refused(old));
}

BOOST_AUTO_TEST_CASE(what_is_no_piece_of_a_message_is_refused) {
  ChunkStage stage(small_stage());
  const auto frame = frame_of(1, kThreePieces);
  const auto refuses = [&](const auto& damage) {
    Chunk chunk = chunk_of(frame, 1, 1);
    damage(chunk);
    const auto effects = stage.on_chunk(chunk, kNow);
    BOOST_TEST(is_ignored(effects, ChunkRefusal::malformed));
    BOOST_TEST(is_refused(effects));
  };
  refuses([](Chunk& chunk) { chunk.transfer = 0; });
  refuses([](Chunk& chunk) { chunk.frame = nullptr; });
  refuses([](Chunk& chunk) { chunk.index = 3; });
  refuses([](Chunk& chunk) { chunk.size -= 1; });
  refuses([](Chunk& chunk) { chunk.size += 1; });
  refuses([](Chunk& chunk) { chunk.begin = 2 * kPiece; });
  refuses([](Chunk& chunk) { chunk.begin = ~std::uint64_t{0}; });
  refuses([](Chunk& chunk) { chunk.bytes = 0; });
  refuses([](Chunk& chunk) { chunk.bytes = small_stage().message_bytes_max + 1; });
  refuses([](Chunk& chunk) { chunk.bytes = ~std::uint64_t{0}; });
  refuses([](Chunk& chunk) { chunk.piece_bytes = limits::kChunkBytesMin - 1; });
  refuses([](Chunk& chunk) { chunk.piece_bytes = limits::kChunkBytesMax + 1; });
  BOOST_TEST(stage.staged_bytes() == 0u);
  Chunk largest = chunk_of(frame_of(1, limits::kChunkBytesMax), 1, 0);
  largest.piece_bytes = limits::kChunkBytesMax;
  largest.size = limits::kChunkBytesMax;
  ChunkStage large;
  BOOST_TEST(test::count<MessageStaged>(large.on_chunk(largest, kNow)) == 1u);
}

BOOST_AUTO_TEST_CASE(a_piece_of_a_message_described_otherwise_is_refused) {
  ChunkStage stage(small_stage());
  const auto frame = frame_of(1, kThreePieces);
  (void)stage.on_chunk(chunk_of(frame, 1, 0), kNow);
  Chunk other_kind = chunk_of(frame, 1, 1);
  other_kind.kind = BulkKind::answer;
  BOOST_TEST(is_ignored(stage.on_chunk(other_kind, kNow), ChunkRefusal::malformed));
  const auto longer = frame_of(1, kThreePieces + 1);
  BOOST_TEST(is_ignored(stage.on_chunk(chunk_of(longer, 1, 1), kNow), ChunkRefusal::malformed));
  BOOST_TEST(stage.staged_bytes() == kThreePieces);
}

BOOST_AUTO_TEST_CASE(senders_are_forgotten_when_there_are_too_many) {
  ChunkStage stage(small_stage());
  const auto one = frame_of(1, kPiece);
  for (std::uint32_t life = 1; life <= 20; ++life) {
    const auto effects = stage.on_chunk(chunk_of(one, 1, 0, WorkerId(life)), kNow);
    BOOST_TEST(test::count<MessageStaged>(effects) == 1u);
  }
  const auto two = frame_of(1, 2 * kPiece);
  for (std::uint32_t life = 21; life <= 23; ++life) {
    (void)stage.on_chunk(chunk_of(two, 1, 0, WorkerId(life)), kNow);
  }
  const auto effects = stage.on_chunk(chunk_of(one, 1, 0, WorkerId(24)), kNow);
  BOOST_TEST(is_ignored(effects, ChunkRefusal::no_room));
  BOOST_TEST(stage.transfers() == 3u);
}

// Any order of any pieces, some lost and some twice: what comes out was sent, and bounds hold.
BOOST_AUTO_TEST_CASE(whatever_the_network_does_only_whole_messages_come_out) {
  RandomStream random(test::seed());
  for (int round = 0; round < 200; ++round) {
    ChunkStage stage(small_stage());
    std::vector<Chunk> pieces;
    std::size_t sent = 0, whole = 0;
    for (std::uint32_t origin = 1; origin <= 3; ++origin) {
      for (std::uint64_t transfer = 1; transfer <= 3; ++transfer, ++sent) {
        const std::size_t bytes = 1 + random.below(4 * kPiece);
        const auto frame = frame_of(origin * 10 + transfer, bytes);
        for (std::uint32_t i = 0; std::size_t{i} * kPiece < bytes; ++i) {
          const auto copies = random.below(4) == 0 ? random.below(3) : 1;
          for (std::uint64_t c = 0; c < copies; ++c) {
            pieces.push_back(chunk_of(frame, transfer, i, WorkerId(origin)));
          }
        }
      }
    }
    for (std::size_t i = pieces.size(); i > 1; --i) {
      if (random.below(2) == 0) std::swap(pieces[i - 1], pieces[random.below(i)]);
    }
    for (const auto& piece : pieces) {
      for (const auto& effect : stage.on_chunk(piece, kNow)) {
        const auto* message = std::get_if<MessageStaged>(&effect);
        if (message == nullptr) continue;
        ++whole;
        BOOST_TEST_REQUIRE((as_text(message->bytes()) == as_text(piece.frame->head)));
      }
      BOOST_TEST_REQUIRE(stage.staged_bytes() <= small_stage().staged_bytes_max);
    }
    BOOST_TEST_REQUIRE(whole <= sent);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
