#include "common/security/curve_keys.hpp"

#include <zmq.h>

#include <boost/test/unit_test.hpp>

#include "common/security/z85.hpp"

namespace millrace::security {
namespace {

BOOST_AUTO_TEST_SUITE(common_security_curve_keys)

// The example of ZeroMQ RFC 32.
BOOST_AUTO_TEST_CASE(z85_writes_the_example_of_its_definition) {
  const unsigned char raw[] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
  const auto bytes = std::as_bytes(std::span(raw));
  std::string text(10, '\0');
  z85_encode(bytes, text);
  BOOST_TEST(text == "HelloWorld");
  std::array<std::byte, 8> back{};
  BOOST_REQUIRE(z85_decode("HelloWorld", back));
  BOOST_TEST(std::equal(back.begin(), back.end(), bytes.begin()));
}

BOOST_AUTO_TEST_CASE(z85_refuses_what_is_not_its_own) {
  std::array<std::byte, 4> four{};
  BOOST_TEST(z85_decode("%nSc0", four));    // the largest number: 2^32 - 1
  BOOST_TEST(!z85_decode("%nSc1", four));   // one more
  BOOST_TEST(!z85_decode("#####", four));   // the largest five digits
  BOOST_TEST(!z85_decode("Hell", four));    // too short
  BOOST_TEST(!z85_decode("HelloW", four));  // too long
  BOOST_TEST(!z85_decode("He lo", four));
  BOOST_TEST(!z85_decode(std::string_view("He\0lo", 5), four));
}

BOOST_AUTO_TEST_CASE(keys_are_those_of_libzmq) {
  const auto pair = make_curve_key_pair();
  const Secret text = curve_secret_text(pair);
  const std::string secret(text.text().substr(0, kCurveTextBytes));
  char derived[kCurveTextBytes + 1] = {};
  BOOST_REQUIRE(zmq_curve_public(derived, secret.c_str()) == 0);
  BOOST_TEST(pair.public_key.text() == derived);
}

BOOST_AUTO_TEST_CASE(a_secret_that_is_read_again_has_the_same_public_half) {
  const auto pair = make_curve_key_pair();
  const auto read = parse_curve_secret(curve_secret_text(pair).text());
  BOOST_REQUIRE(read.is_ok());
  BOOST_TEST((read.value().public_key == pair.public_key));
  BOOST_TEST(
      (CurvePublicKey::parse(" " + pair.public_key.text() + "\n").value() == pair.public_key));
}

BOOST_AUTO_TEST_CASE(no_two_pairs_are_the_same) {
  BOOST_TEST((make_curve_key_pair().public_key != make_curve_key_pair().public_key));
}

BOOST_AUTO_TEST_CASE(an_error_never_repeats_a_secret) {
  std::string text(curve_secret_text(make_curve_key_pair()).text());
  text[3] = '"';
  const auto read = parse_curve_secret(text);
  BOOST_REQUIRE((read.status().code() == Code::invalid_argument));
  for (std::size_t i = 4; i + 6 < kCurveTextBytes; ++i) {
    BOOST_TEST(read.status().message().find(text.substr(i, 6)) == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_secret_is_empty_after_it_was_moved) {
  Secret from(as_bytes("secret"));
  const Secret to(std::move(from));
  BOOST_TEST(to.text() == "secret");
  BOOST_TEST(from.bytes().empty());  // NOLINT(bugprone-use-after-move): that it is empty is tested
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::security
