#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "common/security/cluster_keys.hpp"
#include "coordinator/cli/csv_rows.hpp"
#include "coordinator/cli/signals.hpp"
#include "coordinator/cli/verbs.hpp"
#include "worker/sources/producer.hpp"

namespace millrace::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMessageBytes = 256u << 10;
constexpr std::chrono::milliseconds kRedraw{200};

// A name that nobody else has.
std::string any_name() {
  std::random_device device;
  return fmt::format("send-{:08x}{:08x}", device(), device());
}

class Sender {
 public:
  Sender(const SendVerb& options, Producer& producer, Output& output)
      : options_(options), producer_(producer), output_(output) {}

  Status run() {
    MILLRACE_ASSIGN(auto reader, LineReader::open(options_.file));
    bool is_header = options_.has_header;
    std::string lines;
    std::uint64_t rows = 0;
    for (;;) {
      std::string_view line;
      MILLRACE_ASSIGN(const auto next, reader.next(line));
      const bool is_line = next == LineReader::Next::line;
      if (is_line && !line.empty() && !std::exchange(is_header, false)) {
        lines.append(line).append("\n");
        ++rows;
      }
      const bool is_full = rows >= options_.rows_per_message || lines.size() >= kMessageBytes;
      if (rows > 0 && (!is_line || is_full)) {
        MILLRACE_TRY(send(std::exchange(lines, {}), std::exchange(rows, 0)));
      }
      if (next == LineReader::Next::end) break;
      if (next == LineReader::Next::would_wait) MILLRACE_TRY(reader.wait());
    }
    output_.note(fmt::format("{} rows are sent; waiting for the checkpoint that holds them",
                             grouped(rows_)));
    return producer_.finish([this] { return goes_on(); });
  }

  void print(double seconds) {
    const auto& figures = producer_.figures();
    nlohmann::ordered_json document = {{"schema_version", 1},
                                       {"producer", options_.producer},
                                       {"rows", rows_},
                                       {"messages", figures.messages},
                                       {"acknowledged", figures.acknowledged},
                                       {"resent", figures.resent},
                                       {"seconds", seconds}};
    if (!output_.is_table()) return output_.print_document(document);
    output_.print(fmt::format("{} rows in {} messages, all acknowledged, {} sent again, {:.1f} s\n",
                              grouped(rows_), grouped(figures.messages), grouped(figures.resent),
                              seconds));
  }

 private:
  Status send(std::string lines, std::uint64_t rows) {
    rows_ += rows;
    MILLRACE_TRY(producer_.send(std::move(lines), [this] { return goes_on(); }));
    if (options_.rate <= 0) return goes_on() ? Status() : Status(Code::cancelled, "interrupted");
    const std::chrono::duration<double> due(static_cast<double>(rows_) / options_.rate);
    while (steady_clock::now() - began_ < due) {
      if (!goes_on()) return {Code::cancelled, "interrupted"};
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return {};
  }

  bool goes_on() {
    const auto now = steady_clock::now();
    if (now - drawn_ >= kRedraw) {
      drawn_ = now;
      const auto& figures = producer_.figures();
      output_.redraw(fmt::format("{} rows sent, {} of {} messages acknowledged", grouped(rows_),
                                 grouped(figures.acknowledged), grouped(figures.messages)));
    }
    return watch_signals().load() == 0;
  }

  const SendVerb& options_;
  Producer& producer_;
  Output& output_;
  std::uint64_t rows_ = 0;
  steady_clock::time_point began_ = steady_clock::now();
  steady_clock::time_point drawn_ = began_;
};

Result<std::unique_ptr<Producer>> connect(const SendVerb& options) {
  ProducerOptions producer;
  MILLRACE_ASSIGN(producer.endpoint, net::Endpoint::parse(options.endpoint));
  if (!options.keys.empty()) {
    MILLRACE_ASSIGN(producer.keys,
                    security::load_client_keys(options.keys, security::NodeRole::worker));
  }
  producer.name = options.producer;
  producer.patience = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_s * 1e3));
  return Producer::connect(producer);
}

}  // namespace

int verb_send(const SendVerb& given, Output& output) {
  SendVerb options = given;
  if (options.producer.empty()) options.producer = any_name();
  watch_signals();
  const auto began = steady_clock::now();
  const auto producer = connect(options);
  if (!producer.is_ok()) return output.fail(producer.status());
  Sender sender(options, *producer.value(), output);
  const auto status = sender.run();
  if (!status.is_ok()) return output.fail(status);
  sender.print(std::chrono::duration<double>(steady_clock::now() - began).count());
  return kExitDone;
}

}  // namespace millrace::cli
