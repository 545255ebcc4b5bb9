#include "coordinator/registry/job_catalog.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "common/config/job_file.hpp"
#include "common/store/sealed_json.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using control::SubmitOutcome;

CatalogJob example(const std::string& name = "clicks") {
  return {.name = name,
          .file_name = "job.yaml",
          .yaml = "version: 1\nname: " + name + "\n",
          .overrides = {"seed=7"},
          .spec_hash = "abc",
          .wanted = WantedState::running,
          .store_url = "file:///checkpoints/" + name,
          .from = "nightly",
          .rescale_to = 3,
          .revision = 2,
          .client = "ops",
          .submitted_at_ms = 1'700'000'000'000,
          .ending = {}};
}

JobEnding failed_ending() {
  return {.state = control::JobState::failed,
          .cut = 7,
          .at_ms = 9,
          .error = control::Error{.code = Code::job_failed, .message = "bad", .hint = "mend"}};
}

struct Catalog {
  test::TemporaryFolder folder;
  fs::path path() const { return folder.path() / "jobs"; }
  JobCatalog open(Disk& disk = posix_disk()) const {
    auto catalog = JobCatalog::open(path(), disk);
    BOOST_REQUIRE_MESSAGE(catalog.is_ok(), catalog.status().message());
    return std::move(catalog).value();
  }
};

BOOST_AUTO_TEST_SUITE(coordinator_job_catalog)

BOOST_AUTO_TEST_CASE(a_job_is_found_again_with_everything_that_was_put) {
  const Catalog stored;
  auto job = example();
  {
    auto catalog = stored.open();
    BOOST_TEST(catalog.put(job).is_ok());
    job.wanted = WantedState::stopped;
    job.ending = failed_ending();
    BOOST_TEST(catalog.put(job).is_ok());
    BOOST_TEST(catalog.put(example("other")).is_ok());
  }
  const auto catalog = stored.open();
  BOOST_TEST(catalog.damaged().empty());
  BOOST_TEST_REQUIRE(catalog.jobs().size() == 2u);
  const auto* found = catalog.find("clicks");
  BOOST_REQUIRE(found != nullptr);
  BOOST_TEST(found->yaml == job.yaml);
  BOOST_TEST(found->overrides == job.overrides);
  BOOST_TEST((found->wanted == WantedState::stopped));
  BOOST_TEST(found->revision == 2u);
  BOOST_TEST(found->store_url == job.store_url);
  BOOST_TEST(found->from == "nightly");
  BOOST_TEST(found->rescale_to == 3u);
  BOOST_TEST(found->client == "ops");
  BOOST_TEST(found->submitted_at_ms == job.submitted_at_ms);
  BOOST_REQUIRE(found->ending.has_value());
  BOOST_TEST((found->ending->state == control::JobState::failed));
  BOOST_TEST(found->ending->cut == 7u);
  BOOST_TEST((found->ending->error->code == Code::job_failed));
  BOOST_TEST(found->ending->error->hint == "mend");
}

// As the format before this one wrote it.
BOOST_AUTO_TEST_CASE(a_file_of_the_first_format_is_of_a_job_that_is_not_rescaled) {
  const Catalog stored;
  BOOST_TEST(stored.open().put(example()).is_ok());
  std::ifstream written(stored.path() / "clicks.json");
  auto json = OrderedJson::parse(written);
  for (const auto* key : {"format_version", "min_reader_version", "integrity", "rescale_to"})
    BOOST_TEST(json.erase(key) == 1u);
  const auto first = seal_json(json, 1, JsonLayout::pretty);
  BOOST_TEST_REQUIRE(first.is_ok());
  std::ofstream file(stored.path() / "clicks.json", std::ios::binary);
  file << as_text(first.value());
  file.close();
  const auto catalog = stored.open();
  BOOST_TEST(catalog.damaged().empty());
  BOOST_TEST_REQUIRE(catalog.find("clicks") != nullptr);
  BOOST_TEST(catalog.find("clicks")->rescale_to == 0u);
  BOOST_TEST(catalog.find("clicks")->from == "nightly");
}

BOOST_AUTO_TEST_CASE(a_removed_job_is_gone_and_its_name_free) {
  const Catalog stored;
  auto catalog = stored.open();
  BOOST_TEST(catalog.put(example()).is_ok());
  BOOST_TEST(catalog.remove("clicks").is_ok());
  BOOST_TEST((catalog.remove("clicks").code() == Code::not_found));
  BOOST_TEST(stored.open().jobs().empty());
  BOOST_TEST(catalog.put(example()).is_ok());
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_told_and_the_rest_goes_on) {
  const Catalog stored;
  {
    auto catalog = stored.open();
    for (const auto* name : {"a", "b", "c"}) BOOST_TEST(catalog.put(example(name)).is_ok());
  }
  const auto size = fs::file_size(stored.path() / "b.json");
  for (std::uintmax_t at = 0; at < size; at += 7) {
    std::fstream file(stored.path() / "b.json", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int before = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(before ^ 0x20));
    file.close();
    auto catalog = stored.open();
    BOOST_TEST_CONTEXT("byte " << at) {
      BOOST_TEST_REQUIRE(catalog.damaged().size() == 1u);
      BOOST_TEST(catalog.damaged()[0].name == "b");
      BOOST_TEST(catalog.damaged()[0].status.message().find("b.json") != std::string::npos);
      BOOST_TEST(catalog.jobs().size() == 2u);
      // Never written over: somebody may still mend it.
      BOOST_TEST(!catalog.put(example("b")).is_ok());
      BOOST_TEST(fs::file_size(stored.path() / "b.json") == size);
    }
    std::fstream mended(stored.path() / "b.json", std::ios::in | std::ios::out | std::ios::binary);
    mended.seekp(static_cast<std::streamoff>(at));
    mended.put(static_cast<char>(before));
  }
  BOOST_TEST(stored.open().damaged().empty());
}

