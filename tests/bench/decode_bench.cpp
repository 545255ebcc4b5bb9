// Decodes a CSV file over and over on one core and prints the best rate in processor time: GB/s and
// rows/s.
//
// usage: millrace_bench_decode FILE.csv LABEL [SECONDS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "common/data/csv_decoder.hpp"
#include "common/data/schema_inference.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// Of this thread, so that a busy machine does not count.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int fail(const std::string& why) {
  std::fprintf(stderr, "millrace_bench_decode: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace millrace;
  if (argc < 3) return fail("usage: millrace_bench_decode FILE.csv LABEL [SECONDS]");
  std::ifstream file(argv[1], std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  if (text.empty()) return fail(std::string("cannot read ") + argv[1]);

  SourceSpec source;
  SchemaSpec spec;
  spec.label = argv[2];
  const ByteView bytes = as_bytes(text);
  auto inferred = infer_schema(spec, source, bytes, true);
  if (!inferred.is_ok()) return fail(inferred.status().message());
  const Schema& schema = inferred.value().schema;
  std::vector<std::uint32_t> capacity(schema.categorical_count() + 1, 64);
  Dictionary dictionary(schema, capacity);
  MicroBatch batch(64, schema.numeric_count(), schema.categorical_count());
  const std::size_t header = *inferred.value().csv.header ? text.find('\n') + 1 : 0;

  const double seconds_max = argc > 3 ? std::atof(argv[3]) : 3.0;
  double best = 1e99, sum = 0.0;
  DecodeCounters counters;
  const auto start = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - start).count() < seconds_max) {
    CsvDecoder decoder(schema, inferred.value().csv);
    counters = {};
    std::vector<QuarantineEntry> quarantine;
    const double pass = processor_seconds();
    std::size_t at = header;
    for (auto stop = CsvDecoder::Stop::batch_full; stop != CsvDecoder::Stop::need_more_bytes;) {
      batch.rows = 0;
      auto outcome = decoder.decode(bytes.subspan(at), Offset(at), true, dictionary, batch,
                                    counters, quarantine);
      at += outcome.consumed_bytes;
      stop = outcome.stop;
      if (stop == CsvDecoder::Stop::pending_class)
        dictionary.append(kLabelField, outcome.pending_class);
      sum += batch.labels[0];
    }
    best = std::min(best, processor_seconds() - pass);
  }
  std::printf("%zu bytes, %zu columns: read %lu records %lu quarantined %lu\n",
              text.size() - header, schema.fields.size(), counters.read, counters.records,
              counters.quarantined);
  std::printf("%.3f GB/s  %.2f M rows/s  (checksum %.0f)\n",
              static_cast<double>(text.size() - header) / best / 1e9,
              static_cast<double>(counters.records) / best / 1e6, sum);
  return 0;
}
