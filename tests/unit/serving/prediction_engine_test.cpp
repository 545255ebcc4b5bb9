#include "worker/serving/prediction_engine.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/unit/serving/example_model.hpp"

namespace millrace {
namespace {

using test::ExampleOptions;
using wire::PredictReply;
using wire::PredictRequest;

constexpr std::size_t kBatchRows = 7;  // small, so that requests straddle batches
const WallTime kNow{std::chrono::milliseconds(1'700'000'010'000)};

std::shared_ptr<const ModelCatalog> catalog_of(
    const std::vector<std::shared_ptr<const PublishedModel>>& models, std::uint32_t kept = 4) {
  auto catalog = std::make_shared<const ModelCatalog>();
  for (const auto& model : models) {
    auto next = catalog->with_version(model, kept);
    BOOST_REQUIRE_MESSAGE(next.is_ok(), next.status().message());
    catalog = next.value();
  }
  return catalog;
}

PredictReply ask(const ModelCatalog& catalog, const PredictRequest& request, WallTime now = kNow) {
  PredictionEngine engine(kBatchRows);
  ServingStats stats;
  return engine.answer(catalog, request, now, stats);
}

PredictRequest one_row() {
  PredictRequest request;
  request.add_number("x1", 1.5);
  request.add_text("city", "oslo");
  request.add_text("x2", "2.5");
  request.add_number("x3", -1.0);
  request.end_row();
  return request;
}

void require_answered(const PredictReply& reply) {
  BOOST_REQUIRE_MESSAGE(!reply.error, (reply.error ? reply.error->message : std::string()));
}

void require_error(const PredictReply& reply, const char* code, const char* text) {
  BOOST_REQUIRE(reply.error.has_value());
  BOOST_TEST(reply.error->code == code);
  BOOST_TEST((reply.error->message + reply.error->hint).find(text) != std::string::npos,
             reply.error->message << " | " << reply.error->hint);
}

float probability_of_second(const wire::Prediction& prediction) {
  return static_cast<float>(prediction.probabilities.at(1));
}

BOOST_AUTO_TEST_SUITE(worker_serving_prediction_engine)

BOOST_AUTO_TEST_CASE(replies_equal_the_version_bit_for_bit) {
  const auto model = test::example_model();
  const auto batch = test::example_batch(40, 3, true, 8);
  const auto names = test::number_names(3);
  const auto direct = test::predict_directly(*model, batch);
  PredictRequest request;
  request.probabilities = true;
  test::add_named_rows(batch, 0, batch.rows, names, request);
  const auto reply = ask(*catalog_of({model}), request);
  BOOST_REQUIRE(!reply.error);
  BOOST_REQUIRE(reply.predictions.size() == batch.rows);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const float second = probability_of_second(reply.predictions[row]);
    BOOST_TEST(std::memcmp(&second, &direct[row], sizeof(float)) == 0);
    BOOST_TEST(reply.predictions[row].label == (second > 0.5f ? "yes" : "no"));
    BOOST_TEST(reply.predictions[row].value >= 0.5);
  }
}

BOOST_AUTO_TEST_CASE(numeric_rows_equal_the_version_bit_for_bit) {
  const ExampleOptions options{.task = Task::multiclass,
                               .has_city = false,
                               .model = {.kind = ModelKind::mlp, .layers = {16}, .dropout = {}}};
  const auto model = test::example_model(options);
  const auto batch = test::example_batch(30, 3, false, 8);
  const auto direct = test::predict_directly(*model, batch);
  std::vector<float> values;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    values.insert(values.end(), batch.numeric_row(row), batch.numeric_row(row) + 3);
  }
  PredictRequest request;
  request.form = wire::RowForm::numeric;
  request.numeric_columns = 3;
  request.numeric_values = std::as_bytes(std::span(values));
  const auto reply = ask(*catalog_of({model}), request);
  require_answered(reply);
  // The head has eight places, of which three are known.
  BOOST_TEST(reply.numeric->outputs == 3u);
  BOOST_TEST(reply.numeric->missing == static_cast<std::uint64_t>(std::ranges::count_if(
                                           values, [](float v) { return std::isnan(v); })));
  for (std::size_t row = 0; row < batch.rows; ++row) {
    BOOST_TEST(std::memcmp(&reply.numeric->values[row * 3], &direct[row * 8], 3 * sizeof(float)) ==
               0);
  }
}

