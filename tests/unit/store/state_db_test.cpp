#include "common/store/state_db.hpp"

#include <filesystem>
#include <fstream>

#include "common/base/limits.hpp"
#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_state_db)

using namespace millrace;
using namespace millrace::test;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  TemporaryFolder folder;
  std::unique_ptr<CheckpointStore> store =
      require_ok(open_checkpoint_store("file://" + (folder.path() / "store").string()));
  std::string state = (folder.path() / "state").string();
  std::string other = (folder.path() / "other").string();
  std::unique_ptr<StateDb> db = require_ok(StateDb::open({.folder = state, .worker = WorkerId(2)}));
};

std::uintmax_t bytes_below(const fs::path& folder) {
  std::uintmax_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(values_of_every_size_come_back, Fixture) {
  const auto chunk = limits::kStateChunkBytes;
  std::uint64_t seed = 1;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, chunk - 1, chunk, chunk + 1}) {
    const auto bytes = random_bytes(size, seed++);
    require_ok(db->put(CutId(1), "key", bytes));
    BOOST_TEST((require_ok(db->get(CutId(1), "key")) == bytes));
  }
}

BOOST_FIXTURE_TEST_CASE(keys_are_listed_by_prefix_in_order, Fixture) {
  for (const char* key : {"shard/1", "trainer/10", "trainer/2", "z"}) {
    require_ok(db->put(CutId(1), key, random_bytes(10, 1)));
  }
  BOOST_TEST((require_ok(db->list(CutId(1), "trainer/")) ==
              std::vector<std::string>{"trainer/10", "trainer/2"}));
  BOOST_TEST(require_ok(db->list(CutId(1), "")).size() == 4u);
  BOOST_TEST((db->list(CutId(2), "").status().code() == Code::not_found));
  BOOST_TEST((db->get(CutId(1), "absent").status().code() == Code::not_found));
}

BOOST_FIXTURE_TEST_CASE(a_shipped_cut_is_restored_byte_for_byte, Fixture) {
  const auto big = random_bytes(3 * limits::kStateChunkBytes + 17, 1);
  require_ok(db->put(CutId(5), "big", big));
  require_ok(db->put(CutId(5), "small", random_bytes(3, 2)));
  const auto part = require_ok(db->ship(CutId(5), Attempt(1), *store));
  BOOST_TEST((part.worker == WorkerId(2)));
  require_ok(StateDb::restore(part, *store, other));
  const auto restored = require_ok(StateDb::open({.folder = other, .restored = part}));
  BOOST_TEST((restored->cuts() == std::vector<CutId>{CutId(5)}));
  BOOST_TEST((require_ok(restored->get(CutId(5), "big")) == big));
  BOOST_TEST((require_ok(restored->get(CutId(5), "small")) == random_bytes(3, 2)));
}

BOOST_FIXTURE_TEST_CASE(a_restored_database_takes_the_next_cut, Fixture) {
  require_ok(db->put(CutId(5), "state", random_bytes(100, 1)));
  const auto part = require_ok(db->ship(CutId(5), Attempt(1), *store));
  require_ok(StateDb::restore(part, *store, other));
  const auto next = require_ok(StateDb::open({.folder = other, .restored = part}));
  BOOST_TEST((next->put(CutId(5), "state", {}).code() == Code::conflict));
  require_ok(next->put(CutId(6), "state", random_bytes(100, 2)));
  const auto second = require_ok(next->ship(CutId(6), Attempt(2), *store));
  const auto third = (folder.path() / "third").string();
  require_ok(StateDb::restore(second, *store, third));
  const auto last = require_ok(StateDb::open({.folder = third, .restored = second}));
  BOOST_TEST((require_ok(last->get(CutId(6), "state")) == random_bytes(100, 2)));
  BOOST_TEST((last->cuts() == std::vector<CutId>{CutId(6)}));
}

BOOST_FIXTURE_TEST_CASE(two_cuts_share_no_object, Fixture) {
  require_ok(db->put(CutId(1), "state", random_bytes(1000, 1)));
  const auto first = require_ok(db->ship(CutId(1), Attempt(1), *store));
  db->completed(CutId(1));
  require_ok(db->put(CutId(2), "state", random_bytes(1000, 2)));
  const auto second = require_ok(db->ship(CutId(2), Attempt(1), *store));
  for (const auto& a : first.files) {
    for (const auto& b : second.files) BOOST_TEST(a.name != b.name);
  }
  BOOST_TEST(second.bytes() < 1000u + 8000u);
}

