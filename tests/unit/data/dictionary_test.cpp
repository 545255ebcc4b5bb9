#include "common/data/dictionary.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/data/decoding.hpp"

namespace millrace::test {
namespace {

Dictionary make_dictionary() {
  Schema schema = make_schema("cnl", Task::binary, {"no", "yes"});
  schema.categories = {{"red", "green", "blue"}};
  return Dictionary(schema, {4, 2});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_dictionary)

BOOST_AUTO_TEST_CASE(ids_are_given_in_order_and_never_change) {
  Dictionary dictionary = make_dictionary();
  BOOST_TEST(*dictionary.find(kLabelField, "yes") == 1u);
  BOOST_TEST(*dictionary.append(kLabelField, "maybe") == 2u);
  BOOST_TEST(*dictionary.append(kLabelField, "maybe") == 2u);
  BOOST_TEST(*dictionary.find(kLabelField, "yes") == 1u);
  BOOST_TEST(dictionary.text(kLabelField, 2) == "maybe");
  BOOST_TEST(dictionary.log().size() == 1u);
}

BOOST_AUTO_TEST_CASE(values_without_a_place_are_refused) {
  Dictionary dictionary = make_dictionary();
  BOOST_TEST(dictionary.size(1) == 2u);
  BOOST_TEST(dictionary.is_full(1));
  BOOST_TEST(!dictionary.find(1, "blue").has_value());
  BOOST_TEST(!dictionary.append(1, "blue").has_value());
  BOOST_TEST(!dictionary.append(9, "no such field").has_value());
  BOOST_TEST(!dictionary.find(9, "no such field").has_value());
}

BOOST_AUTO_TEST_CASE(a_replica_adopts_a_suffix_of_the_log) {
  Dictionary shard = make_dictionary(), replica = make_dictionary();
  shard.append(kLabelField, "a");
  shard.append(kLabelField, "b");
  replica.adopt(shard.log());
  replica.adopt(shard.log());
  BOOST_TEST(*replica.find(kLabelField, "b") == *shard.find(kLabelField, "b"));
  BOOST_TEST(replica.log().size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_was_encoded_is_decoded) {
  Dictionary dictionary = make_dictionary();
  dictionary.append(kLabelField, "maybe");
  ByteWriter writer;
  dictionary.encode(writer);
  const Bytes bytes = std::move(writer).take();
  ByteReader reader(bytes);
  auto decoded = Dictionary::decode(reader);
  BOOST_REQUIRE(decoded.is_ok());
  BOOST_TEST(reader.finish().is_ok());
  BOOST_TEST(*decoded.value().find(kLabelField, "maybe") == 2u);
  BOOST_TEST(*decoded.value().find(1, "green") == 1u);
  BOOST_TEST(decoded.value().log().size() == 1u);
  BOOST_TEST(*decoded.value().append(kLabelField, "fourth") == 3u);
  BOOST_TEST(decoded.value().is_full(kLabelField));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader part(ByteView(bytes).first(cut));
    BOOST_TEST((Dictionary::decode(part).status().code() == Code::corrupted));
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(data_schema)

BOOST_AUTO_TEST_CASE(what_was_encoded_is_decoded) {
  Schema schema = make_schema("ncxwl", Task::multiclass, {"a", "b", "c"});
  schema.fields[0].pivot = 2.5;
  schema.fields[0].evidence = "because";
  schema.categories = {{"red", "green"}};
  schema.positive = "a";
  ByteWriter writer;
  schema.encode(writer);
  const Bytes bytes = std::move(writer).take();
  ByteReader reader(bytes);
  auto decoded = Schema::decode(reader);
  BOOST_REQUIRE(decoded.is_ok());
  BOOST_TEST(reader.finish().is_ok());
  const Schema& copy = decoded.value();
  BOOST_TEST(copy.fields.size() == 5u);
  BOOST_TEST(copy.find("f0")->pivot == 2.5);
  BOOST_TEST(copy.find("f0")->evidence == "because");
  BOOST_TEST(copy.find("nothing") == nullptr);
  BOOST_TEST(copy.label().name == "f4");
  BOOST_TEST((copy.task == Task::multiclass));
  BOOST_TEST(copy.classes == schema.classes);
  BOOST_TEST(copy.classes_are_declared);
  BOOST_TEST(copy.max_classes == 3u);
  BOOST_TEST(copy.positive == "a");
  BOOST_TEST(copy.missing == schema.missing);
  BOOST_TEST((copy.categories == schema.categories));
  BOOST_TEST(copy.numeric_count() == 1u);
  BOOST_TEST(copy.categorical_count() == 1u);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader part(ByteView(bytes).first(cut));
    BOOST_TEST((Schema::decode(part).status().code() == Code::corrupted));
  }
}

BOOST_AUTO_TEST_CASE(indexes_that_do_not_hold_together_are_refused) {
  Schema schema = make_schema("nnl", Task::regression);
  schema.fields[1].index = 7;
  ByteWriter writer;
  schema.encode(writer);
  ByteReader reader(writer.view());
  BOOST_TEST((Schema::decode(reader).status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
