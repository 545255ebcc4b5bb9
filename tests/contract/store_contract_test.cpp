// What every checkpoint store promises, whatever keeps its bytes.
#include <array>
#include <atomic>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/base/limits.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/s3_store.hpp"
#include "tests/support/temporary_folder.hpp"
#ifdef MILLRACE_TEST_VOLUME
#include "tests/integration/volume/volume_nodes.hpp"
#endif

BOOST_AUTO_TEST_SUITE(contract_store)

using namespace millrace;
using test::TemporaryFolder;

namespace {

struct FileStoreMaker {
  TemporaryFolder folder;
  std::unique_ptr<CheckpointStore> open() {
    auto store = open_checkpoint_store("file://" + (folder.path() / "a/b").string());
    BOOST_REQUIRE_MESSAGE(store.is_ok(), store.status().message());
    return std::move(store).value();
  }
};

#ifdef MILLRACE_TEST_S3
// A real object store, which tests/support/s3_server.py starts for this program. Parts are as small
// as S3 takes them.
struct S3StoreMaker {
  TemporaryFolder folder;
  std::string job = "contract/" + folder.path().filename().string();
  std::unique_ptr<CheckpointStore> open() {
    const char* base = std::getenv("MILLRACE_TEST_S3_URL");
    const char* secrets = std::getenv("MILLRACE_TEST_S3_SECRETS");
    BOOST_REQUIRE(base != nullptr && secrets != nullptr);
    static std::atomic<std::uint64_t> seed{1};
    S3Options options;
    options.part_bytes = std::uint64_t{5} << 20;
    options.retry.seed = seed++;
    auto store = open_s3_store(job_store_url(base, job).value(),
                               {.secrets = SecretsFolder(secrets)}, options);
    BOOST_REQUIRE_MESSAGE(store.is_ok(), store.status().message());
    return std::move(store).value();
  }
};
using Stores = boost::mpl::list<S3StoreMaker>;
#elif defined(MILLRACE_TEST_VOLUME)
// A store at a coordinator, over a connection between two actor systems.
struct VolumeStoreMaker {
  TemporaryFolder folder;
  test::VolumeNode coordinator{VolumeOptions{.folder = folder.path() / "volume"}};
  test::VolumeUser worker;
  VolumeStoreMaker() {
    coordinator.let_write("contract", {worker.node()});
    worker.connect(coordinator);
  }
  std::unique_ptr<CheckpointStore> open() { return worker.open("contract"); }
};
using Stores = boost::mpl::list<VolumeStoreMaker>;
#else
using Stores = boost::mpl::list<FileStoreMaker>;
#endif

std::string text_of(CheckpointStore& store, const std::string& name) {
  const auto bytes = store.get(name);
  return bytes.is_ok() ? std::string(as_text(bytes.value())) : to_string(bytes.status().code());
}

bool creates(const Result<PutOutcome>& put) {
  BOOST_REQUIRE_MESSAGE(put.is_ok(), put.status().message());
  BOOST_TEST(put.value().created != put.value().existed);
  return put.value().created;
}

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(an_object_is_created_once_and_never_overwritten, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  BOOST_TEST(creates(store->put_if_absent("x/y", as_bytes("first"))));
  BOOST_TEST(!creates(store->put_if_absent("x/y", as_bytes("second"))));
  const auto file = maker.folder.write("local", "third");
  BOOST_TEST(!creates(store->put_file("x/y", file)));
  BOOST_TEST(text_of(*store, "x/y") == "first");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(objects_outlive_the_store_that_wrote_them, Maker, Stores) {
  Maker maker;
  BOOST_TEST(creates(maker.open()->put_if_absent("x", as_bytes("kept"))));
  BOOST_TEST(text_of(*maker.open(), "x") == "kept");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_file_is_stored_and_fetched_as_it_is, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  const std::string content(12'000'001, 'z');
  const auto from = maker.folder.write("from", content);
  BOOST_TEST(creates(store->put_file("big", from)));
  const auto to = (maker.folder.path() / "to").string();
  BOOST_TEST(store->get_to_file("big", to).is_ok());
  BOOST_TEST(std::filesystem::file_size(to) == content.size());
  BOOST_TEST((text_of(*store, "big") == content));
  BOOST_TEST(!creates(store->put_file("big", maker.folder.write("other", "small"))));
  BOOST_TEST(!creates(store->put_file("big", maker.folder.write("big", content + "2"))));
  BOOST_TEST(!creates(store->put_if_absent("big", as_bytes("small"))));
  BOOST_TEST((text_of(*store, "big") == content));
  BOOST_TEST((store->put_file("none", from + ".absent").status().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stored_file_outlives_its_source, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  const auto from = maker.folder.write("from", "content");
  BOOST_TEST(creates(store->put_file("x", from)));
  std::filesystem::remove(from);
  BOOST_TEST(text_of(*store, "x") == "content");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_absent_object_is_not_found, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  BOOST_TEST(text_of(*store, "absent") == "not_found");
  const auto to = (maker.folder.path() / "to").string();
  BOOST_TEST((store->get_to_file("absent", to).code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_empty_object_is_an_object, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  BOOST_TEST(creates(store->put_if_absent("empty", {})));
  BOOST_TEST(text_of(*store, "empty") == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_fetched_file_overwrites_nothing, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  BOOST_TEST(creates(store->put_if_absent("x", as_bytes("stored"))));
  const auto to = maker.folder.write("to", "mine");
  BOOST_TEST(!store->get_to_file("x", to).is_ok());
  BOOST_TEST(std::filesystem::file_size(to) == 4u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(any_printable_name_is_a_name, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  const std::string name = "parts/a!\"#$%&'()*+,-.:;<=>?@[]^_`{|}~%2F";
  BOOST_TEST(creates(store->put_if_absent(name, as_bytes("odd"))));
  BOOST_TEST(text_of(*store, name) == "odd");
  BOOST_TEST((store->list("parts/").value() == std::vector<std::string>{name}));
  BOOST_TEST(store->remove(name).is_ok());
  BOOST_TEST(text_of(*store, name) == "not_found");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(more_names_than_one_page_holds_are_listed, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  std::vector<std::string> names;
  for (int i = 0; i < 1'003; ++i) {
    names.push_back("parts/" + std::to_string(i));
    BOOST_REQUIRE(creates(store->put_if_absent(names.back(), {})));
  }
  std::sort(names.begin(), names.end());
  BOOST_TEST((store->list("parts/").value() == names));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(names_are_listed_by_prefix_in_order, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  for (const char* name : {"log/2", "log/10", "logs", "parts/a", "log/1"}) {
    BOOST_TEST(creates(store->put_if_absent(name, as_bytes("x"))));
  }
  const auto names = [&](const std::string& prefix) { return store->list(prefix).value(); };
  BOOST_TEST((names("log/") == std::vector<std::string>{"log/1", "log/10", "log/2"}));
  BOOST_TEST((names("log/1") == std::vector<std::string>{"log/1", "log/10"}));
  BOOST_TEST((names("log") == std::vector<std::string>{"log/1", "log/10", "log/2", "logs"}));
  BOOST_TEST(names("").size() == 5u);
  BOOST_TEST(names("none/").empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(removal_is_idempotent_and_frees_the_name, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  BOOST_TEST(creates(store->put_if_absent("x", as_bytes("1"))));
  BOOST_TEST(store->remove("x").is_ok());
  BOOST_TEST(store->remove("x").is_ok());
  BOOST_TEST(creates(store->put_if_absent("x", as_bytes("2"))));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(leftovers_are_no_objects_and_can_be_swept, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  BOOST_TEST(creates(store->put_if_absent("x", as_bytes("1"))));
  BOOST_TEST(store->remove_leftovers().is_ok());
  BOOST_TEST(store->list("").value().size() == 1u);
  BOOST_TEST(store->health().is_ok());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(names_that_leave_the_store_are_refused, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  const std::string longest(limits::kObjectNameBytesMax, 'a');
  for (const std::string& name :
       {std::string(), std::string("/etc/x"), std::string("a//b"), std::string("a/"),
        std::string("../x"), std::string("a/../b"), std::string("./a"), std::string("a\nb"),
        std::string("a b"), std::string("\xC3\xBC"), longest + "a"}) {
    BOOST_TEST((store->put_if_absent(name, {}).status().code() == Code::invalid_argument), name);
    BOOST_TEST((store->get(name).status().code() == Code::invalid_argument), name);
    BOOST_TEST((store->remove(name).code() == Code::invalid_argument), name);
  }
  BOOST_TEST(check_object_name(longest).is_ok());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(of_many_writers_of_a_name_exactly_one_wins, Maker, Stores) {
  Maker maker;
  const auto store = maker.open();
  for (int round = 0; round < 20; ++round) {
    const auto name = "log/" + std::to_string(round);
    std::atomic<int> winners{0};
    std::vector<std::jthread> writers;
    std::array<bool, 4> won{};
    for (std::size_t i = 0; i < won.size(); ++i) {
      writers.emplace_back([&, i] {
        const auto put = store->put_if_absent(name, as_bytes("writer-" + std::to_string(i)));
        won[i] = put.is_ok() && put.value().created;
        winners += won[i] ? 1 : 0;
      });
    }
    writers.clear();
    BOOST_REQUIRE_EQUAL(winners.load(), 1);
    const auto winner = std::find(won.begin(), won.end(), true) - won.begin();
    BOOST_REQUIRE_EQUAL(text_of(*store, name), "writer-" + std::to_string(winner));
  }
}

// The workers of one process each open the store by themselves.
BOOST_AUTO_TEST_CASE_TEMPLATE(stores_opened_side_by_side_do_not_get_into_each_others_way, Maker,
                              Stores) {
  Maker maker;
  std::vector<std::unique_ptr<CheckpointStore>> stores;
  for (int i = 0; i < 4; ++i) stores.push_back(maker.open());
  std::atomic<int> failures = 0;
  std::vector<std::jthread> writers;
  for (std::size_t i = 0; i < stores.size(); ++i) {
    writers.emplace_back([&, i] {
      for (int object = 0; object < 100; ++object) {
        const auto name = "parts/" + std::to_string(i) + "-" + std::to_string(object);
        const auto put = stores[i]->put_if_absent(name, as_bytes("content"));
        failures += put.is_ok() && put.value().created ? 0 : 1;
      }
    });
  }
  writers.clear();
  BOOST_TEST(failures == 0);
}

#if !defined(MILLRACE_TEST_S3) && !defined(MILLRACE_TEST_VOLUME)
BOOST_AUTO_TEST_CASE(urls_of_unknown_kinds_are_refused_with_a_hint) {
  for (const char* url : {"", "/plain", "file://relative", "s4://bucket/x", "file://", "s3://"}) {
    const auto store = open_checkpoint_store(url);
    BOOST_TEST((store.status().code() == Code::invalid_argument), url);
    BOOST_TEST(!store.status().hint().empty());
  }
}

BOOST_AUTO_TEST_CASE(the_coordinator_s_stores_are_reached_by_its_volume_alone) {
  const auto store = open_checkpoint_store("coordinator/fraud");
  BOOST_TEST((store.status().code() == Code::invalid_argument));
  BOOST_TEST(store.status().hint().find("file://") != std::string::npos);
  const TemporaryFolder folder;
  const StoreOptions options{.volume = make_folder_volume(folder.path())};
  BOOST_TEST((open_checkpoint_store("coordinator/../x", options).status().code() ==
              Code::invalid_argument));
  const auto opened = open_checkpoint_store("coordinator/fraud", options);
  BOOST_REQUIRE(opened.is_ok());
  BOOST_TEST(creates(opened.value()->put_if_absent("x", as_bytes("1"))));
  BOOST_TEST(std::filesystem::exists(folder.path() / "fraud/x"));
}

BOOST_AUTO_TEST_CASE(a_store_that_is_only_read_is_not_made) {
  const TemporaryFolder folder;
  const auto url = "file://" + (folder.path() / "none").string();
  const auto store = open_checkpoint_store(url, {.is_read_only = true});
  BOOST_TEST((store.status().code() == Code::not_found));
  BOOST_TEST(!std::filesystem::exists(folder.path() / "none"));
}

BOOST_AUTO_TEST_CASE(the_store_of_a_job_stands_below_its_base) {
  const auto url = [](const char* base) { return job_store_url(base, "fraud").value(); };
  BOOST_TEST(url("file:///shared") == "file:///shared/fraud");
  BOOST_TEST(url("file:///what?/") == "file:///what?/fraud");
  BOOST_TEST(url("s3://bucket") == "s3://bucket/fraud");
  BOOST_TEST(url("s3://bucket/p/?region=x&style=path") ==
             "s3://bucket/p/fraud?region=x&style=path");
  BOOST_TEST(url("coordinator") == "coordinator/fraud");
  BOOST_TEST(!job_store_url("ftp://x", "fraud").is_ok());
  BOOST_TEST(!job_store_url("coordinators", "fraud").is_ok());
  BOOST_TEST(!job_store_url("file:///shared", "../fraud").is_ok());
}
#endif

BOOST_AUTO_TEST_SUITE_END()
