#include <cstring>
#include <limits>

#include "tests/unit/serving/example_model.hpp"

namespace millrace {
namespace {

using test::ExampleOptions;

Bytes flipped(Bytes bytes, std::size_t at) {
  bytes[at] ^= std::byte{0x10};
  return bytes;
}

BOOST_AUTO_TEST_SUITE(common_ml_published_model)

BOOST_AUTO_TEST_CASE(decoding_gives_the_same_version_and_the_same_bits) {
  for (const Task task : {Task::regression, Task::binary, Task::multiclass}) {
    ExampleOptions options{.task = task};
    options.model.kind = task == Task::regression ? ModelKind::linear
                         : task == Task::binary   ? ModelKind::logistic
                                                  : ModelKind::softmax;
    const auto model = test::example_model(options);
    const auto again = PublishedModel::decode(model->encode());
    BOOST_REQUIRE_MESSAGE(again.is_ok(), again.status().message());
    BOOST_TEST(again.value()->digest() == model->digest());
    BOOST_TEST(again.value()->encode() == model->encode());
    const auto batch = test::example_batch(50, 3, true, 9);
    const auto before = test::predict_directly(*model, batch);
    const auto after = test::predict_directly(*again.value(), batch);
    BOOST_TEST(std::memcmp(before.data(), after.data(), before.size() * sizeof(float)) == 0);
    BOOST_TEST(again.value()->classes() == model->classes());
  }
}

BOOST_AUTO_TEST_CASE(lineage_survives_encoding) {
  const auto model = test::example_model({.version = 7});
  const auto header = PublishedModel::decode_header(model->encode());
  BOOST_REQUIRE(header.is_ok());
  const Lineage& lineage = header.value().lineage;
  BOOST_TEST(lineage.job == "example");
  BOOST_TEST(lineage.version.value == 7u);
  BOOST_TEST(lineage.parent->value == 6u);
  BOOST_TEST(lineage.cut.value == 17u);
  BOOST_TEST(lineage.slice.at(0).path == "data.csv");
  BOOST_TEST(lineage.slice.at(0).offset.value == 1234u);
  BOOST_TEST(lineage.metrics.at("log_loss") == 0.5);
  BOOST_TEST((lineage.created_at == model->lineage().created_at));
  BOOST_TEST(header.value().digest == model->digest());
}

BOOST_AUTO_TEST_CASE(header_is_read_from_a_prefix) {
  const auto model = test::example_model();
  const Bytes bytes = model->encode();
  const auto size = std::size_t{12} + static_cast<std::size_t>(bytes[4]) +
                    (static_cast<std::size_t>(bytes[5]) << 8) + 4;
  BOOST_TEST(PublishedModel::decode_header(ByteView(bytes).first(size)).is_ok());
  BOOST_TEST(!PublishedModel::decode_header(ByteView(bytes).first(size - 1)).is_ok());
}

BOOST_AUTO_TEST_CASE(digest_covers_parameters_statistics_and_dictionary_only) {
  const auto digest = [](PublishedModelParts parts) {
    auto model = PublishedModel::make(parts);
    BOOST_REQUIRE_MESSAGE(model.is_ok(), model.status().message());
    return model.value()->digest();
  };
  const std::string original = digest(test::example_parts());
  BOOST_TEST(original.size() == 64u);
  auto parts = test::example_parts();
  parts.lineage.records = 5;
  parts.lineage.version = VersionId(9);
  BOOST_TEST(digest(parts) == original);
  parts = test::example_parts();
  parts.theta[0] += 1.0f;
  BOOST_TEST(digest(parts) != original);
  parts = test::example_parts();
  parts.statistics[0] += 1.0;
  BOOST_TEST(digest(parts) != original);
  parts = test::example_parts();
  BOOST_REQUIRE(parts.dictionary.append(1, "lima"));
  BOOST_TEST(digest(parts) != original);
}

BOOST_AUTO_TEST_CASE(a_row_predicts_the_same_bits_alone_and_in_a_batch) {
  const auto model =
      test::example_model({.model = {.kind = ModelKind::mlp, .layers = {16, 8}, .dropout = {}}});
  const auto batch = test::example_batch(33, 3, true, 4);
  const auto together = test::predict_directly(*model, batch);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    MicroBatch alone = model->make_batch(1);
    alone.rows = 1;
    std::copy_n(batch.numeric_row(row), 3, alone.numeric_row(0));
    alone.category_row(0)[0] = batch.category_row(row)[0];
    const auto output = test::predict_directly(*model, alone);
    BOOST_TEST(std::memcmp(&output[0], &together[row], sizeof(float)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(parts_that_do_not_fit_are_refused) {
  auto parts = test::example_parts();
  parts.theta.pop_back();
  BOOST_TEST((PublishedModel::make(parts).status().code() == Code::invalid_argument));
  parts = test::example_parts();
  parts.theta[1] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST((PublishedModel::make(parts).status().code() == Code::invalid_argument));
  parts = test::example_parts();
  parts.statistics.push_back(0.0);
  BOOST_TEST((PublishedModel::make(parts).status().code() == Code::invalid_argument));
  parts = test::example_parts();
  parts.lineage.version = VersionId(0);
  BOOST_TEST((PublishedModel::make(parts).status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_and_every_truncation_is_corrupted) {
  const Bytes bytes = test::example_model()->encode();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    BOOST_TEST_REQUIRE(
        (PublishedModel::decode(flipped(bytes, at)).status().code() == Code::corrupted));
    BOOST_TEST_REQUIRE(
        (PublishedModel::decode(ByteView(bytes).first(at)).status().code() == Code::corrupted));
  }
}

BOOST_AUTO_TEST_CASE(header_decoding_survives_every_byte) {
  const Bytes bytes = test::example_model()->encode();
  for (std::size_t at = 0; at < std::min<std::size_t>(bytes.size(), 600); ++at) {
    for (const auto value : {std::byte{0x00}, std::byte{0xFF}}) {
      Bytes damaged = bytes;
      damaged[at] = value;
      (void)PublishedModel::decode_header(damaged).is_ok();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
