#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "common/kafka/kafka_producer.hpp"
#include "worker/sinks/output_channel.hpp"

namespace millrace {
namespace {

// The text beside the cut's number: a format, and the incarnation.
constexpr std::string_view kMarkFormat = "millrace-1 ";

std::string mark_text(std::uint64_t incarnation) {
  return fmt::format("{}{:016x}", kMarkFormat, incarnation);
}

Result<LaneMark> read_mark(const KafkaProducer::Mark& found, const std::string& group) {
  std::string_view text = found.text;
  LaneMark mark{0, CutId(found.number)};
  if (text.starts_with(kMarkFormat)) {
    text.remove_prefix(kMarkFormat.size());
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), mark.incarnation, 16);
    if (error == std::errc() && end == text.data() + text.size()) return mark;
  }
  return Status(Code::conflict,
                "group '" + group +
                    "' has committed something that is no mark of a "
                    "sink",
                "nobody else may use groups that begin with 'millrace.'");
}

class KafkaChannel final : public OutputChannel {
 public:
  KafkaChannel(KafkaProducerOptions options, SecretsFolder secrets)
      : options_(std::move(options)), secrets_(std::move(secrets)) {}

  Result<std::optional<LaneMark>> open(const std::stop_token& stop) override {
    producer_.reset();
    MILLRACE_ASSIGN(producer_, KafkaProducer::open(options_, secrets_));
    MILLRACE_ASSIGN(const auto found, producer_->take_over(stop));
    if (!found) return std::optional<LaneMark>();
    MILLRACE_ASSIGN(const LaneMark mark, read_mark(*found, options_.transactional_id));
    return std::optional(mark);
  }

  Status write(const OutputBatch& batch, const LaneMark& mark,
               const std::stop_token& stop) override {
    Status status = try_to_write(batch, mark, stop);
    if (!status.is_ok()) producer_.reset();  // readers need not wait for what is given up
    return status;
  }

 private:
  Status try_to_write(const OutputBatch& batch, const LaneMark& mark, const std::stop_token& stop) {
    MILLRACE_TRY(producer_->begin());
    OutputBatch::Cursor cursor(batch);
    OutputMessage message;
    std::vector<KafkaProducer::Header> headers;
    while (cursor.next(message)) {
      headers.clear();
      for (const auto& header : message.headers) headers.emplace_back(header.name, header.value);
      MILLRACE_TRY(producer_->produce(message.key, message.value, headers, stop));
    }
    return producer_->commit({mark.cut.value, mark_text(mark.incarnation)}, stop);
  }

  const KafkaProducerOptions options_;
  const SecretsFolder secrets_;
  std::unique_ptr<KafkaProducer> producer_;
};

KafkaProducerOptions producer_options(const JobSpec& job, const LaneName& name) {
  KafkaProducerOptions options;
  if (name.kind == OutputKind::predictions) {
    options.sink = *job.predictions;
    options.section = "sinks.predictions";
  } else {
    const KafkaSpec& source = job.source.kafka;
    options.sink.brokers = source.brokers;
    options.sink.topic = *source.dead_letter;
    options.sink.properties = source.properties;
    // How the topic is read says nothing about how another is written.
    for (const char* reading : {"isolation.level", "fetch.min.bytes", "fetch.wait.max.ms"})
      options.sink.properties.erase(reading);
    options.section = "source.kafka";
  }
  options.transactional_id =
      fmt::format("millrace.{}.{}.{}", job.name, to_string(name.kind), name.lane);
  return options;
}

}  // namespace

MakeChannel kafka_channels(const JobSpec& job, const SecretsFolder& secrets) {
  return [job, secrets](const LaneName& name) -> std::unique_ptr<OutputChannel> {
    return std::make_unique<KafkaChannel>(producer_options(job, name), secrets);
  };
}

}  // namespace millrace
