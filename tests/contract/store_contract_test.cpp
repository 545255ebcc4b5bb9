// What every checkpoint store promises, whatever keeps its bytes.
#include <array>
#include <atomic>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <thread>

#include "common/base/limits.hpp"
#include "common/store/checkpoint_store.hpp"
#include "tests/support/temporary_folder.hpp"

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

using Stores = boost::mpl::list<FileStoreMaker>;

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
  const std::string content(3'000'001, 'z');
  const auto from = maker.folder.write("from", content);
  BOOST_TEST(creates(store->put_file("big", from)));
  const auto to = (maker.folder.path() / "to").string();
  BOOST_TEST(store->get_to_file("big", to).is_ok());
  BOOST_TEST(std::filesystem::file_size(to) == content.size());
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

BOOST_AUTO_TEST_CASE(urls_of_unknown_kinds_are_refused_with_a_hint) {
  for (const char* url : {"", "/plain", "file://relative", "s3://bucket/x", "file://"}) {
    const auto store = open_checkpoint_store(url);
    BOOST_TEST((store.status().code() == Code::invalid_argument), url);
    BOOST_TEST(!store.status().hint().empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