BOOST_AUTO_TEST_CASE(a_file_under_another_name_is_not_that_job) {
  const Catalog stored;
  BOOST_TEST(stored.open().put(example("a")).is_ok());
  fs::copy_file(stored.path() / "a.json", stored.path() / "z.json");
  const auto catalog = stored.open();
  BOOST_TEST(catalog.jobs().size() == 1u);
  BOOST_TEST_REQUIRE(catalog.damaged().size() == 1u);
  BOOST_TEST(catalog.damaged()[0].name == "z");
}

// At every disk operation: what `put` and `remove` returned ok for is there after a loss of power,
// and what they failed at is there as before or as asked for, never a mixture.
BOOST_AUTO_TEST_CASE(whatever_was_acknowledged_survives_a_failing_disk_and_a_loss_of_power) {
  for (const int error : {EIO, ENOSPC}) {
    for (int fault = 1;; ++fault) {
      const Catalog stored;
      test::FaultDisk disk;
      disk.error = error;
      auto catalog = stored.open(disk);
      disk.fail_at = disk.calls + fault;
      disk.is_crash = true;
      auto changed = example();
      changed.revision = 3;
      const bool is_created = catalog.put(example()).is_ok();
      const bool is_changed = catalog.put(changed).is_ok();
      const bool is_done = disk.calls <= disk.fail_at;
      disk.lose_power(stored.path());
      const auto after = stored.open();
      BOOST_TEST_CONTEXT("fault " << fault) {
        BOOST_TEST(after.damaged().empty());
        const auto* found = after.find("clicks");
        if (is_created) BOOST_TEST_REQUIRE(found != nullptr);
        if (is_changed) BOOST_TEST(found->revision == 3u);
        if (found != nullptr) BOOST_TEST((found->revision == 2u || found->revision == 3u));
        if (!is_created) BOOST_TEST(!is_changed);
      }
      if (is_done) {
        BOOST_TEST(fault > 5);
        break;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(putting_again_settles_what_a_failing_disk_left_open) {
  for (int fault = 1;; ++fault) {
    const Catalog stored;
    test::FaultDisk disk;
    disk.is_quick = true;
    auto catalog = stored.open(disk);
    disk.fail_at = disk.calls + fault;  // once
    const bool is_first = catalog.put(example()).is_ok();
    const bool is_hit = disk.calls > disk.fail_at;
    if (!is_hit) {
      BOOST_TEST(is_first);
      BOOST_TEST(fault > 4);
      break;
    }
    BOOST_TEST_CONTEXT("fault " << fault) {
      const auto again = catalog.put(example());
      BOOST_TEST(again.is_ok(), again.message());
      BOOST_TEST(stored.open().find("clicks") != nullptr);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_submit_is_judged_by_name_and_content) {
  const auto offered = example();
  const auto judge = [&](const CatalogJob* known, bool is_update = false) {
    return judge_submit(known, offered, is_update);
  };
  BOOST_TEST((judge(nullptr).value() == SubmitOutcome::created));
  auto known = offered;
  BOOST_TEST((judge(&known).value() == SubmitOutcome::unchanged));
  BOOST_TEST((judge(&known, true).value() == SubmitOutcome::unchanged));
  known.spec_hash = "other";
  BOOST_TEST((judge(&known).status().code() == Code::conflict));
  BOOST_TEST((judge(&known, true).value() == SubmitOutcome::updated));
  known.wanted = WantedState::deleted;
  BOOST_TEST((judge(&known).value() == SubmitOutcome::created));
  known = offered;
  known.wanted = WantedState::stopped;
  BOOST_TEST((judge(&known).status().code() == Code::conflict));
  known.wanted = WantedState::running;
  known.ending = failed_ending();
  BOOST_TEST((judge(&known).status().code() == Code::conflict));
  known.ending->state = control::JobState::finished;
  BOOST_TEST((judge(&known).value() == SubmitOutcome::unchanged));
}

BOOST_AUTO_TEST_CASE(comments_and_order_make_no_other_job) {
  const auto hash = [](const char* yaml) {
    const auto spec = parse_job(yaml, "job.yaml");
    BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
    return spec_hash(spec.value());
  };
  const auto one = hash("version: 1\nname: a\nsource: {path: x.csv}\nschema: {label: y}\n");
  BOOST_TEST(one ==
             hash("# hello\nversion: 1\nschema: {label: y}\nname: a\nsource:\n  path: x.csv\n"));
  BOOST_TEST(one != hash("version: 1\nname: a\nsource: {path: x.csv}\nschema: {label: z}\n"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
