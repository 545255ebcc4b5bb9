// What a checkpoint costs in requests, as docs/checkpoints.md states it.
#include "common/store/store_audit.hpp"
#include "tests/integration/s3_store/lossy_network.hpp"
#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(s3_store_requests)

using namespace millrace;
using namespace millrace::test;

namespace {

// "PUT 4, GET 1, list 1": of the requests from `begin` on.
std::string summary(const std::vector<std::string>& seen, std::size_t begin) {
  std::map<std::string, int> counts;
  for (std::size_t i = begin; i < seen.size(); ++i) {
    const auto method = seen[i].substr(0, seen[i].find(' '));
    ++counts[seen[i].find("list-type=") != std::string::npos ? "LIST" : method];
  }
  std::string text;
  for (const auto& [what, count] : counts)
    text += (text.empty() ? "" : ", ") + what + " " + std::to_string(count);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_checkpoint_costs_the_requests_that_the_documents_say) {
  const TemporaryFolder folder;
  LossyNetwork network([](const HttpRequest&) { return Fault::none; });
  const auto store = network.open(folder.path().filename().string());
  BOOST_TEST(summary(network.seen(), 0) == "PUT 2");  // the probe of an empty store
  (void)network.open(folder.path().filename().string());
  BOOST_TEST(summary(network.seen(), 2) == "PUT 1");

  const auto db = require_ok(StateDb::open({.folder = (folder.path() / "state").string()}));
  const auto count = [&](const auto& act) {
    const auto begin = network.seen().size();
    act();
    return summary(network.seen(), begin);
  };
  for (std::uint64_t cut = 1; cut <= 2; ++cut) {
    require_ok(db->put(CutId(cut), "state", random_bytes(100'000, cut)));
    PartDescriptor part;
    BOOST_TEST(count([&] { part = require_ok(db->ship(CutId(cut), Attempt(1), *store)); }) ==
               "PUT 2");
    BOOST_TEST(count([&] {
                 require_ok(write_manifest(*store, manifest_of(CutId(cut), {std::move(part)})));
               }) == "PUT 1");
    CommitLogStore log(*store);
    BOOST_TEST(count([&] {
                 require_ok(log.write(cut - 1, complete_entry(CutId(cut))));
                 (void)require_ok(log.newest());
               }) == "LIST 1, PUT 1");
    db->completed(CutId(cut));
  }
  const GarbageQuery query{
      .unretired = {{CutId(2), Attempt(1)}}, .dead = {CutId(1)}, .attempt = Attempt(1)};
  BOOST_TEST(count([&] { require_ok(collect_garbage(*store, query)); }) ==
             "DELETE 3, GET 1, LIST 2");
  // Every object of the cut that is left, its manifest, and the log.
  BOOST_TEST(count([&] {
               const auto entries = require_ok(CommitLogStore(*store).read_all());
               const std::vector<CutRef> kept = {{CutId(2), Attempt(1)}};
               BOOST_TEST(entries.size() == 2u);
               BOOST_TEST(
                   (require_ok(choose_restore_point(*store, kept)).manifest.cut == CutId(2)));
             }) == "GET 5, LIST 1");
}

BOOST_AUTO_TEST_SUITE_END()
