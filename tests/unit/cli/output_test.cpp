#include "coordinator/cli/output.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "coordinator/cli/csv_rows.hpp"
#include "coordinator/cli/progress.hpp"
#include "coordinator/cli/yaml_text.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace millrace;
using namespace millrace::cli;

namespace {

// An Output whose two streams can be read back.
class Captured {
 public:
  explicit Captured(OutputFormat format) : output(out_, err_) { output.set_format(format); }
  ~Captured() {
    std::fclose(out_);
    std::fclose(err_);
  }
  std::string out() { return content(out_); }
  std::string err() { return content(err_); }

 private:
  static std::string content(std::FILE* file) {
    std::fflush(file);
    std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    BOOST_TEST_REQUIRE(std::fread(text.data(), 1, text.size(), file) == text.size());
    return text;
  }
  std::FILE* out_ = std::tmpfile();
  std::FILE* err_ = std::tmpfile();

 public:
  Output output;
};

constexpr std::pair<Code, int> kDocumented[] = {
    {Code::ok, 0},         {Code::internal, 1},           {Code::io_error, 1},
    {Code::corrupted, 1},  {Code::resource_exhausted, 1}, {Code::unsupported_format, 1},
    {Code::job_failed, 1}, {Code::invalid_argument, 2},   {Code::not_found, 3},
    {Code::conflict, 4},   {Code::unreachable, 5},        {Code::permission_denied, 6},
    {Code::timed_out, 7},  {Code::cancelled, 130},
};

ProgressEvent progress_at(double seconds) {
  ProgressEvent event;
  event.kind = "progress";
  event.seconds = seconds;
  event.records = 45312;
  event.records_per_second = 1234567.8;
  event.log_loss = 0.26456;
  event.accuracy = 0.9012;
  return event;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_cli_output)

BOOST_AUTO_TEST_CASE(every_code_has_its_documented_exit_code) {
  for (const auto& [code, exit] : kDocumented) {
    BOOST_TEST_CONTEXT(to_string(code)) BOOST_TEST(exit_code(code) == exit);
  }
}

BOOST_AUTO_TEST_CASE(an_error_for_people_says_what_and_what_to_try) {
  Captured captured(OutputFormat::table);
  BOOST_TEST(captured.output.fail({Code::not_found, "there is no x", "make one"}) == 3);
  BOOST_TEST(captured.err() == "error: there is no x\n  try: make one\n");
  BOOST_TEST(captured.out() == "");
}

BOOST_AUTO_TEST_CASE(an_error_for_programs_is_an_object_on_stderr) {
  Captured captured(OutputFormat::json);
  captured.output.note("for people");
  BOOST_TEST(captured.output.fail({Code::conflict, "state \"in use\"", "wait"}) == 4);
  const auto object = nlohmann::json::parse(captured.err());
  BOOST_TEST(object["error"]["code"] == "conflict");
  BOOST_TEST(object["error"]["message"] == "state \"in use\"");
  BOOST_TEST(object["error"]["hint"] == "wait");
  BOOST_TEST(object["exit_code"] == 4);
  BOOST_TEST(captured.out() == "");
}

BOOST_AUTO_TEST_CASE(no_colour_and_no_redrawn_line_without_a_terminal) {
  Captured captured(OutputFormat::table);
  BOOST_TEST(!captured.output.is_live());
  BOOST_TEST(captured.output.styled(Style::bad, "x") == "x");
  BOOST_TEST(captured.output.styled_error(Style::bad, "x") == "x");
}

BOOST_AUTO_TEST_CASE(plain_progress_is_a_line_every_few_seconds) {
  Captured captured(OutputFormat::table);
  ProgressPrinter printer(captured.output);
  for (const double seconds : {0.1, 1.0, 4.9, 5.2, 6.0}) printer.on_event(progress_at(seconds));
  BOOST_TEST(captured.err() ==
             "   0.1 s  45,312 records  1,234,567/s  log loss 0.2646  accuracy 0.9012\n"
             "   5.2 s  45,312 records  1,234,567/s  log loss 0.2646  accuracy 0.9012\n");
}

BOOST_AUTO_TEST_CASE(the_last_figures_of_a_job_are_shown_whatever_the_interval) {
  for (const char* kind : {"finished", "stopped"}) {
    Captured captured(OutputFormat::table);
    ProgressPrinter printer(captured.output);
    printer.on_event(progress_at(0.1));
    auto last = progress_at(0.2);
    last.kind = kind;
    printer.on_event(last);
    const auto text = captured.err();
    BOOST_TEST_CONTEXT(kind << "\n" << text) BOOST_TEST(std::ranges::count(text, '\n') == 2);
  }
}

BOOST_AUTO_TEST_CASE(a_message_cannot_steer_the_terminal) {
  Captured captured(OutputFormat::table);
  ProgressPrinter printer(captured.output);
  ProgressEvent warning;
  warning.kind = "warning";
  warning.message = "field 'a\x1b[2J\nb'";
  printer.on_event(warning);
  BOOST_TEST(captured.err() == "warning: field 'a [2J b'\n");
}

BOOST_AUTO_TEST_CASE(progress_for_programs_is_an_object_per_event) {
  Captured captured(OutputFormat::json);
  ProgressPrinter printer(captured.output);
  printer.on_event(progress_at(0.1));
  ProgressEvent warning;
  warning.kind = "warning";
  warning.message = "look";
  printer.on_event(warning);
  const auto text = captured.err();
  const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')));
  const auto second = nlohmann::json::parse(text.substr(text.find('\n') + 1));
  BOOST_TEST(first["event"] == "progress");
  BOOST_TEST(first["records"] == 45312);
  BOOST_TEST(second["message"] == "look");
  BOOST_TEST(captured.out() == "");
}

BOOST_AUTO_TEST_CASE(columns_are_aligned_numbers_to_the_right) {
  BOOST_TEST(aligned({{"name", "n"}, {"a", "1"}, {"größe", "100"}}, "  ") ==
             "  name     n\n  a        1\n  größe  100\n");
  BOOST_TEST(aligned({}) == "");
}

BOOST_AUTO_TEST_CASE(control_characters_become_spaces_and_letters_stay) {
  BOOST_TEST(one_line("a\tb\r\nc\x1b[31m\x7f") == "a b  c [31m ");
  BOOST_TEST(one_line("\xC2\x9B"
                      "2J, Gr\xC3\xB6\xC3\x9F"
                      "e \xC2\xA0\xC2") ==
             "  2J, Gr\xC3\xB6\xC3\x9F"
             "e \xC2\xA0\xC2");
  BOOST_TEST(one_line("") == "");
}

BOOST_AUTO_TEST_CASE(large_numbers_are_grouped_and_bytes_have_units) {
  BOOST_TEST(grouped(0) == "0");
  BOOST_TEST(grouped(999) == "999");
  BOOST_TEST(grouped(1000) == "1,000");
  BOOST_TEST(grouped(1234567) == "1,234,567");
  BOOST_TEST(bytes_text(999) == "999 B");
  BOOST_TEST(bytes_text(12345) == "12.3 kB");
  BOOST_TEST(bytes_text(2'000'000'000) == "2.0 GB");
}

BOOST_AUTO_TEST_CASE(yaml_keeps_structure_and_quotes_strings) {
  const nlohmann::ordered_json document = {{"a", 1},
                                           {"b", {{"c", "yes"}, {"d", {1, 2}}}},
                                           {"e", {{{"f", true}, {"g", nullptr}}}},
                                           {"h", nlohmann::ordered_json::object()}};
  BOOST_TEST(as_yaml(document) ==
             "a: 1\nb:\n  c: \"yes\"\n  d: [1,2]\ne:\n  - f: true\n    g: null\nh: {}\n");
}

BOOST_AUTO_TEST_CASE(csv_fields_may_be_quoted) {
  const auto fields = split_csv_line("a,\"b, c\",\"d\"\"e\",").value();
  const std::vector<std::string> expected = {"a", "b, c", "d\"e", ""};
  BOOST_TEST(fields == expected, boost::test_tools::per_element());
  BOOST_TEST((split_csv_line("a,\"b").status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_row_is_a_list_of_field_and_value) {
  const auto row = parse_row("day=2,name=\"a, b\",empty=").value();
  BOOST_TEST_REQUIRE(row.size() == 3u);
  BOOST_TEST(row[1].first == "name");
  BOOST_TEST(row[1].second == "a, b");
  BOOST_TEST(row[2].second == "");
  for (const char* wrong : {"day", "=2", "a=1,b", ""}) {
    BOOST_TEST_CONTEXT(wrong)
    BOOST_TEST((parse_row(wrong).status().code() == Code::invalid_argument));
  }
}

BOOST_AUTO_TEST_CASE(lines_end_at_newlines_with_or_without_a_last_one) {
  const test::TemporaryFolder folder;
  auto reader = LineReader::open(folder.write("rows.csv", "a\r\n\nlast")).value();
  std::vector<std::string> lines;
  for (;;) {
    std::string_view line;
    const auto next = reader.next(line).value();
    if (next == LineReader::Next::end) break;
    if (next == LineReader::Next::would_wait)
      BOOST_TEST_REQUIRE(reader.wait().is_ok());
    else
      lines.emplace_back(line);
  }
  const std::vector<std::string> expected = {"a", "", "last"};
  BOOST_TEST(lines == expected, boost::test_tools::per_element());
  BOOST_TEST(
      (LineReader::open((folder.path() / "none").string()).status().code() == Code::not_found));
}

BOOST_AUTO_TEST_SUITE_END()
