#include "common/store/manifest.hpp"

#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_manifest)

using namespace millrace;
using namespace millrace::test;

namespace {

Manifest sample() {
  Manifest manifest;
  manifest.job = "electricity";
  manifest.term = Term(3);
  manifest.attempt = Attempt(2);
  manifest.cut = CutId(17);
  manifest.savepoint = "before-upgrade";
  manifest.created_at = "2026-01-02T03:04:05Z";
  manifest.instruction_set = "avx2";
  manifest.program_version = "0.1.0";
  manifest.job_fingerprint = "f00";
  manifest.schema_fingerprint = "ba4";
  manifest.is_final = true;
  manifest.totals = {.read = 10, .records = 7, .quarantined = 2, .skipped = 1};
  RecordSums sums;
  sums.add(SplitId(1), Offset(2));
  manifest.splits = {{.id = SplitId(1),
                      .path = "data/\"quoted\" \xC3\xBC.csv",
                      .begin = 5,
                      .end = ~std::uint64_t{0},
                      .offset = Offset(9),
                      .is_finished = true,
                      .learned = sums}};
  manifest.parts = {
      {.worker = WorkerId(4),
       .files = {{.name = part_prefix(WorkerId(4), CutId(17), Attempt(2), "S") + "1.sst",
                  .size = 12,
                  .crc32c = 0xFFFFFFFFu,
                  .sha256 = std::string(64, 'a')}}}};
  manifest.replicas = {WorkerId(4), WorkerId(4)};
  manifest.shards = {WorkerId(4)};
  manifest.ledger.add(ReplicaId(0), Round(1), 1.0, {{{SplitId(1), sums}}});
  manifest.metadata = {{"classes", "up,down"}, {"empty", ""}};
  return manifest;
}

}  // namespace

BOOST_AUTO_TEST_CASE(decodes_to_what_was_encoded) {
  const auto bytes = require_ok(encode_manifest(sample()));
  BOOST_TEST((require_ok(decode_manifest(bytes)) == sample()));
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_and_every_truncation_is_detected) {
  const auto bytes = require_ok(encode_manifest(sample()));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto flipped = bytes;
    flipped[i] ^= std::byte{1} << (i % 8);
    BOOST_REQUIRE(decode_manifest(flipped).status().code() == Code::corrupted);
    BOOST_REQUIRE(decode_manifest(ByteView(bytes).first(i)).status().code() == Code::corrupted);
  }
}

BOOST_AUTO_TEST_CASE(trailing_bytes_are_detected) {
  auto bytes = require_ok(encode_manifest(sample()));
  bytes.push_back(std::byte{'\n'});
  BOOST_TEST((decode_manifest(bytes).status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(totals_that_do_not_add_up_are_refused) {
  auto manifest = sample();
  manifest.totals.read = 11;
  BOOST_TEST((encode_manifest(manifest).status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(files_outside_the_store_are_refused) {
  for (const char* name : {"../x", "/etc/passwd", "parts//x", "parts/./x", ""}) {
    auto manifest = sample();
    manifest.parts[0].files[0].name = name;
    BOOST_TEST((encode_manifest(manifest).status().code() == Code::invalid_argument), name);
  }
}

BOOST_AUTO_TEST_CASE(a_path_that_is_not_utf8_is_refused_with_a_hint) {
  auto manifest = sample();
  manifest.splits[0].path = "\xFF.csv";
  const auto encoded = encode_manifest(manifest);
  BOOST_TEST((encoded.status().code() == Code::invalid_argument));
  BOOST_TEST(!encoded.status().hint().empty());
}

BOOST_AUTO_TEST_CASE(names_tell_cut_attempt_and_state_file) {
  const auto name = part_prefix(WorkerId(3), CutId(12), Attempt(7), "SESSION") + "MANIFEST-000005";
  BOOST_TEST(state_file_name(name) == "MANIFEST-000005");
  BOOST_TEST((require_ok(object_origin(name)) == CutRef{CutId(12), Attempt(7)}));
  BOOST_TEST((require_ok(object_origin(manifest_name(CutId(0), Attempt(1)))) ==
              CutRef{CutId(0), Attempt(1)}));
  BOOST_TEST((object_origin("log/000000000001").status().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_part_travels_and_summarises_itself) {
  const auto part = sample().parts[0];
  BOOST_TEST((require_ok(decode_part(encode_part(part))) == part));
  const auto summary = part.summary();
  BOOST_TEST(summary.name == "parts/cut-0000000017.attempt-2.worker-4.S");
  BOOST_TEST(summary.size == 12u);
  auto other = part;
  other.files[0].crc32c ^= 1;
  BOOST_TEST(other.summary().sha256 != summary.sha256);
}

BOOST_AUTO_TEST_SUITE_END()