BOOST_AUTO_TEST_CASE(a_request_gets_the_same_reply_alone_and_among_others) {
  const auto catalog = catalog_of({test::example_model(), test::example_model({.version = 2})});
  const auto batch = test::example_batch(60, 3, true, 3);
  const auto names = test::number_names(3);
  std::vector<Bytes> frames;
  for (std::size_t row = 0, id = 1; row < batch.rows; ++id) {
    PredictRequest request;
    request.id = id;
    request.version = 1 + id % 2;
    request.probabilities = true;
    const std::size_t end = std::min<std::size_t>(batch.rows, row + 1 + id % 9);
    test::add_named_rows(batch, row, end, names, request);
    if (id % 5 == 0) request.add_number("no_such_field", 1.0), request.end_row();
    frames.push_back(wire::encode(request).value());
    row = end;
  }
  std::vector<ArrivedFrame> arrived;
  for (const auto& frame : frames) arrived.push_back({frame, kNow});
  ServingStats stats;
  PredictionEngine together(kBatchRows);
  const auto replies = together.answer(*catalog, arrived, kNow, stats);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    PredictionEngine engine(kBatchRows);
    ServingStats ignored;
    const auto alone = engine.answer(*catalog, std::span(arrived).subspan(i, 1), kNow, ignored);
    BOOST_TEST(alone.front() == replies[i]);
  }
  BOOST_TEST(stats.requests == frames.size());
  BOOST_TEST(stats.predicted + stats.refused == frames.size());
  BOOST_TEST(stats.refused == frames.size() / 5);
}

BOOST_AUTO_TEST_CASE(ordered_rows_named_rows_and_texts_mean_the_same) {
  const auto catalog = catalog_of({test::example_model()});
  PredictRequest ordered;
  ordered.form = wire::RowForm::ordered;
  ordered.add_text("", "1.5");
  ordered.add_text("", "oslo");
  ordered.add_number("", 2.5);
  ordered.add_text("", "-1");
  ordered.end_row();
  const auto first = ask(*catalog, one_row());
  const auto second = ask(*catalog, ordered);
  BOOST_REQUIRE(!first.error);
  BOOST_REQUIRE(!second.error);
  BOOST_TEST(first.predictions[0].value == second.predictions[0].value);
}

BOOST_AUTO_TEST_CASE(missing_and_unknown_features_are_listed) {
  PredictRequest request;
  request.add_text("x1", "NA");
  request.add_text("city", "lima");
  request.add_number("x2", std::numeric_limits<double>::quiet_NaN());
  request.add_text("y", "yes");  // the label may be there
  request.add_text("id", "17");  // and an excluded field
  request.end_row();
  const auto reply = ask(*catalog_of({test::example_model()}), request);
  require_answered(reply);
  BOOST_TEST(reply.predictions[0].missing == (std::vector<std::string>{"x1", "x2", "x3"}));
  BOOST_TEST(reply.predictions[0].unknown == (std::vector<std::string>{"city"}));
}

BOOST_AUTO_TEST_CASE(wrong_rows_are_refused_by_row_and_field) {
  const auto catalog = catalog_of({test::example_model()});
  const auto refuse = [&](const auto& change, const char* text) {
    PredictRequest request = one_row();
    change(request);
    require_error(ask(*catalog, request), "invalid_argument", text);
  };
  const auto second_row = [](const char* name, const char* value) {
    return [=](PredictRequest& request) {
      request.add_text(name, value);
      request.end_row();
    };
  };
  refuse(second_row("x4", "1"), "row 2");
  refuse(second_row("citty", "oslo"), "city");
  refuse(second_row("x1", "twelve"), "twelve");
  refuse(second_row("x1", "1e99"), "x1");
  refuse(
      [](PredictRequest& request) {
        request.add_number("x1", std::numeric_limits<double>::infinity());
        request.end_row();
      },
      "x1");
  refuse(
      [](PredictRequest& request) {
        request.add_number("x1", 1.0);
        request.add_number("x1", 2.0);
        request.end_row();
      },
      "twice");
  refuse([](PredictRequest& request) { request.clear(); }, "no rows");
  refuse(
      [](PredictRequest& request) {
        request.form = wire::RowForm::ordered;
        request.cells.pop_back();
        --request.row_ends.back();
      },
      "4 features: x1, city, x2, x3");
}

BOOST_AUTO_TEST_CASE(numeric_rows_of_another_shape_are_refused) {
  const std::vector<float> values = {1.0f, 2.0f, std::numeric_limits<float>::infinity()};
  PredictRequest request;
  request.form = wire::RowForm::numeric;
  request.numeric_columns = 3;
  request.numeric_values = std::as_bytes(std::span(values));
  require_error(ask(*catalog_of({test::example_model()}), request), "invalid_argument", "city");
  const auto numbers_only = catalog_of({test::example_model({.has_city = false})});
  require_error(ask(*numbers_only, request), "invalid_argument", "x3");
  request.numeric_columns = 1;
  require_error(ask(*numbers_only, request), "invalid_argument", "1 columns");
}

