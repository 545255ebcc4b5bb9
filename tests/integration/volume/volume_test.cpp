// Checkpoint stores at the coordinator, as a worker finds them when one of the two fails.
#include <filesystem>
#include <thread>

#include "common/base/limits.hpp"
#include "common/store/state_db.hpp"
#include "tests/integration/volume/volume_nodes.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

using test::TemporaryFolder, test::VolumeNode, test::VolumeUser;
using namespace std::chrono_literals;

// Nobody is waited for longer than a test has to.
constexpr VolumeLinkOptions kQuick{
    .answer_max = 500ms, .tries = 3, .absence_max = 100ms, .first_pause = 10ms};

struct Fixture {
  TemporaryFolder folder;
  VolumeOptions options{.folder = folder.path() / "volume"};
  std::unique_ptr<VolumeNode> coordinator = std::make_unique<VolumeNode>(options);
  VolumeUser user{kQuick};

  Fixture() { join(); }
  void join() {
    coordinator->let_write("job", {user.node()});
    user.connect(*coordinator);
  }
  std::string content(std::size_t bytes) {
    std::string text(bytes, 'x');
    for (std::size_t i = 0; i < bytes; i += 997) text[i] = static_cast<char>('a' + i % 26);
    return text;
  }
  std::string text_of(CheckpointStore& store, const std::string& name) {
    const auto bytes = store.get(name);
    return bytes.is_ok() ? std::string(as_text(bytes.value())) : to_string(bytes.status().code());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_volume)

BOOST_FIXTURE_TEST_CASE(a_coordinator_that_is_started_again_serves_the_same_objects, Fixture) {
  const auto store = user.open("job");
  const auto big = content(5'000'001);
  BOOST_TEST(store->put_if_absent("parts/big", as_bytes(big)).value().created);
  BOOST_TEST(store->put_if_absent("log/1", as_bytes("one")).value().created);
  coordinator.reset();
  coordinator = std::make_unique<VolumeNode>(options);
  join();
  BOOST_TEST((text_of(*store, "parts/big") == big));
  BOOST_TEST(store->put_if_absent("log/1", as_bytes("two")).value().existed);
  BOOST_TEST(text_of(*store, "log/1") == "one");
  BOOST_TEST((store->list("").value() == std::vector<std::string>{"log/1", "parts/big"}));
}

BOOST_FIXTURE_TEST_CASE(while_the_coordinator_is_away_calls_fail_and_say_so, Fixture) {
  const auto store = user.open("job");
  user.link().disconnect();
  const auto put = store->put_if_absent("x", as_bytes("text"));
  BOOST_TEST((put.status().code() == Code::unreachable));
  BOOST_TEST(put.status().message().find("coordinator/job/x") != std::string::npos);
  BOOST_TEST((store->get("x").status().code() == Code::unreachable));
  BOOST_TEST((store->list("").status().code() == Code::unreachable));
  BOOST_TEST((store->remove("x").code() == Code::unreachable));
  join();
  BOOST_TEST(store->put_if_absent("x", as_bytes("text")).value().created);
}

// Nothing tells the worker that its coordinator has died: answers stay away.
BOOST_FIXTURE_TEST_CASE(a_put_that_the_coordinator_s_death_interrupts_leaves_nothing, Fixture) {
  const auto store = user.open("job");
  coordinator.reset();
  const auto big = content(1'000'000);
  const auto put = store->put_if_absent("x", as_bytes(big));
  BOOST_TEST((put.status().code() == Code::unreachable));
  coordinator = std::make_unique<VolumeNode>(options);
  join();
  BOOST_TEST(store->list("").value().empty());
  BOOST_TEST(store->put_if_absent("x", as_bytes(big)).value().created);
}

BOOST_FIXTURE_TEST_CASE(a_put_goes_on_at_the_next_coordinator, Fixture) {
  VolumeUser patient({.answer_max = 500ms, .tries = 30, .absence_max = 1s, .first_pause = 1ms});
  const auto let_in = [&] {
    coordinator->let_write("job", {patient.node()});
    patient.connect(*coordinator);
  };
  let_in();
  const auto store = patient.open("job");
  const auto big = content(40'000'000);
  std::optional<Result<PutOutcome>> put;
  std::jthread writer([&] { put = store->put_if_absent("big", as_bytes(big)); });
  // In the midst of it, wherever that is.
  while (std::filesystem::is_empty(options.folder / ".incoming")) std::this_thread::yield();
  patient.link().disconnect();
  coordinator.reset();
  coordinator = std::make_unique<VolumeNode>(options);
  let_in();
  writer.join();
  // It may have been complete just before, and its answer lost.
  BOOST_TEST((put->is_ok() || put->status().code() == Code::timed_out));
  BOOST_TEST((text_of(*store, "big") == big));
}

BOOST_FIXTURE_TEST_CASE(only_processes_that_host_the_job_change_what_is_stored_of_it, Fixture) {
  const auto store = user.open("other");
  BOOST_TEST((store->put_if_absent("x", as_bytes("1")).status().code() == Code::permission_denied));
  BOOST_TEST((store->remove("x").code() == Code::permission_denied));
  BOOST_TEST(store->list("").value().empty());
  coordinator->let_write("other", {user.node()});
  BOOST_TEST(store->put_if_absent("x", as_bytes("1")).value().created);
  coordinator->let_write("other", {});
  BOOST_TEST((store->remove("x").code() == Code::permission_denied));
  BOOST_TEST(text_of(*store, "x") == "1");
}

BOOST_FIXTURE_TEST_CASE(a_full_volume_refuses_and_says_what_to_do, Fixture) {
  options.job_bytes_max = 3'000'000;
  coordinator.reset();
  coordinator = std::make_unique<VolumeNode>(options);
  join();
  const auto store = user.open("job");
  const auto two = content(2'000'000);
  BOOST_TEST(store->put_if_absent("one", as_bytes(two)).value().created);
  const auto put = store->put_if_absent("two", as_bytes(two));
  BOOST_TEST((put.status().code() == Code::resource_exhausted));
  BOOST_TEST(put.status().hint().find("--checkpoint-job-bytes") != std::string::npos);
  BOOST_TEST(store->remove("one").is_ok());
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_stops_waits_for_nobody, Fixture) {
  VolumeUser patient({.tries = 1'000, .absence_max = 1h});
  const auto store = patient.open("job");
  std::optional<Code> code;
  std::jthread writer([&] { code = store->put_if_absent("x", {}).status().code(); });
  patient.link().stop();
  writer.join();
  BOOST_TEST((code == Code::cancelled));
}

// What workers do with a store: ship a part, and restore it elsewhere.
BOOST_FIXTURE_TEST_CASE(a_part_is_shipped_there_and_restored_from_there, Fixture) {
  const auto store = user.open("job");
  const auto big = content(3'000'000);
  auto db = StateDb::open({.folder = (folder.path() / "db").string(), .worker = WorkerId(1)});
  BOOST_REQUIRE(db.is_ok());
  BOOST_REQUIRE(db.value()->put(CutId(1), "shard/0", as_bytes(big)).is_ok());
  const auto part = db.value()->ship(CutId(1), Attempt(1), *store);
  BOOST_REQUIRE_MESSAGE(part.is_ok(), part.status().message());
  const auto restored =
      StateDb::open_restored(part.value(), *store, (folder.path() / "restored").string());
  BOOST_REQUIRE_MESSAGE(restored.is_ok(), restored.status().message());
  BOOST_TEST((as_text(restored.value()->get(CutId(1), "shard/0").value()) == big));
}

BOOST_FIXTURE_TEST_CASE(what_is_on_its_way_is_bounded_and_falls_where_answers_are_late, Fixture) {
  VolumeLink& link = user.link();
  constexpr std::size_t kPiece = limits::kVolumeChunkBytesMax;
  link.allow(3 * kPiece);
  BOOST_TEST(link.take(kPiece, true));
  BOOST_TEST(!link.take(kPiece, false));  // until something was answered, one piece
  link.give_back(kPiece, 1ms);
  for (int i = 0; i < 100; ++i) link.give_back(0, 1ms);
  for (int i = 0; i < 2; ++i) BOOST_TEST(link.take(kPiece, false));
  BOOST_TEST(!link.take(1, false));  // two, whatever the coordinator allows
  link.give_back(kPiece, 2s);
  BOOST_TEST(!link.take(kPiece, false));
  BOOST_TEST(link.piece() == kPiece);
  link.give_back(kPiece, std::nullopt);
  for (int i = 0; i < 9; ++i) link.give_back(0, 2s);
  const auto least = link.piece();
  BOOST_TEST(least == kPiece / 8);
  BOOST_TEST(link.take(kPiece, false));  // one piece may always go
  BOOST_TEST(!link.take(1, false));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
