#include "common/store/checkpoint_reader.hpp"

#include "tests/support/seed.hpp"
#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_checkpoint_reader)

using namespace millrace;
using namespace millrace::test;

namespace {

struct Fixture {
  TemporaryFolder folder;
  std::unique_ptr<CheckpointStore> store =
      require_ok(open_checkpoint_store("file://" + (folder.path() / "store").string()));

  void take(std::uint64_t cuts) {
    const auto db = require_ok(StateDb::open({.folder = (folder.path() / "state").string()}));
    for (std::uint64_t cut = 1; cut <= cuts; ++cut) {
      require_ok(checkpoint(*db, *store, CutId(cut), random_bytes(20'000, cut)));
    }
  }
  std::vector<CutRef> complete() {
    return complete_cuts(require_ok(CommitLogStore(*store).read_all()));
  }
  std::vector<std::string> objects_of(CutId cut) {
    std::vector<std::string> names;
    for (const char* kind : {"manifests/", "parts/"}) {
      for (auto& name : require_ok(store->list(kind))) {
        if (require_ok(object_origin(name)).cut == cut) names.push_back(std::move(name));
      }
    }
    return names;
  }
  void replace(const std::string& name, ByteView bytes) {
    require_ok(store->remove(name));
    require_ok(store->put_if_absent(name, bytes));
  }
  std::string scratch() {
    return (folder.path() / ("restored-" + std::to_string(next_++))).string();
  }

 private:
  int next_ = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(the_newest_cut_is_chosen, Fixture) {
  take(3);
  const auto restored = require_ok(restore_newest(*store, scratch()));
  BOOST_TEST((restored.cut == CutId(3)));
  BOOST_TEST((restored.bytes == random_bytes(20'000, 3)));
  BOOST_TEST(restored.warnings.empty());
}

BOOST_FIXTURE_TEST_CASE(without_a_cut_there_is_nothing_to_restore, Fixture) {
  BOOST_TEST((choose_restore_point(*store, {}).status().code() == Code::not_found));
}

// 200 places over all objects of the newest cut, each flipped or cut off there.
BOOST_FIXTURE_TEST_CASE(damage_anywhere_is_detected_and_the_cut_before_is_used, Fixture) {
  take(2);
  const auto names = objects_of(CutId(2));
  BOOST_REQUIRE(names.size() >= 3);
  RandomStream random(seed());
  for (int trial = 0; trial < 200; ++trial) {
    const auto& name = names[trial % names.size()];
    const auto original = require_ok(store->get(name));
    auto damaged = original;
    const auto at = random.below(original.size());
    if (trial % 2 == 0) {
      damaged[at] ^= std::byte{1} << random.below(8);
    } else {
      damaged.resize(at);
    }
    replace(name, damaged);
    const auto restored = require_ok(restore_newest(*store, scratch()));
    BOOST_REQUIRE(restored.cut == CutId(1));
    BOOST_REQUIRE(restored.bytes == random_bytes(20'000, 1));
    BOOST_REQUIRE(restored.warnings.size() == 1);
    BOOST_REQUIRE(restored.warnings[0].find(name) != std::string::npos);
    replace(name, original);
  }
  BOOST_TEST((require_ok(restore_newest(*store, scratch())).cut == CutId(2)));
}

BOOST_FIXTURE_TEST_CASE(a_missing_object_is_damage, Fixture) {
  take(2);
  require_ok(store->remove(objects_of(CutId(2)).back()));
  const auto restored = require_ok(restore_newest(*store, scratch()));
  BOOST_TEST((restored.cut == CutId(1)));
  BOOST_TEST(restored.warnings.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(when_all_are_damaged_that_is_an_error_naming_each, Fixture) {
  take(2);
  for (const auto cut : {CutId(1), CutId(2)}) replace(objects_of(cut).front(), {});
  const auto chosen = choose_restore_point(*store, complete());
  BOOST_TEST((chosen.status().code() == Code::corrupted));
  for (const auto cut : {CutId(1), CutId(2)}) {
    BOOST_TEST(chosen.status().message().find(objects_of(cut).front()) != std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(a_manifest_under_the_name_of_another_cut_is_damage, Fixture) {
  take(2);
  replace(manifest_name(CutId(2), Attempt(1)),
          require_ok(store->get(manifest_name(CutId(1), Attempt(1)))));
  BOOST_TEST((read_cut(*store, {CutId(2), Attempt(1)}).status().code() == Code::corrupted));
}

BOOST_FIXTURE_TEST_CASE(a_manifest_is_found_by_its_cut_in_the_newest_attempt, Fixture) {
  for (const std::uint64_t attempt : {2, 10, 9}) {
    require_ok(write_manifest(*store, manifest_of(CutId(0), {}, Attempt(attempt))));
  }
  BOOST_TEST((require_ok(find_cut(*store, CutId(0))) == CutRef{CutId(0), Attempt(10)}));
  BOOST_TEST((find_cut(*store, CutId(1)).status().code() == Code::not_found));
}

BOOST_FIXTURE_TEST_CASE(a_manifest_is_never_overwritten_with_another, Fixture) {
  const auto manifest = manifest_of(CutId(1), {});
  require_ok(write_manifest(*store, manifest));
  BOOST_TEST(write_manifest(*store, manifest).is_ok());
  auto other = manifest;
  other.job = "other";
  BOOST_TEST((write_manifest(*store, other).code() == Code::conflict));
}

BOOST_FIXTURE_TEST_CASE(only_what_is_dead_is_deleted, Fixture) {
  take(4);
  const auto all = complete();
  const auto report = require_ok(collect_garbage(
      *store, {.unretired = {all[1], all[3]}, .dead = {CutId(1)}, .attempt = Attempt(1)}));
  BOOST_TEST(report.removed.size() == 3u);
  BOOST_TEST(objects_of(CutId(1)).empty());
  // Cut 3 is in neither list: it may be in flight.
  for (const auto cut : {CutId(2), CutId(3), CutId(4)}) BOOST_TEST(objects_of(cut).size() == 3u);
}

BOOST_FIXTURE_TEST_CASE(what_an_earlier_attempt_left_is_deleted, Fixture) {
  take(2);
  const auto all = complete();
  require_ok(collect_garbage(*store, {.unretired = {all[1]}, .dead = {}, .attempt = Attempt(2)}));
  BOOST_TEST(objects_of(CutId(1)).empty());
  BOOST_TEST(objects_of(CutId(2)).size() == 3u);
}

// A coordinator that was deposed collects late, with what it knew then.
BOOST_FIXTURE_TEST_CASE(a_deposed_coordinator_deletes_nothing_of_its_successor, Fixture) {
  take(2);
  const auto known = complete();
  const auto later = [&](CutId cut) {
    const auto name = part_prefix(WorkerId(1), cut, Attempt(2), "session") + "000001.sst";
    BOOST_TEST(require_ok(store->put_if_absent(name, as_bytes("later"))).created);
    require_ok(write_manifest(*store, manifest_of(cut, {}, Attempt(2))));
  };
  // The first cut of a job keeps its number in every attempt; the third is in neither's list.
  later(CutId(0));
  later(CutId(3));
  require_ok(collect_garbage(
      *store,
      {.unretired = {known[1]}, .dead = {CutId(0), CutId(1), CutId(3)}, .attempt = Attempt(1)}));
  BOOST_TEST(objects_of(CutId(1)).empty());
  for (const auto cut : {CutId(0), CutId(3)}) BOOST_TEST(objects_of(cut).size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(an_unreadable_manifest_holds_back_what_it_could_refer_to, Fixture) {
  take(4);
  const auto all = complete();
  replace(manifest_name(CutId(2), Attempt(1)), {});
  const auto report = require_ok(collect_garbage(
      *store,
      {.unretired = {all[1], all[3]}, .dead = {CutId(1), CutId(3)}, .attempt = Attempt(1)}));
  BOOST_TEST(report.warnings.size() == 1u);
  BOOST_TEST(objects_of(CutId(1)).size() == 3u);
  BOOST_TEST(objects_of(CutId(2)).size() == 3u);
  BOOST_TEST(objects_of(CutId(3)).empty());
}

BOOST_FIXTURE_TEST_CASE(kept_files_live_as_long_as_a_manifest_refers_to_them, Fixture) {
  const auto db = require_ok(StateDb::open({.folder = (folder.path() / "state").string()}));
  require_ok(db->put_kept("rows", random_bytes(5'000, 9)));
  for (std::uint64_t cut = 1; cut <= 2; ++cut) {
    require_ok(checkpoint(*db, *store, CutId(cut), random_bytes(100, cut)));
  }
  const auto all = complete();
  require_ok(
      collect_garbage(*store, {.unretired = {all[1]}, .dead = {CutId(1)}, .attempt = Attempt(1)}));
  BOOST_TEST(objects_of(CutId(1)).size() == 1u);
  BOOST_TEST((require_ok(restore_newest(*store, scratch())).cut == CutId(2)));
}

BOOST_AUTO_TEST_SUITE_END()