BOOST_AUTO_TEST_CASE(a_number_for_a_category_is_its_shortest_text) {
  auto parts = test::example_parts();
  BOOST_REQUIRE(parts.dictionary.append(1, "0.1"));
  BOOST_REQUIRE(parts.dictionary.append(1, "5"));
  const auto model = PublishedModel::make(std::move(parts));
  BOOST_REQUIRE(model.is_ok());
  PredictRequest request;
  for (const double city : {0.1, 5.0, 7.0}) {
    request.add_number("city", city);
    request.end_row();
  }
  const auto reply = ask(*catalog_of({model.value()}), request);
  BOOST_REQUIRE(!reply.error);
  BOOST_TEST(reply.predictions[0].unknown.empty());
  BOOST_TEST(reply.predictions[1].unknown.empty());
  BOOST_TEST(reply.predictions[2].unknown.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_reply_says_which_version_answered) {
  const auto reply = ask(*catalog_of({test::example_model({.version = 3})}), one_row());
  BOOST_TEST(reply.model == "example");
  BOOST_TEST(reply.version == 3u);
  BOOST_TEST(reply.cut == 13u);
  BOOST_TEST(reply.records == 100u);
  BOOST_TEST(reply.age_ms == 10'000u);
  BOOST_TEST(reply.classes == (std::vector<std::string>{"no", "yes"}));
}

BOOST_AUTO_TEST_CASE(deadlines_count_from_sending_or_from_arrival) {
  const auto catalog = catalog_of({test::example_model()});
  PredictionEngine engine(kBatchRows);
  const auto ask_late = [&](std::uint32_t deadline_ms, std::uint64_t sent_at_ms, int waited_ms) {
    PredictRequest request = one_row();
    request.deadline_ms = deadline_ms;
    request.sent_at_ms = sent_at_ms;
    const Bytes frame = wire::encode(request).value();
    const ArrivedFrame arrived{frame, kNow - std::chrono::milliseconds(waited_ms)};
    ServingStats stats;
    const auto reply =
        wire::decode_reply(engine.answer(*catalog, std::span(&arrived, 1), kNow, stats)[0]);
    BOOST_REQUIRE(reply.is_ok());
    BOOST_TEST(stats.expired == (reply.value().error ? 1u : 0u));
    return reply.value().error ? reply.value().error->code : std::string("answered");
  };
  const auto now_ms = static_cast<std::uint64_t>(kNow.time_since_epoch().count());
  BOOST_TEST(ask_late(0, 0, 5'000) == "answered");
  BOOST_TEST(ask_late(10, 0, 10) == "answered");
  BOOST_TEST(ask_late(10, 0, 11) == "expired");
  BOOST_TEST(ask_late(10, now_ms - 11, 0) == "expired");
  BOOST_TEST(ask_late(10, now_ms + 60'000, 11) == "expired");
}

BOOST_AUTO_TEST_CASE(malformed_frames_are_answered_and_counted) {
  const auto catalog = catalog_of({test::example_model()});
  const Bytes garbage(24, std::byte{0xA5});
  const Bytes good = wire::encode(one_row()).value();
  const std::vector<ArrivedFrame> frames = {{garbage, kNow}, {ByteView(), kNow}, {good, kNow}};
  PredictionEngine engine(kBatchRows);
  ServingStats stats;
  const auto replies = engine.answer(*catalog, frames, kNow, stats);
  BOOST_TEST(wire::decode_reply(replies[0]).value().error->code == "invalid_argument");
  BOOST_TEST(wire::decode_reply(replies[1]).value().error->code == "invalid_argument");
  BOOST_TEST(!wire::decode_reply(replies[2]).value().error);
  BOOST_TEST(stats.malformed == 2u);
}

BOOST_AUTO_TEST_CASE(a_server_behind_its_client_says_so) {
  auto catalog = catalog_of({test::example_model({.version = 5})});
  catalog = catalog->with_alias("example", {"production", VersionId(5), 7}, 4).value();
  auto request = one_row();
  request.min_revision = 7;
  require_answered(ask(*catalog, request));
  BOOST_TEST(ask(*catalog, request).alias_revision == 7u);
  request.min_revision = 8;
  require_error(ask(*catalog, request), "conflict", "revision 7 here");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
