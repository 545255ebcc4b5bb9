#include "coordinator/registry/volume_keeper.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/support/temporary_folder.hpp"

BOOST_AUTO_TEST_SUITE(coordinator_registry_volume_keeper)

using namespace millrace;
using std::chrono::milliseconds;
using test::FaultDisk, test::TemporaryFolder;
using volume::GetRange, volume::ListNames, volume::PutChunk, volume::PutNews, volume::PutState;
using volume::RemoveObject;

namespace {

struct Fixture {
  TemporaryFolder folder;
  FaultDisk disk;
  VolumeOptions options;
  std::unique_ptr<VolumeKeeper> keeper;
  milliseconds now{1'000};

  Fixture() {
    disk.is_quick = true;
    options.folder = folder.path() / "volume";
    open();
  }
  void open() {
    keeper.reset();
    auto opened = VolumeKeeper::open(options, disk);
    BOOST_REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
    keeper = std::move(opened).value();
  }

  VolumeReply ask(decltype(VolumeRequest::what) what, bool may_change = true) {
    return keeper->answer({"job", std::move(what)}, may_change, now);
  }
  // Pieces of an object of eight bytes.
  static PutChunk piece(std::uint64_t put, std::uint64_t offset, std::string_view text,
                        std::uint32_t round = 1) {
    const std::string whole = "abcdefgh";
    PutChunk chunk{"parts/a", put, round, whole.size(), offset, {}, 0};
    const auto bytes = as_bytes(text);
    chunk.bytes.assign(bytes.begin(), bytes.end());
    chunk.crc32c = crc32c(as_bytes(std::string_view(whole).substr(0, offset + text.size())));
    return chunk;
  }
  PutNews put(const PutChunk& chunk) {
    const auto reply = ask(chunk);
    BOOST_REQUIRE_MESSAGE(reply.status.is_ok(), reply.status.message());
    return std::get<PutNews>(reply.what);
  }
  Code refusal(const PutChunk& chunk) { return ask(chunk).status.code(); }
  std::string text() {
    const auto reply = ask(GetRange{"parts/a", 0, 100});
    if (!reply.status.is_ok()) return to_string(reply.status.code());
    return std::string(as_text(std::get<volume::Range>(reply.what).bytes));
  }
  std::size_t files_arriving() const {
    const std::filesystem::directory_iterator files(options.folder / ".incoming");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(an_object_appears_whole_with_its_last_piece, Fixture) {
  BOOST_TEST((put(piece(1, 0, "abc")).state == PutState::open));
  BOOST_TEST(put(piece(1, 3, "def")).received == 6u);
  BOOST_TEST(text() == "not_found");
  BOOST_TEST((put(piece(1, 6, "gh")).state == PutState::created));
  BOOST_TEST(text() == "abcdefgh");
  BOOST_TEST(files_arriving() == 0u);
}

BOOST_FIXTURE_TEST_CASE(repeated_pieces_change_nothing_and_the_outcome_is_told_again, Fixture) {
  put(piece(1, 0, "abc"));
  BOOST_TEST(put(piece(1, 0, "abc")).received == 3u);
  put(piece(1, 3, "defgh"));
  BOOST_TEST((put(piece(1, 3, "defgh")).state == PutState::created));
  BOOST_TEST((put(piece(1, 0, "abc")).state == PutState::created));
  BOOST_TEST((put(piece(2, 0, "abcdefgh")).state == PutState::existed));
  BOOST_TEST((put(piece(2, 0, "abcdefgh")).state == PutState::existed));
}

BOOST_FIXTURE_TEST_CASE(a_writer_that_begins_again_leaves_nothing_of_what_it_sent_before, Fixture) {
  put(piece(1, 0, "abcde", 1));
  BOOST_TEST(put(piece(1, 0, "ab", 2)).received == 2u);
  BOOST_TEST((refusal(piece(1, 5, "fgh", 1)) == Code::unreachable));  // of the first round, late
  BOOST_TEST((put(piece(1, 2, "cdefgh", 2)).state == PutState::created));
  BOOST_TEST(text() == "abcdefgh");
}

BOOST_FIXTURE_TEST_CASE(what_was_interrupted_is_forgotten_by_the_next_life, Fixture) {
  put(piece(1, 0, "abcde"));
  open();
  BOOST_TEST(files_arriving() == 0u);
  BOOST_TEST((refusal(piece(1, 5, "fgh")) == Code::unreachable));
  BOOST_TEST(text() == "not_found");
  BOOST_TEST((put(piece(1, 0, "abcdefgh", 2)).state == PutState::created));
  open();
  BOOST_TEST(text() == "abcdefgh");
}

BOOST_FIXTURE_TEST_CASE(a_put_gone_quiet_is_forgotten, Fixture) {
  put(piece(1, 0, "abcde"));
  now += options.idle_max - milliseconds(1'000);
  text();
  BOOST_TEST(keeper->open_puts() == 1u);
  now += milliseconds(1'000);
  text();
  BOOST_TEST(keeper->open_puts() == 0u);
  BOOST_TEST(files_arriving() == 0u);
}

BOOST_FIXTURE_TEST_CASE(pieces_that_do_not_fit_create_nothing, Fixture) {
  BOOST_TEST((refusal(piece(1, 3, "def")) == Code::unreachable));  // its beginning was lost
  put(piece(1, 0, "abc"));
  BOOST_TEST((refusal(piece(1, 4, "efgh")) == Code::unreachable));  // a gap
  auto other = piece(1, 3, "defgh");
  other.object = "parts/b";
  BOOST_TEST((refusal(other) == Code::invalid_argument));
  auto longer = piece(1, 3, "defgh");
  longer.offset = 4;
  BOOST_TEST((refusal(longer) == Code::invalid_argument));
  auto rotten = piece(1, 3, "dEfgh");
  BOOST_TEST((refusal(rotten) == Code::unreachable));
  BOOST_TEST(text() == "not_found");
  BOOST_TEST(keeper->open_puts() == 0u);
}

BOOST_FIXTURE_TEST_CASE(who_hosts_nothing_of_the_job_changes_nothing_and_may_read, Fixture) {
  BOOST_TEST((ask(piece(1, 0, "abcdefgh"), false).status.code() == Code::permission_denied));
  put(piece(1, 0, "abcdefgh"));
  BOOST_TEST((ask(RemoveObject{"parts/a"}, false).status.code() == Code::permission_denied));
  BOOST_TEST(ask(GetRange{"parts/a", 0, 100}, false).status.is_ok());
  BOOST_TEST(ask(ListNames{"parts/", ""}, false).status.is_ok());
  BOOST_TEST(ask(RemoveObject{"parts/a"}).status.is_ok());
  BOOST_TEST(text() == "not_found");
}

BOOST_FIXTURE_TEST_CASE(names_that_leave_the_volume_are_refused, Fixture) {
  const auto code = [&](const VolumeRequest& request) {
    return keeper->answer(request, true, now).status.code();
  };
  for (const char* job : {"", "..", ".incoming", "a/b", "/etc"}) {
    BOOST_TEST((code({job, GetRange{"x", 0, 1}}) == Code::invalid_argument), job);
    BOOST_TEST((code({job, ListNames{}}) == Code::invalid_argument), job);
  }
  for (const char* name : {"", "../x", "/etc/passwd", "a/../../x", ".lock"}) {
    BOOST_TEST((code({"job", GetRange{name, 0, 1}}) == Code::invalid_argument), name);
    BOOST_TEST((code({"job", RemoveObject{name}}) == Code::invalid_argument), name);
  }
  BOOST_TEST((code({"job", ListNames{"../", ""}}) == Code::invalid_argument));
}

BOOST_FIXTURE_TEST_CASE(a_job_and_all_jobs_have_their_bounds, Fixture) {
  options.job_bytes_max = 15;
  options.bytes_max = 20;
  open();
  put(piece(1, 0, "abcdefgh"));
  auto second = piece(2, 0, "abcdefgh");
  second.object = "parts/b";
  const auto of_job = ask(second).status;
  BOOST_TEST((of_job.code() == Code::resource_exhausted));
  BOOST_TEST(of_job.hint().find("--checkpoint-job-bytes") != std::string::npos);
  BOOST_TEST(keeper->answer({"other", second}, true, now).status.is_ok());
  auto third = second;
  third.put = 3;
  const auto of_all = keeper->answer({"third", third}, true, now).status;
  BOOST_TEST((of_all.code() == Code::resource_exhausted));
  BOOST_TEST(of_all.hint().find("--checkpoint-bytes") != std::string::npos);
  // The coordinator itself deletes what is retired.
  std::filesystem::remove_all(options.folder / "other");
  now += milliseconds(1'000);
  BOOST_TEST(keeper->answer({"third", third}, true, now).status.is_ok());
}

BOOST_FIXTURE_TEST_CASE(what_is_still_arriving_counts, Fixture) {
  options.job_bytes_max = 15;
  open();
  put(piece(1, 0, "a"));
  auto second = piece(2, 0, "abcdefgh");
  second.object = "parts/b";
  BOOST_TEST((refusal(second) == Code::resource_exhausted));
}

BOOST_FIXTURE_TEST_CASE(a_disk_that_is_nearly_full_takes_nothing_more, Fixture) {
  std::uintmax_t free = 1'008;
  options.space = [&] { return std::filesystem::space_info{10'000, free, free}; };
  open();
  put(piece(1, 0, "abcdefgh"));
  --free;
  auto second = piece(2, 0, "abcdefgh");
  second.object = "parts/b";
  const auto status = ask(second).status;
  BOOST_TEST((status.code() == Code::resource_exhausted));
  BOOST_TEST(status.message().find("nearly full") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_disk_that_fails_at_any_step_leaves_no_half_object, Fixture) {
  std::uint64_t number = 0;
  for (int step = 0; step < 40; ++step) {
    for (const int error : {EIO, ENOSPC}) {
      disk.fail_at = disk.calls + step;
      disk.error = error;
      ++number;
      (void)ask(piece(number, 0, "abcd"));
      const auto reply = ask(piece(number, 4, "efgh"));
      disk.fail_at = FaultDisk::kNever;
      const auto found = text();
      BOOST_TEST((found == "abcdefgh" || found == "not_found"), found);
      const bool is_told =
          reply.status.is_ok() && std::get<PutNews>(reply.what).state == PutState::created;
      if (is_told) BOOST_TEST(found == "abcdefgh");
      BOOST_TEST(keeper->open_puts() == 0u);
      BOOST_REQUIRE(ask(RemoveObject{"parts/a"}).status.is_ok());
    }
  }
  // The volume is of use afterwards.
  BOOST_TEST((put(piece(1'000, 0, "abcdefgh")).state == PutState::created));
}

BOOST_FIXTURE_TEST_CASE(ranges_are_read_and_names_listed_in_pages, Fixture) {
  put(piece(1, 0, "abcdefgh"));
  const auto range = std::get<volume::Range>(ask(GetRange{"parts/a", 6, 100}).what);
  BOOST_TEST(range.total == 8u);
  BOOST_TEST(as_text(range.bytes) == "gh");
  BOOST_TEST(std::get<volume::Range>(ask(GetRange{"parts/a", 9, 100}).what).bytes.empty());
  BOOST_TEST((ask(GetRange{"parts/b", 0, 1}).status.code() == Code::not_found));
  for (std::size_t i = 0; i < limits::kVolumeNamesMax; ++i) {
    std::filesystem::copy_file(options.folder / "job/parts/a",
                               options.folder / "job/parts" / ("b" + std::to_string(i)));
  }
  const auto first = std::get<volume::Names>(ask(ListNames{"parts/", ""}).what);
  BOOST_TEST(first.names.size() == limits::kVolumeNamesMax);
  BOOST_TEST(!first.is_last);
  const auto rest = std::get<volume::Names>(ask(ListNames{"parts/", first.names.back()}).what);
  BOOST_TEST(rest.names.size() == 1u);
  BOOST_TEST(rest.is_last);
}

BOOST_FIXTURE_TEST_CASE(the_folder_belongs_to_one_process, Fixture) {
  FaultDisk other;
  BOOST_TEST((VolumeKeeper::open(options, other).status().code() == Code::conflict));
  keeper.reset();
  BOOST_TEST(VolumeKeeper::open(options, other).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()
