#include "tests/unit/sources/reading.hpp"

#include <zlib.h>

#include <boost/test/unit_test.hpp>

namespace millrace::test {
namespace {

std::string gzip_member(std::string_view text) {
  z_stream stream{};
  BOOST_REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  BOOST_REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

void collect(const MicroBatch& batch, ReadBack& read) {
  for (std::size_t row = 0; row < batch.rows; ++row) {
    read.offsets.push_back(batch.offsets[row].value);
    read.numbers.push_back(batch.numeric_row(row)[0]);
    read.labels.push_back(batch.labels[row]);
    if (batch.categorical_columns != 0) read.texts.emplace_back(batch.category_row(row)[0].text);
  }
  read.batches.push_back(batch.rows);
}

void append(ReadBack& all, const ReadBack& part) {
  const auto add = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add(all.offsets, part.offsets);
  add(all.numbers, part.numbers);
  add(all.labels, part.labels);
  add(all.texts, part.texts);
  add(all.batches, part.batches);
  add(all.quarantine, part.quarantine);
  all.counters += part.counters;
  if (all.failure.is_ok()) all.failure = part.failure;
}

}  // namespace

std::string gzip(const std::string& text, std::size_t members) {
  std::string out;
  for (std::size_t i = 0; i < members; ++i) {
    const std::size_t begin = text.size() * i / members, end = text.size() * (i + 1) / members;
    out += gzip_member(std::string_view(text).substr(begin, end - begin));
  }
  return out;
}

SourceSpec file_spec(const std::string& path, bool header) {
  SourceSpec source;
  source.path = path;
  source.csv.header = header;
  return source;
}

Schema abc_schema() {
  SchemaSpec spec;
  spec.label = "y";
  spec.task = Task::regression;
  auto inferred = infer_schema(spec, {}, as_bytes("a,b,y\n1,x,0.5\n"), true);
  BOOST_REQUIRE(inferred.is_ok());
  return inferred.value().schema;
}

ReadBack read_split(const SourceSpec& source, const Schema& schema, const SplitDescription& split,
                    Offset from, std::size_t capacity, std::size_t stop_after) {
  ReadBack read;
  auto opened = open_record_source(source, schema, split, from, 7);
  if (!opened.is_ok()) {
    read.failure = opened.status();
    return read;
  }
  RecordSource& records = *opened.value();
  BOOST_TEST((records.position() == from));
  Dictionary dictionary(schema, std::vector<std::uint32_t>(schema.categorical_count() + 1, 64));
  MicroBatch batch(capacity, schema.numeric_count(), schema.categorical_count());
  while (read.batches.size() < stop_after) {
    auto filled = records.fill(batch, dictionary);
    if (!filled.is_ok()) {
      read.failure = filled.status();
      break;
    }
    const auto& outcome = filled.value();
    if (outcome.is_starved) records.wait(std::chrono::milliseconds(1000));
    if (outcome.state == FillState::pending_class)
      dictionary.append(kLabelField, outcome.pending_class);
    if (outcome.state != FillState::batch_ready && outcome.state != FillState::end_of_split)
      continue;
    BOOST_TEST((batch.split == split.id));
    collect(batch, read);
    read.positions.push_back(records.position());
    batch.rows = 0;
    if (outcome.state == FillState::end_of_split) break;
  }
  read.counters = records.counters();
  read.quarantine = records.take_quarantine();
  BOOST_TEST(records.quarantined_so_far() >= read.counters.quarantined);
  return read;
}

ReadBack read_splits(const SourceSpec& source, const Schema& schema,
                     const std::vector<SplitDescription>& splits, std::size_t capacity) {
  ReadBack all;
  for (const auto& split : splits)
    append(all, read_split(source, schema, split, split.begin, capacity));
  return all;
}

}  // namespace millrace::test
