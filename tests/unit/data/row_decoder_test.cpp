#include "common/data/row_decoder.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/unit/data/decoding.hpp"

namespace millrace::test {
namespace {

struct Row {
  Schema schema = make_schema("nclnx", Task::regression);
  RowDecoder decoder{schema};
  MicroBatch batch{4, 2, 1};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(data_row_decoder)

BOOST_AUTO_TEST_CASE(a_new_row_has_everything_missing) {
  Row row;
  row.decoder.begin_row(row.batch);
  BOOST_TEST(row.batch.rows == 1u);
  BOOST_TEST(std::isnan(row.batch.numeric_row(0)[1]));
  BOOST_TEST(row.batch.category_row(0)[0].is_missing());
}

BOOST_AUTO_TEST_CASE(values_are_set_by_name_and_by_position) {
  Row row;
  BOOST_TEST(row.decoder.feature_names() == (std::vector<std::string>{"f0", "f1", "f3"}));
  row.decoder.begin_row(row.batch);
  BOOST_TEST(row.decoder.set(row.batch, "f3", "2.5").is_ok());
  BOOST_TEST(row.decoder.set(row.batch, "f0", 0.1).is_ok());
  BOOST_TEST(row.decoder.set_ordered(row.batch, 1, "x").is_ok());
  BOOST_TEST(row.decoder.set(row.batch, "f2", "the label is ignored").is_ok());
  BOOST_TEST(row.batch.numeric_row(0)[0] == 0.1f);
  BOOST_TEST(row.batch.numeric_row(0)[1] == 2.5f);
  BOOST_TEST(row.batch.category_row(0)[0].text == "x");
}

BOOST_AUTO_TEST_CASE(a_number_for_a_category_is_spelt_as_in_a_csv) {
  Row row;
  row.decoder.begin_row(row.batch);
  BOOST_TEST(row.decoder.set(row.batch, "f1", 3.0).is_ok());
  BOOST_TEST(row.batch.category_row(0)[0].text == "3");
  BOOST_TEST(row.decoder.set(row.batch, "f1", 0.1).is_ok());
  BOOST_TEST(row.batch.category_row(0)[0].text == "0.1");
}

BOOST_AUTO_TEST_CASE(errors_name_the_field) {
  Row row;
  row.decoder.begin_row(row.batch);
  const auto unknown = row.decoder.set(row.batch, "f33", "1");
  BOOST_TEST((unknown.code() == Code::not_found));
  BOOST_TEST(unknown.hint().find("f3") != std::string::npos);
  BOOST_TEST(row.decoder.set(row.batch, "f0", "abc").message() ==
             "field 'f0': 'abc' is not a number");
  BOOST_TEST(!row.decoder.set(row.batch, "f0", HUGE_VAL).is_ok());
}

BOOST_AUTO_TEST_CASE(lines_hold_the_features_or_all_fields_or_named_columns) {
  Row row;
  BOOST_TEST(row.decoder.decode_line("1,\"a,b\",2", {}, row.batch).is_ok());
  BOOST_TEST(row.decoder.decode_line("1,c,9,2,x", {}, row.batch).is_ok());
  BOOST_TEST(row.decoder.set_columns({"f3", "f0"}).is_ok());
  BOOST_TEST(row.decoder.decode_line("2,1", {}, row.batch).is_ok());
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(row.batch.numeric_row(i)[0] == 1.0f);
    BOOST_TEST(row.batch.numeric_row(i)[1] == 2.0f);
  }
  BOOST_TEST(row.batch.category_row(0)[0].text == "a,b");
  BOOST_TEST(row.batch.category_row(2)[0].is_missing());
  BOOST_TEST(!row.decoder.decode_line("1,2,3", {}, row.batch).is_ok());
  BOOST_TEST(!row.decoder.decode_line("x,2", {}, row.batch).is_ok());
  BOOST_TEST(row.batch.rows == 3u);
  BOOST_TEST(!row.decoder.set_columns({"f0", "f0"}).is_ok());
}

// Serving parses exactly as training does.
BOOST_AUTO_TEST_CASE(a_line_gives_the_same_bits_as_the_training_path) {
  const Schema schema = make_schema("nnl", Task::regression);
  for (const std::string values : {"0.1,123456.789", "?,-3", "1e-5,16777217", "7,NA"}) {
    const auto trained = decode_all(values + ",0\n" + std::string(64, '\n'), schema);
    RowDecoder decoder(schema);
    MicroBatch batch(1, 2, 0);
    BOOST_REQUIRE(decoder.decode_line(values, {}, batch).is_ok());
    for (std::size_t i = 0; i < 2; ++i) {
      BOOST_TEST(std::bit_cast<std::uint32_t>(batch.numeric_row(0)[i]) ==
                 std::bit_cast<std::uint32_t>(trained.records.at(0).numbers[i]));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
