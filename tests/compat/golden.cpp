#include "tests/compat/golden.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

namespace millrace::test {
namespace {

constexpr float kNumericValues[] = {1.5f, -2.0f, 0.25f, 3.0f};

void fill_requests(GoldenMessages& messages) {
  auto& named = messages.named;
  named.id = 7;
  named.model = "electricity";
  named.alias = "production";
  named.deadline_ms = 250;
  named.sent_at_ms = 1'700'000'000'123;
  named.probabilities = true;
  named.add_number("price", 12.5);
  named.add_text("day", "monday");
  named.add_missing("demand");
  named.end_row();
  named.add_text("price", "");
  named.end_row();
  auto& ordered = messages.ordered;
  ordered.id = 8;
  ordered.version = 3;
  ordered.form = wire::RowForm::ordered;
  ordered.add_number("", 1.0);
  ordered.add_text("", "tuesday");
  ordered.add_missing("");
  ordered.end_row();
  auto& numeric = messages.numeric;
  numeric.id = 9;
  numeric.form = wire::RowForm::numeric;
  numeric.numeric_columns = 2;
  numeric.numeric_values = std::as_bytes(std::span(kNumericValues));
}

void fill_replies(GoldenMessages& messages) {
  auto& reply = messages.predictions;
  reply.id = 7;
  reply.model = "electricity";
  reply.version = 3;
  reply.alias_revision = 2;
  reply.cut = 11;
  reply.records = 45'312;
  reply.age_ms = 1'500;
  reply.classes = {"DOWN", "UP"};
  reply.predictions = {
      {.label = "UP",
       .value = 0.75,
       .probabilities = {0.25, 0.75},
       .missing = {"demand"},
       .unknown = {"day"}},
      {.label = "DOWN", .value = 0.5, .probabilities = {0.5, 0.5}, .missing = {}, .unknown = {}}};
  auto& numeric = messages.numeric_predictions;
  numeric.id = 9;
  numeric.model = "electricity";
  numeric.version = 4;
  numeric.numeric = wire::NumericPredictions{.outputs = 1, .values = {0.25f, 0.75f}, .missing = 1};
  messages.error.id = 8;
  messages.error.error = wire::PredictError{
      .code = "not_found", .message = "version 3 is not served", .hint = "served versions: 4"};
}

}  // namespace

std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(MILLRACE_GOLDEN_FOLDER) / name;
}

Bytes read_golden(const std::string& name) {
  std::ifstream file(golden_path(name), std::ios::binary);
  BOOST_REQUIRE_MESSAGE(file.good(), "missing golden file " << golden_path(name));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

void write_golden(const std::string& name, ByteView bytes) {
  if (std::filesystem::exists(golden_path(name))) {
    const Bytes present = read_golden(name);
    BOOST_TEST((as_text(present) == as_text(bytes)), name << " would change");
    return;
  }
  std::ofstream(golden_path(name), std::ios::binary) << as_text(bytes);
}

GoldenMessages golden_messages() {
  GoldenMessages messages;
  fill_requests(messages);
  fill_replies(messages);
  return messages;
}

}  // namespace millrace::test
