#include "common/config/kafka_checks.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "common/base/limits.hpp"
#include "common/config/kafka_properties.hpp"
#include "common/config/timestamp.hpp"

namespace millrace {
namespace {

constexpr std::size_t kTopicBytesMax = 249;  // Kafka's own limit
constexpr std::size_t kGroupBytesMax = 249;

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// host, host:port or [IPv6]:port.
bool is_broker(std::string_view text) {
  if (text.starts_with('[')) {
    const auto closing = text.find(']');
    if (closing == text.npos || closing < 3) return false;
    const auto address = text.substr(1, closing - 1), rest = text.substr(closing + 1);
    const bool is_address = address.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos;
    return is_address && (rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1))));
  }
  const auto colon = text.find(':');
  const auto host = text.substr(0, colon);
  const bool is_name = !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_';
  });
  return is_name && (colon == text.npos || is_port(text.substr(colon + 1)));
}

// What is asked of every place in a job file that names a cluster.
class Endpoint {
 public:
  // `section` ends in a dot; `user` is what requires the keys.
  Endpoint(std::string section, std::string user, std::vector<JobProblem>& problems)
      : section_(std::move(section)), user_(std::move(user)), problems_(problems) {}

  void check_brokers(std::string_view brokers) {
    const char* hint = "for instance `brokers: \"broker-1:9092,broker-2:9092\"`";
    if (brokers.empty()) return report("brokers", "is required for " + user_, hint);
    for (;;) {
      const auto comma = brokers.find(',');
      const auto broker = brokers.substr(0, comma);
      if (!is_broker(broker))
        return report("brokers", "'" + std::string(broker) + "' is no host:port", hint);
      if (comma == brokers.npos) return;
      brokers.remove_prefix(comma + 1);
    }
  }

