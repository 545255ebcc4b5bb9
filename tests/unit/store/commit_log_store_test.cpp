#include "common/store/commit_log_store.hpp"

#include <fstream>

#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_commit_log)

using namespace millrace;
using namespace millrace::test;

namespace {

CommitEntry takeover(const std::string& writer) {
  return {.kind = CommitKind::takeover, .term = Term(1), .attempt = Attempt(1), .writer = writer};
}

// A store whose answer to the next put is lost, after or before the object was stored.
class LossyStore final : public CheckpointStore {
 public:
  enum class Loss { none, after, before };
  explicit LossyStore(CheckpointStore& target) : target_(target) {}
  Loss loss = Loss::none;

  Result<PutOutcome> put_if_absent(const std::string& name, ByteView bytes) override {
    if (loss != Loss::before) {
      auto outcome = target_.put_if_absent(name, bytes);
      if (loss == Loss::none) return outcome;
    }
    return Status(Code::timed_out, "no answer");
  }
  Result<PutOutcome> put_file(const std::string& name, const std::string& path) override {
    return target_.put_file(name, path);
  }
  Result<Bytes> get(const std::string& name) override { return target_.get(name); }
  Status get_to_file(const std::string& name, const std::string& path) override {
    return target_.get_to_file(name, path);
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    return target_.list(prefix);
  }
  Status remove(const std::string& name) override { return target_.remove(name); }
  Status remove_leftovers() override { return target_.remove_leftovers(); }
  Status health() const override { return target_.health(); }
  std::string describe(const std::string& name) const override { return target_.describe(name); }

 private:
  CheckpointStore& target_;
};

struct Fixture {
  TemporaryFolder folder;
  std::unique_ptr<CheckpointStore> files =
      require_ok(open_checkpoint_store("file://" + folder.path().string()));
  LossyStore store{*files};
  CommitLogStore log{store};
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(entries_are_read_in_order, Fixture) {
  BOOST_TEST(require_ok(log.read_all()).empty());
  std::vector<CommitEntry> written = {takeover("a"), complete_entry(CutId(0)),
                                      complete_entry(CutId(1))};
  written.push_back(written[1]);
  written.back().kind = CommitKind::retire;
  for (std::size_t k = 0; k < written.size(); ++k) {
    BOOST_TEST(require_ok(log.write(k, written[k])).created);
  }
  const auto read = require_ok(log.read_all());
  BOOST_TEST((read == written));
  BOOST_TEST((complete_cuts(read) == std::vector<CutRef>{{CutId(1), Attempt(1)}}));
}

BOOST_FIXTURE_TEST_CASE(the_second_writer_of_an_entry_loses, Fixture) {
  BOOST_TEST(require_ok(log.write(0, takeover("a"))).created);
  BOOST_TEST(require_ok(log.write(0, takeover("b"))).existed);
  BOOST_TEST((require_ok(log.read(0)) == takeover("a")));
}

BOOST_FIXTURE_TEST_CASE(a_lost_answer_is_in_doubt_and_reading_back_settles_it, Fixture) {
  store.loss = LossyStore::Loss::after;
  BOOST_TEST(is_ambiguous(log.write(0, takeover("a")).status()));
  BOOST_TEST((require_ok(log.read(0)) == takeover("a")));
}

BOOST_FIXTURE_TEST_CASE(a_lost_write_is_in_doubt_and_leaves_the_entry_to_others, Fixture) {
  store.loss = LossyStore::Loss::before;
  BOOST_TEST(is_ambiguous(log.write(0, takeover("a")).status()));
  BOOST_TEST(!require_ok(log.read(0)).has_value());
  store.loss = LossyStore::Loss::none;
  BOOST_TEST(require_ok(log.write(0, takeover("b"))).created);
}

BOOST_FIXTURE_TEST_CASE(a_gap_is_corruption, Fixture) {
  for (std::uint64_t k = 0; k < 3; ++k) BOOST_TEST(require_ok(log.write(k, takeover("a"))).created);
  require_ok(store.remove(CommitLogStore::entry_name(1)));
  BOOST_TEST((log.read_all().status().code() == Code::corrupted));
}

BOOST_FIXTURE_TEST_CASE(a_damaged_entry_is_corruption_and_named, Fixture) {
  BOOST_TEST(require_ok(log.write(0, takeover("a"))).created);
  const auto name = CommitLogStore::entry_name(0);
  folder.write(name, "{}\n");
  const auto read = log.read_all();
  BOOST_TEST((read.status().code() == Code::corrupted));
  BOOST_TEST(read.status().message().find(name) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(entries_of_every_kind_are_stored_in_the_oldest_format_that_can_say_them) {
  const auto of_kind = [](CommitKind kind) {
    CommitEntry entry = takeover("a");
    entry.kind = kind;
    const bool is_named =
        kind == CommitKind::savepoint || kind == CommitKind::release || kind == CommitKind::branch;
    if (is_named) entry.name = "before-upgrade";
    return entry;
  };
  CommitEntry plain = of_kind(CommitKind::snapshot);
  plain.index = 7;
  plain.complete = {{CutId(0), Attempt(1)}, {CutId(4), Attempt(2)}};
  CommitEntry full = plain;
  full.savepoints = {{"s1", CutId(4)}};
  full.branch = LogBranch{CutId(4), CutId(9), "request-1"};
  const std::vector<std::pair<CommitEntry, int>> entries = {{of_kind(CommitKind::takeover), 1},
                                                            {of_kind(CommitKind::complete), 1},
                                                            {of_kind(CommitKind::abandon), 1},
                                                            {of_kind(CommitKind::retire), 1},
                                                            {of_kind(CommitKind::lead), 3},
                                                            {of_kind(CommitKind::savepoint), 3},
                                                            {of_kind(CommitKind::release), 3},
                                                            {of_kind(CommitKind::branch), 3},
                                                            {plain, 2},
                                                            {full, 3}};
  for (const auto& [entry, format] : entries) {
    const Bytes bytes = encode_commit_entry(entry);
    BOOST_TEST((require_ok(decode_commit_entry(bytes)) == entry));
    const std::string text(as_text(bytes));
    const std::string needed = "\"min_reader_version\":" + std::to_string(format);
    BOOST_TEST(text.find(needed) != std::string::npos, text);
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_of_an_entry_is_detected) {
  const auto bytes = encode_commit_entry(takeover("a"));
  BOOST_TEST((require_ok(decode_commit_entry(bytes)) == takeover("a")));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    BOOST_REQUIRE(decode_commit_entry(flipped).status().code() == Code::corrupted);
  }
}

BOOST_AUTO_TEST_SUITE_END()
