#include "common/base/digest.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "common/base/random.hpp"

namespace millrace {

BOOST_AUTO_TEST_SUITE(base_digest)

// RFC 3720, appendix B.4, and the check value of CRC-32C (Koopman's catalogue).
BOOST_AUTO_TEST_CASE(crc32c_gives_the_published_values) {
  BOOST_TEST(crc32c(as_bytes("123456789")) == 0xE3069283u);
  BOOST_TEST(crc32c({}) == 0u);
  BOOST_TEST(crc32c(Bytes(32, std::byte{0})) == 0x8A9136AAu);
  BOOST_TEST(crc32c(Bytes(32, std::byte{0xFF})) == 0x62A8AB43u);
}

BOOST_AUTO_TEST_CASE(crc32c_continues_from_a_seed) {
  const std::string text = "a checksum may be taken in pieces of any length";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto first = crc32c(as_bytes(text).first(cut));
    BOOST_TEST(crc32c(as_bytes(text).subspan(cut), first) == crc32c(as_bytes(text)));
  }
}

// FIPS 180-2, appendix B.
BOOST_AUTO_TEST_CASE(sha256_gives_the_published_values) {
  BOOST_TEST(sha256_hex(as_bytes("abc")) ==
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(sha256_hex({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

BOOST_AUTO_TEST_CASE(sha256_may_be_fed_in_pieces) {
  Sha256 hash;
  hash.update(as_bytes("a"));
  hash.update({});
  hash.update(as_bytes("bc"));
  BOOST_TEST(hash.hex() == sha256_hex(as_bytes("abc")));
}

// The first outputs of SplitMix64 from state 0 are mix64 of 0 and of its increment.
BOOST_AUTO_TEST_CASE(mix64_is_splitmix64) {
  BOOST_TEST(mix64(0) == 0xE220A8397B1DCDAFull);
  BOOST_TEST(mix64(0x9E3779B97F4A7C15ull) == 0x6E789E6AA1B965F4ull);
}

// Stored models depend on these: they may never change.
BOOST_AUTO_TEST_CASE(hash_text_keeps_its_values_for_ever) {
  BOOST_TEST(hash_text("") == 0xA706DD2F4D197E6Full);
  BOOST_TEST(hash_text("", 7) == 0xB8B4C2977EABCE45ull);
  BOOST_TEST(hash_text("a") == 0x5E025F9ADE9EAF3Eull);
  BOOST_TEST(hash_text("a", 7) == 0xF5477DBDED227C1Eull);
  BOOST_TEST(hash_text("12345678") == 0x92DF3520C5D00ECEull);
  BOOST_TEST(hash_text("12345678", 7) == 0xC39733A3BFE19A86ull);
  BOOST_TEST(hash_text("123456789") == 0x7CF46F00F45FA22Aull);
  BOOST_TEST(hash_text("123456789", 7) == 0x2F9FD521490BF5DBull);
  BOOST_TEST(hash_text("EWR") == 0x828B98EBBAA7FA69ull);
  BOOST_TEST(hash_text("EWR", 7) == 0xA219D86438EC575Cull);
}

BOOST_AUTO_TEST_CASE(hash_text_tells_zeros_and_lengths_apart) {
  std::set<std::uint64_t> hashes;
  for (std::size_t length = 0; length < 64; ++length)
    hashes.insert(hash_text(std::string(length, '\0')));
  BOOST_TEST(hashes.size() == 64u);
  BOOST_TEST(hash_text("a", 1) != hash_text("a", 2));
}

BOOST_AUTO_TEST_CASE(random_streams_are_functions_of_their_key) {
  RandomStream one(1, 2, 3), same(1, 2, 3), other(1, 3, 2);
  bool is_other_equal = true;
  for (int i = 0; i < 100; ++i) {
    const auto drawn = one.next();
    BOOST_TEST(drawn == same.next());
    is_other_equal = is_other_equal && drawn == other.next();
  }
  BOOST_TEST(!is_other_equal);
}

BOOST_AUTO_TEST_CASE(random_draws_stay_in_range_and_are_even) {
  RandomStream random(7);
  double sum = 0.0;
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) {
    const double drawn = random.uniform();
    BOOST_REQUIRE(drawn >= 0.0);
    BOOST_REQUIRE(drawn < 1.0);
    sum += drawn;
    ++counts.at(random.below(10));
  }
  BOOST_TEST(std::abs(sum / 100'000 - 0.5) < 0.005);  // five standard errors
  for (const int count : counts) BOOST_TEST(std::abs(count - 10'000) < 500);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
