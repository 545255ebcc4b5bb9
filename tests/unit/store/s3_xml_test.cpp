#include "common/store/s3_xml.hpp"

#include <boost/test/unit_test.hpp>

#include "common/store/s3_limits.hpp"

BOOST_AUTO_TEST_SUITE(store_s3_xml)

using namespace millrace;

BOOST_AUTO_TEST_CASE(a_listing_gives_its_keys_and_where_it_goes_on) {
  const auto page = parse_s3_page(
      "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>"
      "<Contents><Key>a&lt;b</Key></Contents><Contents><Key>c</Key></Contents></ListBucketResult>");
  BOOST_TEST((page.value().keys == std::vector<std::string>{"a<b", "c"}));
  BOOST_TEST(page.value().next == "t&1");
}

BOOST_AUTO_TEST_CASE(what_is_no_listing_is_never_an_empty_one) {
  for (const char* text :
       {"", "<html><body>Welcome</body></html>", "<ListBucketResult>", "<ListBucketResult/>",
        "<ListBucketResult><IsTruncated>perhaps</IsTruncated></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<Error><Code>SlowDown</Code></Error>"}) {
    BOOST_TEST((parse_s3_page(text).status().code() == Code::io_error), text);
    BOOST_TEST((parse_s3_uploads(text).status().code() == Code::io_error), text);
    BOOST_TEST((parse_s3_upload_id(text).status().code() == Code::io_error), text);
    BOOST_TEST(!is_s3_completion(text), text);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_beyond_the_limit_is_not_read) {
  const std::string head = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>";
  const std::string tail = "</Key></Contents></ListBucketResult>";
  const auto size = limits::kS3AnswerBytesMax - head.size() - tail.size();
  BOOST_TEST(parse_s3_page(head + std::string(size, 'a') + tail).is_ok());
  BOOST_TEST(!parse_s3_page(head + std::string(size + 1, 'a') + tail).is_ok());
}

BOOST_AUTO_TEST_CASE(entities_of_a_document_are_not_expanded) {
  const auto page = parse_s3_page(
      "<!DOCTYPE x [<!ENTITY big \"" + std::string(1000, 'x') +
      "\">]><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>&big;</Key></Contents>"
      "</ListBucketResult>");
  BOOST_TEST(page.value().keys.at(0) == "&big;");
}

BOOST_AUTO_TEST_CASE(uploads_are_listed_with_their_age) {
  const auto page = parse_s3_uploads(
      "<ListMultipartUploadsResult><NextKeyMarker></NextKeyMarker><IsTruncated>false</IsTruncated>"
      "<Upload><Initiated>2026-11-21T21:56:41Z</Initiated><Key>big</Key><UploadId>1</UploadId>"
      "</Upload></ListMultipartUploadsResult>");
  BOOST_TEST(page.value().uploads.at(0).key == "big");
  BOOST_TEST(page.value().uploads.at(0).initiated == "2026-11-21T21:56:41Z");
  BOOST_TEST(page.value().next_key.empty());
}

BOOST_AUTO_TEST_CASE(an_error_says_its_code_and_a_page_of_another_server_none) {
  const auto error = parse_s3_error("<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
  BOOST_TEST(error.code == "NoSuchKey");
  BOOST_TEST(error.message == "gone");
  BOOST_TEST(parse_s3_error("<html>404</html>").code.empty());
}

BOOST_AUTO_TEST_CASE(parts_are_numbered_from_one_and_escaped) {
  BOOST_TEST(write_s3_completion({"\"a\"", "<b>"}) ==
             "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
             "<Part><PartNumber>2</PartNumber><ETag>&lt;b&gt;</ETag></Part>"
             "</CompleteMultipartUpload>");
}

BOOST_AUTO_TEST_SUITE_END()