BOOST_FIXTURE_TEST_CASE(what_is_kept_is_shipped_once, Fixture) {
  require_ok(db->put_kept("dictionary", random_bytes(100'000, 1)));
  std::vector<PartDescriptor> parts;
  for (std::uint64_t cut = 1; cut <= 3; ++cut) {
    require_ok(db->put(CutId(cut), "state", random_bytes(10, cut)));
    parts.push_back(require_ok(db->ship(CutId(cut), Attempt(1), *store)));
    if (cut == 1) db->abandoned(CutId(cut));
    if (cut == 2) db->completed(CutId(cut));
  }
  const auto names_kept_by = [&](std::size_t i) {
    for (const auto& file : parts[i].files) {
      if (file.size > 100'000) return file.name;
    }
    return std::string();
  };
  BOOST_TEST(names_kept_by(0) != names_kept_by(1));  // cut 1 was abandoned: its objects go
  BOOST_TEST(names_kept_by(1) == names_kept_by(2));
  require_ok(StateDb::restore(parts[2], *store, other));
  const auto restored = require_ok(StateDb::open({.folder = other, .restored = parts[2]}));
  BOOST_TEST((require_ok(restored->get_kept("dictionary")) == random_bytes(100'000, 1)));
}

BOOST_FIXTURE_TEST_CASE(a_cut_is_shipped_once_and_closed_then, Fixture) {
  require_ok(db->put(CutId(3), "state", random_bytes(10, 1)));
  require_ok(db->ship(CutId(3), Attempt(1), *store));
  BOOST_TEST((db->ship(CutId(3), Attempt(1), *store).status().code() == Code::conflict));
  BOOST_TEST((db->put(CutId(3), "state", {}).code() == Code::conflict));
  BOOST_TEST((db->put(CutId(2), "state", {}).code() == Code::conflict));
  BOOST_TEST((db->ship(CutId(4), Attempt(1), *store).status().code() == Code::not_found));
}

BOOST_FIXTURE_TEST_CASE(the_state_folder_holds_one_cut_however_many_pass, Fixture) {
  constexpr std::size_t kSize = 1'000'000;
  for (std::uint64_t cut = 1; cut <= 20; ++cut) {
    require_ok(db->put(CutId(cut), "state", random_bytes(kSize, cut)));
    require_ok(db->ship(CutId(cut), Attempt(1), *store));
    db->completed(CutId(cut));
  }
  BOOST_TEST(bytes_below(state) < 2 * kSize);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_object_is_named_and_leaves_no_folder, Fixture) {
  require_ok(db->put(CutId(1), "state", random_bytes(1000, 1)));
  const auto part = require_ok(db->ship(CutId(1), Attempt(1), *store));
  for (const auto& file : part.files) {
    // The database shares the inode, so a damaged copy takes the object's place.
    const auto original = require_ok(store->get(file.name));
    auto damaged = original;
    damaged[damaged.size() / 2] ^= std::byte{4};
    require_ok(store->remove(file.name));
    require_ok(store->put_if_absent(file.name, damaged));
    const auto status = StateDb::restore(part, *store, other);
    BOOST_TEST((status.code() == Code::corrupted));
    BOOST_TEST(status.message().find(file.name) != std::string::npos);
    BOOST_TEST(!fs::exists(other));
    require_ok(store->remove(file.name));
    require_ok(store->put_if_absent(file.name, original));
  }
  BOOST_TEST(StateDb::restore(part, *store, other).is_ok());
  BOOST_TEST((StateDb::restore(part, *store, other).code() == Code::conflict));
}

BOOST_FIXTURE_TEST_CASE(a_part_that_names_other_files_is_refused, Fixture) {
  require_ok(db->put(CutId(1), "state", random_bytes(10, 1)));
  auto part = require_ok(db->ship(CutId(1), Attempt(1), *store));
  for (const char* name : {"parts/a.b.c.d.CURRENT", "parts/a.b.c.d.x.sst", "log/000000000000"}) {
    auto changed = part;
    changed.files[0].name = name;
    BOOST_TEST((StateDb::restore(changed, *store, other).code() == Code::corrupted));
  }
}

BOOST_FIXTURE_TEST_CASE(names_and_sizes_out_of_range_are_refused, Fixture) {
  BOOST_TEST((db->put(CutId(1), "", {}).code() == Code::invalid_argument));
  BOOST_TEST((db->put(CutId(1), std::string("a\0b", 3), {}).code() == Code::invalid_argument));
  BOOST_TEST((db->put(CutId(1), std::string(1025, 'a'), {}).code() == Code::invalid_argument));
  BOOST_TEST(db->put(CutId(1), std::string(1024, 'a'), {}).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()
