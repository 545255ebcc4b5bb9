#include "tests/unit/data/decoding.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/digest.hpp"

namespace millrace::test {
namespace {

void collect(const MicroBatch& batch, std::size_t first, Decoded& decoded) {
  for (std::size_t row = first; row < batch.rows; ++row) {
    Decoded::Record record{batch.offsets[row].value, {}, {}, batch.labels[row], batch.weights[row]};
    record.numbers.assign(batch.numeric_row(row), batch.numeric_row(row) + batch.numeric_columns);
    for (std::size_t i = 0; i < batch.categorical_columns; ++i) {
      const Category& category = batch.category_row(row)[i];
      record.texts.emplace_back(category.is_missing() ? "\x01" : category.text);
      if (!category.is_missing()) BOOST_TEST(category.hash == hash_text(category.text));
    }
    for (std::size_t i = batch.numeric_columns; i < batch.numeric_stride; ++i)
      BOOST_TEST(batch.numeric_row(row)[i] == 0.0f);
    decoded.records.push_back(std::move(record));
  }
}

}  // namespace

Schema make_schema(const std::string& roles, Task task, std::vector<std::string> classes) {
  Schema schema;
  schema.task = task;
  schema.missing = SourceSpec().missing;
  schema.classes_are_declared = !classes.empty();
  schema.max_classes = task == Task::regression
                           ? 0
                           : std::max<std::uint32_t>(2, static_cast<std::uint32_t>(classes.size()));
  schema.classes = std::move(classes);
  std::uint32_t numeric = 0, categorical = 0;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    Field field;
    field.name = "f" + std::to_string(i);
    switch (roles[i]) {
      case 'n':
        field.role = FieldRole::numeric, field.index = numeric++;
        break;
      case 'c':
        field.role = FieldRole::categorical, field.index = categorical++;
        break;
      case 'l':
        field.role = FieldRole::label;
        break;
      case 'w':
        field.role = FieldRole::weight;
        break;
      default:
        field.role = FieldRole::excluded;
    }
    schema.fields.push_back(field);
  }
  schema.categories.resize(categorical);
  return schema;
}

Decoded decode_all(const std::string& text, const Schema& schema, const CsvSpec& spec,
                   Dictionary& dictionary, const Feeding& feeding) {
  Decoded decoded;
  CsvDecoder decoder(schema, spec);
  MicroBatch batch(feeding.batch_capacity, schema.numeric_count(), schema.categorical_count());
  std::string block;  // a copy that moves, so that views into an old one are caught by sanitizers
  std::size_t at = 0, fed = 0;
  for (bool is_last = false; !is_last || fed > at;) {
    const std::size_t wanted = feeding.block_bytes();
    const std::size_t more = wanted == 0 ? text.size() : wanted;
    decoder.keep_texts(batch);
    fed = std::min(text.size(), fed + more);
    is_last = fed == text.size();
    block = std::string(text, at, fed - at);
    for (auto stop = CsvDecoder::Stop::batch_full; stop != CsvDecoder::Stop::need_more_bytes;) {
      auto outcome =
          decoder.decode(as_bytes(block).subspan(at - (fed - block.size())), Offset(at), is_last,
                         dictionary, batch, decoded.counters, decoded.quarantine);
      at += outcome.consumed_bytes;
      stop = outcome.stop;
      BOOST_REQUIRE(decoded.counters.read == decoded.counters.records +
                                                 decoded.counters.quarantined +
                                                 decoded.counters.skipped);
      if (stop == CsvDecoder::Stop::pending_class) {
        BOOST_REQUIRE(!dictionary.is_full(kLabelField));
        BOOST_REQUIRE(dictionary.append(kLabelField, outcome.pending_class).has_value());
      } else if (stop == CsvDecoder::Stop::batch_full) {
        BOOST_REQUIRE(batch.rows == batch.capacity);
        collect(batch, 0, decoded);
        batch.rows = 0;
      }
    }
  }
  collect(batch, 0, decoded);
  BOOST_TEST(at == text.size());
  return decoded;
}

Decoded decode_all(const std::string& text, const Schema& schema, const CsvSpec& spec,
                   const Feeding& feeding) {
  Dictionary dictionary(schema, std::vector<std::uint32_t>(schema.categorical_count() + 1, 64));
  return decode_all(text, schema, spec, dictionary, feeding);
}

}  // namespace millrace::test
