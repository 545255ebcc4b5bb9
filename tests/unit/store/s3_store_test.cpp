// The object store's client against answers that real stores give rarely.
#include "common/store/s3_store.hpp"

#include <deque>

#include "common/base/digest.hpp"
#include "tests/support/http_stand_in.hpp"
#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_s3)

using namespace millrace;
using namespace millrace::test;

namespace {

std::string error_text(const std::string& code) {
  return "<Error><Code>" + code + "</Code><Message>said " + code + "</Message></Error>";
}

// A store whose answers are set by the test; the probe at opening is answered as a good store does.
struct Fixture {
  TemporaryFolder folder;
  std::mutex mutex;
  std::deque<StandInReply> replies;
  HttpRequest last;
  std::vector<std::chrono::milliseconds> pauses;
  HttpStandIn server{[this](const HttpRequest& request) {
    if (request.target.find("/.probe") != std::string::npos) return http_reply(412);
    const std::lock_guard lock(mutex);
    last = request;
    if (replies.empty()) return http_reply(500, error_text("NoReplyIsSet"));
    auto reply = replies.front();
    if (replies.size() > 1) replies.pop_front();  // the last one is given for ever
    return reply;
  }};

  void write_secret(const std::string& name, const std::string& text) const {
    const auto path = folder.write("secrets/" + name, text);
    std::filesystem::permissions(path, std::filesystem::perms(0600));
  }
  std::string url(const std::string& more = "") const {
    return "s3://bucket/job?endpoint=http://127.0.0.1:" + std::to_string(server.port()) + more;
  }
  S3Options options() {
    S3Options options;
    options.limits.silence = std::chrono::seconds(1);
    options.retry.sleep = [this](std::chrono::milliseconds pause) { pauses.push_back(pause); };
    return options;
  }
  StoreOptions secrets() const {
    if (!std::filesystem::exists(folder.path() / "secrets")) {
      std::filesystem::create_directory(folder.path() / "secrets");
      write_secret("s3-access-key-id", "AK");
      write_secret("s3-secret-access-key", "SK");
    }
    return {.secrets = SecretsFolder(folder.path() / "secrets")};
  }
  Result<std::unique_ptr<CheckpointStore>> open(const std::string& more = "") {
    return open_s3_store(url(more), secrets(), options());
  }
  std::unique_ptr<CheckpointStore> store = require_ok(open());
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(errors_name_object_status_code_and_what_to_do, Fixture) {
  struct Case {
    int status;
    const char* error;
    Code code;
    const char* hint;
  };
  for (const auto& [status, error, code, hint] :
       {Case{403, "SignatureDoesNotMatch", Code::permission_denied, "clock"},
        Case{403, "AccessDenied", Code::permission_denied, "what they may do"},
        Case{403, "RequestTimeTooSkewed", Code::permission_denied, "NTP"},
        Case{404, "NoSuchBucket", Code::invalid_argument, "make the bucket"},
        Case{404, "NoSuchKey", Code::not_found, ""},
        Case{301, "PermanentRedirect", Code::invalid_argument, "add region=eu-north-1"},
        Case{501, "NotImplemented", Code::invalid_argument, "docs/checkpoints.md"},
        Case{507, "QuotaExceeded", Code::resource_exhausted, "make room"},
        Case{503, "SlowDown", Code::unreachable, "overloaded"},
        Case{418, "Teapot", Code::io_error, "log"}}) {
    replies = {http_reply(status, error_text(error), {"x-amz-bucket-region: eu-north-1"})};
    const auto got = store->get("parts/x").status();
    BOOST_TEST((got.code() == code), error);
    for (const auto& word :
         {std::string("s3://bucket/job/parts/x"), std::to_string(status), std::string(error)}) {
      BOOST_TEST(got.message().find(word) != std::string::npos, got.message());
    }
    BOOST_TEST(got.hint().find(hint) != std::string::npos, got.hint());
  }
}

BOOST_FIXTURE_TEST_CASE(only_the_store_itself_can_say_that_an_object_is_absent, Fixture) {
  replies = {http_reply(404, "<html>no such backend</html>")};
  BOOST_TEST((store->get("log/1").status().code() == Code::unreachable));
  BOOST_TEST((store->list("log/").status().code() == Code::unreachable));
  replies = {http_reply(200, "<html>Welcome</html>")};
  BOOST_TEST((store->list("log/").status().code() == Code::io_error));
}

BOOST_FIXTURE_TEST_CASE(a_put_that_was_refused_is_certain_and_one_without_answer_is_not, Fixture) {
  const auto put = [&] { return store->put_if_absent("x", as_bytes("1")).status(); };
  replies = {http_reply(403, error_text("AccessDenied"))};
  BOOST_TEST((put().code() == Code::permission_denied));
  replies = {http_reply(503, error_text("SlowDown"))};
  BOOST_TEST(is_ambiguous(put()));
  for (const auto end :
       {StandInReply::End::nothing, StandInReply::End::half, StandInReply::End::silence}) {
    replies = {http_reply(200)};
    replies.front().end = end;
    BOOST_TEST(is_ambiguous(put()));
  }
  // The first attempt may have been carried out, whatever is said to the second.
  replies = {http_reply(500, error_text("InternalError")),
             http_reply(403, error_text("AccessDenied"))};
  BOOST_TEST(is_ambiguous(put()));
}

BOOST_FIXTURE_TEST_CASE(a_store_that_nobody_runs_is_unreachable_and_nothing_is_in_doubt, Fixture) {
  std::string nobody;
  {
    const HttpStandIn gone([](const HttpRequest&) { return http_reply(500); });
    nobody = "s3://bucket/job?endpoint=http://127.0.0.1:" + std::to_string(gone.port());
  }
  auto read_only = secrets();
  read_only.is_read_only = true;
  BOOST_TEST((open_s3_store(nobody, secrets(), options()).status().code() == Code::unreachable));
  const auto opened = require_ok(open_s3_store(nobody, read_only, options()));
  BOOST_TEST((opened->get("x").status().code() == Code::unreachable));
  BOOST_TEST(!is_ambiguous(opened->get("x").status()));
}

BOOST_FIXTURE_TEST_CASE(a_writer_recognises_its_own_object_by_the_number_it_drew, Fixture) {
  std::string writer;
  bool is_ours = true;
  const HttpStandIn losing([&](const HttpRequest& request) {
    if (request.target.find("/.probe") != std::string::npos) return http_reply(412);
    const std::lock_guard lock(mutex);
    if (request.method == "HEAD") {
      const auto found = is_ours ? writer : "another";
      return http_reply(200, "", {"x-amz-meta-millrace-writer: " + found, "content-length: 1"});
    }
    auto reply = http_reply(412, error_text("PreconditionFailed"));
    if (writer != request.headers.at("x-amz-meta-millrace-writer"))
      reply.end = StandInReply::End::nothing;
    writer = request.headers.at("x-amz-meta-millrace-writer");
    BOOST_TEST(request.headers.at("if-none-match") == "*");
    return reply;
  });
  const auto opened = require_ok(
      open_s3_store("s3://bucket/job?endpoint=http://127.0.0.1:" + std::to_string(losing.port()),
                    secrets(), options()));
  BOOST_TEST(require_ok(opened->put_if_absent("x", as_bytes("1"))).created);
  is_ours = false;
  BOOST_TEST(require_ok(opened->put_if_absent("x", as_bytes("1"))).existed);
}

BOOST_FIXTURE_TEST_CASE(an_object_that_cannot_be_looked_at_stays_in_doubt, Fixture) {
  replies = {http_reply(412, error_text("PreconditionFailed")),
             http_reply(403, error_text("AccessDenied"))};
  BOOST_TEST(is_ambiguous(store->put_if_absent("x", as_bytes("1")).status()));
}

BOOST_FIXTURE_TEST_CASE(requests_are_repeated_a_few_times_with_longer_pauses, Fixture) {
  replies = {http_reply(503, error_text("SlowDown"))};
  BOOST_TEST(!store->get("x").is_ok());
  BOOST_TEST(pauses.size() == 3u);
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    const auto bound = std::chrono::milliseconds(100) * (1 << i);
    BOOST_TEST((pauses[i] >= bound / 2 && pauses[i] <= bound));
  }
  pauses.clear();
  replies = {http_reply(503, error_text("SlowDown")), http_reply(200, "content")};
  BOOST_TEST((as_text(require_ok(store->get("x"))) == "content"));
  BOOST_TEST(pauses.size() == 1u);
  pauses.clear();
  replies = {http_reply(403, error_text("AccessDenied"))};
  BOOST_TEST(!store->get("x").is_ok());
  BOOST_TEST(pauses.empty());
}

BOOST_FIXTURE_TEST_CASE(a_download_that_breaks_off_begins_again, Fixture) {
  replies = {http_reply(200, std::string(100'000, 'a')), http_reply(200, "whole")};
  replies.front().end = StandInReply::End::half;
  BOOST_TEST((as_text(require_ok(store->get("x"))) == "whole"));
  replies = {http_reply(200, std::string(100'000, 'a')), http_reply(200, "whole")};
  replies.front().end = StandInReply::End::half;
  const auto path = (folder.path() / "fetched").string();
  require_ok(store->get_to_file("x", path));
  BOOST_TEST(std::filesystem::file_size(path) == 5u);
}

BOOST_FIXTURE_TEST_CASE(headers_that_break_off_are_no_empty_object, Fixture) {
  replies = {{.bytes = "HTTP/1.1 200 OK\r\nConnection: cl"}, http_reply(200, "whole")};
  BOOST_TEST((as_text(require_ok(store->get("x"))) == "whole"));
}

BOOST_FIXTURE_TEST_CASE(what_is_not_what_was_stored_is_fetched_twice_and_refused, Fixture) {
  const auto header = "x-amz-meta-millrace-sha256: " + sha256_hex(as_bytes("stored"));
  replies = {http_reply(200, "st0red", {header})};
  const auto requests = server.seen().size();
  BOOST_TEST((store->get("x").status().code() == Code::corrupted));
  BOOST_TEST(server.seen().size() == requests + 2);
  const auto path = (folder.path() / "fetched").string();
  BOOST_TEST((store->get_to_file("x", path).code() == Code::corrupted));
  BOOST_TEST(!std::filesystem::exists(path));
  replies = {http_reply(200, "st0red", {header}), http_reply(200, "stored", {header})};
  BOOST_TEST((as_text(require_ok(store->get("x"))) == "stored"));
}

BOOST_FIXTURE_TEST_CASE(a_request_is_signed_with_the_hash_of_what_it_carries, Fixture) {
  replies = {http_reply(200)};
  BOOST_TEST(require_ok(store->put_if_absent("log/1", as_bytes("entry"))).created);
  BOOST_TEST(last.target == "/bucket/job/log/1");
  BOOST_TEST(last.body == "entry");
  BOOST_TEST(last.headers.at("x-amz-content-sha256") == sha256_hex(as_bytes("entry")));
  BOOST_TEST(last.headers.at("authorization").find("AWS4-HMAC-SHA256 Credential=AK/") == 0u);
  BOOST_TEST(last.headers.at("authorization").find("x-amz-meta-millrace-writer") !=
             std::string::npos);
  BOOST_TEST(!last.headers.contains("x-amz-security-token"));
}

BOOST_FIXTURE_TEST_CASE(credentials_come_from_the_folder_and_may_change_meanwhile, Fixture) {
  ::setenv("AWS_ACCESS_KEY_ID", "FROM-ENVIRONMENT", 1);
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  write_secret("s3-access-key-id", "NEW");
  write_secret("s3-session-token", "TOKEN");
  replies = {http_reply(200, "x")};
  BOOST_TEST(store->get("x").is_ok());
  BOOST_TEST(last.headers.at("authorization").find("Credential=NEW/") != std::string::npos);
  BOOST_TEST(last.headers.at("x-amz-security-token") == "TOKEN");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  ::unsetenv("http_proxy");
  std::filesystem::permissions(folder.path() / "secrets/s3-access-key-id",
                               std::filesystem::perms(0644));
  BOOST_TEST((store->get("x").status().code() == Code::permission_denied));
  const auto status = open("&credentials=other").status();
  BOOST_TEST((status.code() == Code::not_found));
  BOOST_TEST(status.message().find("other-access-key-id") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_overwrites_is_refused_unless_there_is_one_coordinator,
                        Fixture) {
  std::map<std::string, std::string> objects;
  const HttpStandIn careless([&](const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    if (request.method == "PUT") objects[request.target] = request.body;
    return http_reply(objects.contains(request.target) ? 200 : 404);
  });
  const auto url = "s3://bucket/job?endpoint=http://127.0.0.1:" + std::to_string(careless.port());
  const auto refused = open_s3_store(url, secrets(), options()).status();
  BOOST_TEST((refused.code() == Code::invalid_argument));
  BOOST_TEST(refused.message().find("If-None-Match") != std::string::npos);
  BOOST_TEST(refused.hint().find("single_coordinator=true") != std::string::npos);
  const auto opened =
      require_ok(open_s3_store(url + "&single_coordinator=true", secrets(), options()));
  BOOST_TEST(require_ok(opened->put_if_absent("x", as_bytes("1"))).created);
  BOOST_TEST(require_ok(opened->put_if_absent("x", as_bytes("2"))).existed);
  BOOST_TEST(objects.at("/bucket/job/x") == "1");
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_only_read_is_not_probed_or_changed, Fixture) {
  auto read_only = secrets();
  read_only.is_read_only = true;
  const auto requests = server.seen().size();
  const auto opened = require_ok(open_s3_store(url(), read_only, options()));
  BOOST_TEST(server.seen().size() == requests);
  BOOST_TEST((opened->put_if_absent("x", {}).status().code() == Code::permission_denied));
  BOOST_TEST((opened->remove("x").code() == Code::permission_denied));
}

BOOST_FIXTURE_TEST_CASE(a_listing_that_never_ends_is_given_up, Fixture) {
  std::string page =
      "<ListBucketResult><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>again</NextContinuationToken>";
  for (int i = 0; i < 100'000; ++i) page += "<Contents><Key>job/x</Key></Contents>";
  replies = {http_reply(200, page + "</ListBucketResult>")};
  BOOST_TEST((store->list("").status().code() == Code::resource_exhausted));
}

BOOST_AUTO_TEST_SUITE_END()
