// Objects are stored once, and nobody is told otherwise, whatever the network loses.
#include <filesystem>

#include "tests/integration/s3_store/lossy_network.hpp"

BOOST_AUTO_TEST_SUITE(s3_store_put)

using namespace millrace;
using namespace millrace::test;

namespace {

// The first request of each kind to an object meets the fault, or all do.
struct Fixture {
  TemporaryFolder folder;
  std::string job = folder.path().filename().string();
  std::atomic<Fault> fault{Fault::none};
  std::atomic<int> left{0};
  std::string method = "PUT";
  std::string part_of_target;
  LossyNetwork network{[this](const HttpRequest& request) {
    const bool is_meant =
        request.method == method && request.target.find(part_of_target) != std::string::npos;
    return is_meant && left.fetch_sub(1) > 0 ? fault.load() : Fault::none;
  }};
  LossyNetwork calm{[](const HttpRequest&) { return Fault::none; }};
  std::unique_ptr<CheckpointStore> store = network.open(job);
  std::unique_ptr<CheckpointStore> other = calm.open(job);

  std::string text_of(const std::string& name) const {
    const auto bytes = other->get(name);
    return bytes.is_ok() ? std::string(as_text(bytes.value())) : to_string(bytes.status().code());
  }
  std::size_t uploads_left() {
    const auto before = calm.seen().size();
    BOOST_TEST(other->remove_leftovers().is_ok());
    return calm.seen().size() - before - 1;  // an abort for each that was listed
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_single_fault_is_settled_by_asking_again, Fixture) {
  int number = 0;
  for (const auto each : kFaults) {
    const auto name = "log/" + std::to_string(number++);
    fault = each;
    left = 1;
    const auto put = store->put_if_absent(name, as_bytes("mine"));
    BOOST_REQUIRE_MESSAGE(put.is_ok(), put.status().message());
    BOOST_TEST(put.value().created);
    BOOST_TEST(text_of(name) == "mine");
    left = 1;
    const auto second = store->put_if_absent(name, as_bytes("theirs"));
    BOOST_REQUIRE_MESSAGE(second.is_ok(), second.status().message());
    BOOST_TEST(second.value().existed);
    BOOST_TEST(text_of(name) == "mine");
  }
}

BOOST_FIXTURE_TEST_CASE(a_fault_that_lasts_is_in_doubt_and_reading_back_settles_it, Fixture) {
  int number = 0;
  for (const auto each : kFaults) {
    const auto name = "log/" + std::to_string(number++);
    fault = each;
    left = 100;
    const auto put = store->put_if_absent(name, as_bytes("mine"));
    // Half an answer may say all that counts.
    const bool is_known = each == Fault::half_an_answer && put.is_ok() && put.value().created;
    BOOST_TEST((is_known || is_ambiguous(put.status())));
    BOOST_TEST(text_of(name) == (reaches_the_store(each) ? "mine" : "not_found"));
    left = 0;
  }
}

// A rival takes the name while our request is under way: then it is never ours.
BOOST_FIXTURE_TEST_CASE(a_name_that_another_took_meanwhile_is_not_ours, Fixture) {
  LossyNetwork racing([&](const HttpRequest& request) {
    if (request.method != "PUT" || left.fetch_sub(1) <= 0) return Fault::none;
    BOOST_TEST(other->put_if_absent("log/1", as_bytes("theirs")).is_ok());
    return Fault::cut_before;
  });
  const auto mine = racing.open(job);
  left = 1;
  const auto put = mine->put_if_absent("log/1", as_bytes("mine"));
  BOOST_REQUIRE_MESSAGE(put.is_ok(), put.status().message());
  BOOST_TEST(put.value().existed);
  BOOST_TEST(text_of("log/1") == "theirs");
}

BOOST_FIXTURE_TEST_CASE(files_in_parts_survive_a_fault_in_every_step, Fixture) {
  const std::string content(11'000'000, 'p');
  const auto file = folder.write("file", content);
  struct Step {
    const char* method;
    const char* target;
  };
  int number = 0;
  for (const auto& step : {Step{"POST", "uploads="}, Step{"PUT", "partNumber=2"},
                           Step{"POST", "uploadId="}, Step{"HEAD", "parts/"}}) {
    for (const auto each : {Fault::cut_before, Fault::cut_after, Fault::refused_after}) {
      const auto name = "parts/" + std::to_string(number++);
      method = step.method;
      part_of_target = step.target;
      fault = each;
      left = 1;
      const auto put = store->put_file(name, file);
      BOOST_REQUIRE_MESSAGE(put.is_ok(), put.status().message());
      BOOST_TEST(put.value().created, step.target);
      BOOST_TEST((text_of(name) == content));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(an_upload_that_failed_is_aborted_and_a_forgotten_one_swept, Fixture) {
  const auto file = folder.write("file", std::string(11'000'000, 'p'));
  fault = Fault::refused_before;
  part_of_target = "partNumber=2";
  left = 100;
  const auto put = store->put_file("parts/a", file);
  BOOST_TEST((put.status().code() == Code::unreachable));
  BOOST_TEST(text_of("parts/a") == "not_found");
  BOOST_TEST(uploads_left() == 0u);
  // Also the abort is lost.
  LossyNetwork dead([&](const HttpRequest& request) {
    const bool is_begun = request.target.find("uploadId=") != std::string::npos;
    return is_begun ? Fault::cut_before : Fault::none;
  });
  BOOST_TEST(!dead.open(job)->put_file("parts/b", file).is_ok());
  BOOST_TEST(uploads_left() == 1u);
  BOOST_TEST(uploads_left() == 0u);
}

BOOST_FIXTURE_TEST_CASE(the_uploads_of_other_jobs_and_young_ones_are_left_alone, Fixture) {
  const auto file = folder.write("file", std::string(11'000'000, 'p'));
  LossyNetwork dead([&](const HttpRequest& request) {
    const bool is_begun = request.target.find("uploadId=") != std::string::npos;
    return is_begun ? Fault::cut_before : Fault::none;
  });
  BOOST_TEST(!dead.open(job + "-longer")->put_file("parts/b", file).is_ok());
  BOOST_TEST(uploads_left() == 0u);
  BOOST_TEST(!dead.open(job)->put_file("parts/b", file).is_ok());
  const auto url = "s3://checkpoints/network/" + job +
                   "?endpoint=http://127.0.0.1:" + setting("MILLRACE_TEST_S3_PORT");
  const auto careful =
      open_checkpoint_store(url, {.secrets = SecretsFolder(setting("MILLRACE_TEST_S3_SECRETS"))});
  BOOST_REQUIRE_MESSAGE(careful.is_ok(), careful.status().message());
  BOOST_TEST(careful.value()->remove_leftovers().is_ok());
  BOOST_TEST(uploads_left() == 1u);
}

BOOST_FIXTURE_TEST_CASE(reads_and_removals_pass_over_faults, Fixture) {
  for (const auto each : kFaults) {
    BOOST_TEST(other->put_if_absent("x", as_bytes("content")).is_ok());
    fault = each;
    method = "GET";
    left = 1;
    const auto bytes = store->get("x");
    BOOST_TEST(bytes.is_ok());
    left = 1;
    const auto names = store->list("");
    BOOST_REQUIRE_MESSAGE(names.is_ok(), names.status().message());
    BOOST_TEST(names.value().size() == 1u);
    method = "DELETE";
    left = 1;
    BOOST_TEST(store->remove("x").is_ok());
    BOOST_TEST(text_of("x") == "not_found");
  }
}

BOOST_AUTO_TEST_SUITE_END()
