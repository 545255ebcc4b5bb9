#include <boost/test/unit_test.hpp>

#include "common/data/schema_inference.hpp"

using namespace millrace;

namespace {

Result<InferredSchema> infer(const SourceSpec& source, const std::string& label,
                             const std::string& lines) {
  SchemaSpec spec;
  spec.label = label;
  return infer_schema(spec, source, as_bytes(lines), true);
}

SourceSpec topic() {
  SourceSpec source;
  source.kind = SourceKind::kafka;
  return source;
}

std::vector<std::string> names(const InferredSchema& inferred) {
  std::vector<std::string> all;
  for (const auto& field : inferred.schema.fields) all.push_back(field.name);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_kafka_inference)

BOOST_AUTO_TEST_CASE(messages_have_no_header_line_whatever_the_first_looks_like) {
  const auto inferred = infer(topic(), "c3", "a,b,red\nc,d,blue\n");
  BOOST_REQUIRE_MESSAGE(inferred.is_ok(), inferred.status().message());
  BOOST_TEST((names(inferred.value()) == std::vector<std::string>{"c1", "c2", "c3"}));
  BOOST_TEST(inferred.value().records == 2u);
  BOOST_TEST(!*inferred.value().csv.header);
}

BOOST_AUTO_TEST_CASE(columns_are_named_by_the_job_and_followed_by_key_timestamp_and_headers) {
  auto source = topic();
  source.kafka.columns = {"size", "speed"};
  source.kafka.label_from = KafkaPart::key;
  source.kafka.timestamp_field = "at";
  source.kafka.header_fields = {"place"};
  const auto inferred = infer(source, "fast", "1,2,1,1700000000000,north\n3,4,0,170,south\n");
  BOOST_REQUIRE_MESSAGE(inferred.is_ok(), inferred.status().message());
  BOOST_TEST((names(inferred.value()) ==
              std::vector<std::string>{"size", "speed", "fast", "at", "place"}));
  BOOST_TEST(inferred.value().schema.label().name == "fast");
}

BOOST_AUTO_TEST_CASE(a_first_message_with_other_columns_than_declared_is_told) {
  auto source = topic();
  source.kafka.columns = {"a", "b"};
  const auto inferred = infer(source, "b", "1,2,3\n");
  BOOST_TEST((inferred.status().code() == Code::invalid_argument));
  BOOST_TEST(inferred.status().message().find("has 3 columns, and source.kafka.columns names 2") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_field_cannot_be_named_like_a_column_without_a_name) {
  auto source = topic();
  source.kafka.timestamp_field = "c1";
  const auto inferred = infer(source, "c2", "1,2,170\n");
  BOOST_TEST(inferred.status().message().find("one name") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