  void check_topic(const std::string& name, const std::string& topic) {
    if (topic.empty()) return report(name, "is required for " + user_);
    const bool is_safe = std::ranges::all_of(
        topic, [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-'; });
    if (!is_safe || topic == "." || topic == ".." || topic.size() > kTopicBytesMax)
      report(name, "'" + topic + "' cannot be the name of a topic",
             "letters, digits, '.', '_' and '-', at most 249");
  }

  void check_properties(const Properties& properties) {
    for (const auto& [name, property] : properties)
      if (const auto status = check_kafka_property(name, property); !status.is_ok())
        report("properties." + name, status.message(), status.hint());
    if (const auto status = check_kafka_properties(properties); !status.is_ok())
      report("properties", status.message(), status.hint());
  }

  void report(const std::string& name, std::string message, std::string hint = {}) {
    problems_.push_back(
        {.key = section_ + name, .message = std::move(message), .hint = std::move(hint)});
  }

 private:
  const std::string section_;
  const std::string user_;
  std::vector<JobProblem>& problems_;
};

class KafkaChecks {
 public:
  explicit KafkaChecks(const JobSpec& spec) : spec_(spec), kafka_(spec.source.kafka) {}

  std::vector<JobProblem> run() {
    endpoint_.check_brokers(kafka_.brokers);
    endpoint_.check_topic("topic", kafka_.topic);
    check_start();
    check_fields();
    check_offsets();
    check_dead_letter();
    endpoint_.check_properties(kafka_.properties);
    return std::move(problems_);
  }

 private:
  void report(const std::string& name, std::string message, std::string hint = {}) {
    endpoint_.report(name, std::move(message), std::move(hint));
  }

  void check_dead_letter() {
    if (!kafka_.dead_letter) return;
    endpoint_.check_topic("dead_letter", *kafka_.dead_letter);
    if (*kafka_.dead_letter == kafka_.topic)
      report("dead_letter", "is the topic that is read: what is broken would come back for ever",
             "name another topic");
  }

  void check_start() {
    if (kafka_.start == KafkaStart::timestamp && kafka_.start_timestamp.empty())
      report("start_timestamp", "is required for `start: timestamp`",
             "for instance `start_timestamp: 2026-01-31T08:00:00Z`");
    else if (kafka_.start == KafkaStart::timestamp && !parse_timestamp_ms(kafka_.start_timestamp))
      report("start_timestamp", "'" + kafka_.start_timestamp + "' is no time",
             "write 2026-01-31T08:00:00Z, or milliseconds since 1970");
    if (kafka_.start == KafkaStart::offsets && kafka_.start_offsets.empty())
      report("start_offsets", "is required for `start: offsets`",
             "for instance `start_offsets: [0, 1200, 77]`, one for each partition");
    if (kafka_.start == KafkaStart::latest && kafka_.until)
      report("until", "leaves nothing to read with `start: latest`", "use another `start`");
    for (const auto offset : kafka_.start_offsets)
      if (offset > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return report("start_offsets", fmt::format("{} is no offset of Kafka", offset));
  }

  // Every field of a record, from wherever in the message, has a name of its own.
  void check_fields() {
    std::set<std::string> seen;
    const auto take = [&](const char* name, const std::string& field) {
      if (field.empty()) {
        report(name, "a field needs a name");
      } else if (!seen.insert(field).second) {
        report(name, "names the field '" + field + "' twice");
      }
    };
    for (const auto& column : kafka_.columns) take("columns", column);
    if (kafka_.label_from == KafkaPart::key) {
      if (kafka_.key_field)
        report("key_field", "has no effect: the key is the label already",
               "leave it out, or `label_from: key`");
      if (seen.contains(spec_.schema.label))
        report("columns", "names the label '" + spec_.schema.label + "', which the key holds",
               "leave it out of the columns, or `label_from: key`");
      seen.insert(spec_.schema.label);
    } else if (kafka_.key_field) {
      take("key_field", *kafka_.key_field);
    }
    if (kafka_.timestamp_field) take("timestamp_field", *kafka_.timestamp_field);
    for (const auto& header : kafka_.header_fields) take("header_fields", header);
    if (seen.size() > limits::kColumnsMax)
      report("columns",
             fmt::format("{} fields are too many, at most {}", seen.size(), limits::kColumnsMax));
  }

  void check_offsets() {
    if (kafka_.commit_offsets && (!kafka_.group || kafka_.group->empty()))
      report("group", "is required to commit offsets", "for instance `group: " + spec_.name + "`");
    if (kafka_.group && kafka_.group->size() > kGroupBytesMax)
      report("group", "is longer than 249 bytes");
    if (!kafka_.commit_offsets && kafka_.group)
      report("group", "has no effect here",
             "it needs `commit_offsets: true`; leave it out otherwise");
  }

  const JobSpec& spec_;
  const KafkaSpec& kafka_;
  std::vector<JobProblem> problems_;
  Endpoint endpoint_{"source.kafka.", "kafka", problems_};
};

}  // namespace

std::vector<JobProblem> find_sink_problems(const JobSpec& spec) {
  std::vector<JobProblem> problems;
  if (!spec.predictions) return problems;
  const SinkSpec& sink = *spec.predictions;
  Endpoint endpoint("sinks.predictions.", "a sink", problems);
  endpoint.check_brokers(sink.brokers);
  endpoint.check_topic("topic", sink.topic);
  endpoint.check_properties(sink.properties);
  for (const char* name : {"isolation.level", "fetch.min.bytes", "fetch.wait.max.ms"})
    if (sink.properties.contains(name))
      endpoint.report("properties." + std::string(name), "has no effect on a sink", "leave it out");
  const bool reads_it = spec.source.kind == SourceKind::kafka &&
                        spec.source.kafka.brokers == sink.brokers &&
                        spec.source.kafka.topic == sink.topic;
  if (reads_it) endpoint.report("topic", "is the topic that the job reads", "name another topic");
  return problems;
}

std::vector<JobProblem> find_kafka_problems(const JobSpec& spec) {
  return KafkaChecks(spec).run();
}

}  // namespace millrace
