#include "common/data/schema_inference.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace {
namespace {

SchemaSpec label(const std::string& name) {
  SchemaSpec spec;
  spec.label = name;
  return spec;
}

Result<InferredSchema> infer(const std::string& text, const SchemaSpec& spec,
                             const SourceSpec& source = {}) {
  return infer_schema(spec, source, as_bytes(text), true);
}

InferredSchema infer_well(const std::string& text, const SchemaSpec& spec,
                          const SourceSpec& source = {}) {
  auto inferred = infer(text, spec, source);
  BOOST_REQUIRE_MESSAGE(inferred.is_ok(), inferred.status().message());
  return std::move(inferred).value();
}

bool has_warning(const InferredSchema& inferred, const std::string& part) {
  return std::ranges::any_of(inferred.warnings,
                             [&](const auto& w) { return w.find(part) != w.npos; });
}

// `rows` lines of i, i * i % 7, and the label.
std::string numbered(std::size_t rows, const std::function<std::string(std::size_t)>& label_of) {
  std::string text = "id,a,y\n";
  for (std::size_t i = 0; i < rows; ++i)
    text += std::to_string(i) + "," +
            std::to_string(static_cast<double>(i * i % 7) + 0.5 * static_cast<double>(i % 3)) +
            "," + label_of(i) + "\n";
  return text;
}

using Strings = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(data_schema_inference)

BOOST_AUTO_TEST_CASE(columns_get_roles_indexes_and_pivots) {
  const auto inferred = infer_well("a,b,c,y\n1,x,10,0\n3,z,?,1\n", label("y"));
  const Schema& schema = inferred.schema;
  BOOST_TEST(*inferred.csv.header);
  BOOST_TEST((schema.find("a")->role == FieldRole::numeric));
  BOOST_TEST(schema.find("a")->pivot == 2.0);
  BOOST_TEST((schema.find("b")->role == FieldRole::categorical));
  BOOST_TEST(schema.find("c")->index == 1u);
  BOOST_TEST(schema.find("c")->pivot == 10.0);
  BOOST_TEST((schema.categories == std::vector<Strings>{{"x", "z"}}));
  BOOST_TEST(schema.find("a")->evidence == "2 of 2 values are numbers");
  BOOST_TEST(inferred.records == 2u);
}

BOOST_AUTO_TEST_CASE(a_file_without_header_names_columns_by_position) {
  const auto inferred = infer_well("1,2,0\n3,4,1\n", label("c3"));
  BOOST_TEST(!*inferred.csv.header);
  BOOST_TEST(inferred.records == 2u);
  BOOST_TEST(inferred.schema.fields[0].name == "c1");
  BOOST_TEST(infer_well("x,p\ny,q\n", label("c2")).records == 2u);
  SourceSpec source;
  source.csv.header = false;
  BOOST_TEST(infer_well("a,y\nb,z\n", label("c2"), source).records == 2u);
}

BOOST_AUTO_TEST_CASE(two_integers_are_a_binary_label) {
  const auto schema = infer_well("a,y\n1,1\n2,0\n", label("y")).schema;
  BOOST_TEST((schema.task == Task::binary));
  BOOST_TEST(schema.classes == (Strings{"0", "1"}));
  BOOST_TEST(schema.max_classes == 2u);
  BOOST_TEST(!schema.classes_are_declared);
}

BOOST_AUTO_TEST_CASE(integers_are_sorted_by_value_and_leave_room) {
  const auto schema =
      infer_well(numbered(50, [](auto i) { return std::to_string(12 - i % 5 * 3) + ".0"; }),
                 label("y"))
          .schema;
  BOOST_TEST((schema.task == Task::multiclass));
  BOOST_TEST(schema.classes == (Strings{"0", "3", "6", "9", "12"}));
  BOOST_TEST(schema.max_classes == 16u);
}

BOOST_AUTO_TEST_CASE(texts_keep_their_order_and_leave_more_room) {
  const auto schema = infer_well("a,y\n1,z\n2,m\n3,a\n4,m\n", label("y")).schema;
  BOOST_TEST(schema.classes == (Strings{"z", "m", "a"}));
  BOOST_TEST(schema.max_classes == 32u);
}

BOOST_AUTO_TEST_CASE(twenty_integers_are_classes_and_one_more_is_a_value) {
  const auto text = [](std::size_t distinct) {
    return numbered(100, [distinct](auto i) { return std::to_string(i % distinct); });
  };
  BOOST_TEST((infer_well(text(20), label("y")).schema.task == Task::multiclass));
  BOOST_TEST((infer_well(text(21), label("y")).schema.task == Task::regression));
  BOOST_TEST((infer_well("a,y\n1,0.5\n2,1\n", label("y")).schema.task == Task::regression));
}

BOOST_AUTO_TEST_CASE(the_task_overrides_what_the_values_suggest) {
  auto spec = label("y");
  spec.task = Task::regression;
  BOOST_TEST((infer_well("a,y\n1,0\n2,1\n", spec).schema.task == Task::regression));
  BOOST_TEST(!infer("a,y\n1,no\n2,yes\n", spec).is_ok());
  spec.task = Task::multiclass;
  const auto schema = infer_well("a,y\n1,0\n2,1\n", spec).schema;
  BOOST_TEST((schema.task == Task::multiclass));
  BOOST_TEST(schema.max_classes == 8u);
  spec.task = Task::binary;
  BOOST_TEST(!infer("a,y\n1,0\n2,1\n3,2\n", spec).is_ok());
}

BOOST_AUTO_TEST_CASE(declared_classes_keep_their_order_and_do_not_grow) {
  auto spec = label("y");
  spec.classes = {"3", "1.0", "2"};
  const auto schema = infer_well("a,y\n1,1\n2,3\n", spec).schema;
  BOOST_TEST(schema.classes == (Strings{"3", "1", "2"}));
  BOOST_TEST(schema.max_classes == 3u);
  BOOST_TEST(schema.classes_are_declared);
  spec.classes = {"1", "1.0"};
  BOOST_TEST(!infer("a,y\n1,1\n", spec).is_ok());
}

BOOST_AUTO_TEST_CASE(positive_makes_one_class_against_the_rest) {
  auto spec = label("y");
  spec.positive = "2.0";
  const auto schema = infer_well("a,y\n1,1\n2,2\n3,3\n", spec).schema;
  BOOST_TEST((schema.task == Task::binary));
  BOOST_TEST(schema.positive == "2");
  BOOST_TEST(schema.classes == (Strings{"not 2", "2"}));
  spec.positive = "9";
  BOOST_TEST(has_warning(infer_well("a,y\n1,1\n2,2\n", spec), "no label is '9'"));
}

BOOST_AUTO_TEST_CASE(errors_name_the_key_and_the_nearest_column) {
  const std::string text = "price,demand,class\n1,2,0\n";
  const auto wrong = infer(text, label("clas"));
  BOOST_TEST(wrong.status().message() == "schema.label: 'clas' is not a column of the data");
  BOOST_TEST(wrong.status().hint().find("'class'") != std::string::npos);
  auto spec = label("class");
  spec.exclude = {"prise"};
  BOOST_TEST(infer(text, spec).status().hint().find("'price'") != std::string::npos);
  spec.exclude = {"class"};
  BOOST_TEST(infer(text, spec).status().message() ==
             "schema.exclude: 'class' is also schema.label");
  spec.exclude = {"price", "demand"};
  BOOST_TEST(infer(text, spec).status().message() == "no feature is left beside the label 'class'");
  BOOST_TEST(infer("a,b,a\n1,2,3\n", label("b")).status().message() == "two columns are named 'a'");
  BOOST_TEST(infer("", label("y")).status().message() ==
             "the stream is empty: it has no first line");
  BOOST_TEST(infer("a,y\n", label("y")).status().message() == "the stream has no records");
  BOOST_TEST(infer("a;y\n1;2\n", label("y")).status().hint().find("delimiter") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_looks_wrong_is_warned_about) {
  const auto inferred = infer_well(
      numbered(200, [](auto i) { return i == 7  ? "rare"
                                        : i % 2 ? "odd"
                                                : "even"; }), label("y"));
  BOOST_TEST(has_warning(inferred, "field 'id' looks like a record number"));
  BOOST_TEST(has_warning(inferred, "1 class appears once only in the first 200 records: 'rare'"));
  std::string text = "copy,leak,same,none,fine,y\n";
  for (int i = 0; i < 200; ++i) {
    const std::string y = std::to_string(i % 3);
    text += y + "," + std::string(1, static_cast<char>('p' + i % 3)) + ",5,," +
            std::to_string(i * 7 % 11) + "," + y + "\n";
  }
  const auto leaking = infer_well(text, label("y"));
  BOOST_TEST(has_warning(leaking, "field 'copy' equals the label"));
  BOOST_TEST(has_warning(leaking, "field 'leak' gives the label away"));
  BOOST_TEST(has_warning(leaking, "field 'same' has the same value"));
  BOOST_TEST(has_warning(leaking, "field 'none' has no value"));
  BOOST_TEST(!has_warning(leaking, "'fine'"));
}

BOOST_AUTO_TEST_CASE(a_regression_label_times_a_constant_is_warned_about) {
  std::string text = "scaled,y\n";
  for (int i = 0; i < 200; ++i)
    text += std::to_string(i * 37 % 101 * 2.54) + "," + std::to_string(i * 37 % 101) + "\n";
  BOOST_TEST(has_warning(infer_well(text, label("y")), "field 'scaled' gives the label away"));
}

BOOST_AUTO_TEST_CASE(some_broken_values_do_not_make_a_column_text) {
  std::string text = "a,y\n";
  for (int i = 0; i < 99; ++i)
    text += std::to_string(i * i % 13) + "," + std::to_string(i % 2) + "\n";
  const auto inferred = infer_well(text + "oops,1\nonly one column\n", label("y"));
  BOOST_TEST((inferred.schema.find("a")->role == FieldRole::numeric));
  BOOST_TEST(has_warning(inferred, "1 of 100 values are not numbers"));
  BOOST_TEST(has_warning(inferred, "1 of the first 101 lines are broken"));
  BOOST_TEST(inferred.schema.classes == (Strings{"0", "1"}));
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_no_part_of_a_name) {
  const auto inferred = infer_well("\xEF\xBB\xBFy,a\n1,2\n0,3\n", label("y"));
  BOOST_TEST(inferred.schema.fields[0].name == "y");
  BOOST_TEST(header_names("\xEF\xBB\xBF\"y\", a", {}) == (Strings{"y", "a"}));
}

BOOST_AUTO_TEST_CASE(an_unfinished_last_line_counts_only_at_the_end_of_the_stream) {
  const std::string text = "a,y\n1,1\n2,0\n3,1";
  BOOST_TEST(infer_schema(label("y"), {}, as_bytes(text), true).value().records == 3u);
  BOOST_TEST(infer_schema(label("y"), {}, as_bytes(text), false).value().records == 2u);
}

BOOST_AUTO_TEST_CASE(a_generator_has_a_schema_by_definition) {
  SchemaSpec spec;
  spec.exclude = {"f3"};
  auto inferred = generator_schema(spec, {});
  BOOST_REQUIRE(inferred.is_ok());
  BOOST_TEST(inferred.value().schema.numeric_count() == 2u);
  BOOST_TEST((inferred.value().schema.task == Task::binary));
  BOOST_TEST(!generator_schema(label("y"), {}).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
