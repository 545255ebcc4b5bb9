#include "common/store/s3_address.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(store_s3_address)

using namespace millrace;

namespace {

S3Address parsed(const std::string& url) {
  auto address = parse_s3_url(url);
  BOOST_REQUIRE_MESSAGE(address.is_ok(), address.status().message());
  return std::move(address).value();
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_an_endpoint_the_bucket_stands_in_the_hosts_name) {
  const auto address = parsed("s3://my-bucket/jobs/?region=eu-west-1");
  BOOST_TEST(address.key_of("log/1") == "jobs/log/1");
  BOOST_TEST(address.url_of("jobs/log/1") ==
             "https://my-bucket.s3.eu-west-1.amazonaws.com/jobs/log/1");
  BOOST_TEST(address.describe("log/1") == "s3://my-bucket/jobs/log/1");
}

BOOST_AUTO_TEST_CASE(a_bucket_with_a_dot_stands_in_the_path_where_certificates_match) {
  BOOST_TEST(parsed("s3://my.bucket").url_of("x") ==
             "https://s3.us-east-1.amazonaws.com/my.bucket/x");
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_sent_the_bucket_in_the_path_unless_told_otherwise) {
  const std::string base = "s3://bucket/p?endpoint=https://store.example:9000";
  BOOST_TEST(parsed(base).url_of("p/a b") == "https://store.example:9000/bucket/p/a%20b");
  BOOST_TEST(parsed(base).url_of("") == "https://store.example:9000/bucket");
  BOOST_TEST(parsed(base + "&style=virtual").url_of("x") == "https://bucket.store.example:9000/x");
}

BOOST_AUTO_TEST_CASE(values_of_the_query_may_be_percent_encoded) {
  const auto address = parsed("s3://bucket?endpoint=http%3A%2F%2F127.0.0.1%3A9000&ca=%2Fca.pem");
  BOOST_TEST(address.endpoint == "http://127.0.0.1:9000");
  BOOST_TEST(address.ca_file == "/ca.pem");
  BOOST_TEST(address.credentials == "s3");
}

BOOST_AUTO_TEST_CASE(plain_http_leaves_this_machine_only_where_that_is_said) {
  for (const char* host : {"127.0.0.1:9000", "localhost", "[::1]:9000", "127.9.9.9"}) {
    BOOST_TEST(parse_s3_url(std::string("s3://bucket?endpoint=http://") + host).is_ok(), host);
  }
  for (const char* host :
       {"store.example", "10.0.0.1:9000", "127.0.0.1.example", "localhost.example", "[fe80::1]"}) {
    const auto url = std::string("s3://bucket?endpoint=http://") + host;
    BOOST_TEST((parse_s3_url(url).status().code() == Code::invalid_argument), host);
    BOOST_TEST(parse_s3_url(url + "&insecure=true").is_ok(), host);
    BOOST_TEST(!parse_s3_url(url + "&insecure=false").is_ok(), host);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused_with_a_hint) {
  for (const char* url :
       {"s3://", "s3://ab", "s3://Bucket", "s3://bucket/a//b", "s3://bucket/a b", "s3://-bucket",
        "s3://bucket?region", "s3://bucket?region=", "s3://bucket?region=a/b",
        "s3://bucket?endpoint=store", "s3://bucket?endpoint=https://",
        "s3://bucket?endpoint=https://user:pass@store", "s3://bucket?endpoint=https://store/path",
        "s3://bucket?style=dots", "s3://bucket?insecure=yes", "s3://bucket?ca=relative",
        "s3://bucket?endpoint=%2", "s3://bucket?region=%zz"}) {
    const auto address = parse_s3_url(url);
    BOOST_TEST((address.status().code() == Code::invalid_argument), url);
    BOOST_TEST(!address.status().hint().empty(), url);
  }
}

BOOST_AUTO_TEST_CASE(a_mistyped_key_and_a_secret_are_named) {
  const auto mistyped = parse_s3_url("s3://bucket?regoin=x").status();
  BOOST_TEST(mistyped.hint().find("'region'") != std::string::npos);
  const auto secret = parse_s3_url("s3://bucket?secret_key=x").status();
  BOOST_TEST(secret.hint().find("secrets never stand in a URL") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
