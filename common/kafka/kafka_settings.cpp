#include "common/kafka/kafka_settings.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

// A commit that the group's coordinator does not answer is given up after this.
constexpr const char* kCommitPatience = "10000";  // ms
// How often the library says which brokers it reaches.
constexpr const char* kStatisticsInterval = "5000";  // ms

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings own_settings(const KafkaSpec& kafka, const KafkaClientOptions& options) {
  const std::size_t partitions = std::max<std::size_t>(options.partitions, 1);
  // At least one record of the greatest size and some thousands of small ones.
  const std::size_t bytes =
      std::max(limits::kKafkaReadAheadBytes / partitions, std::size_t{1} << 20);
  const std::size_t messages =
      std::max(limits::kKafkaReadAheadMessages / partitions, std::size_t{2'000});
  Settings settings = {
      {"bootstrap.servers", kafka.brokers},
      {"client.id", "millrace"},
      {"allow.auto.create.topics", "false"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.commit.enable", "false"},
      // A record that is gone must not be skipped in silence.
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"check.crcs", "true"},
      {"queued.max.messages.kbytes", std::to_string(bytes >> 10)},
      {"queued.min.messages", std::to_string(messages)},
      {"fetch.message.max.bytes", std::to_string(limits::kLineBytesMax)},
      {"fetch.max.bytes", std::to_string(limits::kKafkaReadAheadBytes)},
      {"statistics.interval.ms", kStatisticsInterval},
  };
  if (options.commits) {
    settings.emplace_back("group.id", *kafka.group);
    settings.emplace_back("session.timeout.ms", kCommitPatience);
  }
  return settings;
}

Status set_all(const Settings& settings, rd_kafka_conf_t* conf) {
  std::array<char, 512> why;
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      return {Code::invalid_argument, "setting " + name + " of the Kafka client: " + why.data()};
    }
  }
  return {};
}

Status set_properties(const std::string& section, const Properties& properties,
                      const SecretsFolder& secrets, rd_kafka_conf_t* conf) {
  std::array<char, 512> why;
  for (const auto& [name, property] : properties) {
    std::string value = property.text;
    if (property.is_secret) {
      auto secret = secrets.read(property.text);
      if (!secret.is_ok()) return secret.status().with_context(section + ".properties." + name);
      value = std::move(secret).value();
    }
    const bool is_set = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(),
                                          why.size()) == RD_KAFKA_CONF_OK;
    if (property.is_secret) explicit_bzero(value.data(), value.size());
    if (is_set) continue;
    // The library's reason repeats the value.
    const std::string reason = property.is_secret ? "its secret is not accepted" : why.data();
    return {Code::invalid_argument, section + ".properties." + name + ": " + reason};
  }
  return {};
}

}  // namespace

void KafkaConfDeleter::operator()(rd_kafka_conf_t* conf) const {
  rd_kafka_conf_destroy(conf);
}

Result<KafkaConf> make_kafka_conf(const KafkaSpec& kafka, const SecretsFolder& secrets,
                                  const KafkaClientOptions& options) {
  KafkaConf conf(rd_kafka_conf_new());
  MILLRACE_TRY(set_all(own_settings(kafka, options), conf.get()));
  MILLRACE_TRY(set_properties("source.kafka", kafka.properties, secrets, conf.get()));
  return conf;
}

Result<KafkaConf> make_sink_conf(const Settings& settings, const std::string& section,
                                 const Properties& properties, const SecretsFolder& secrets) {
  KafkaConf conf(rd_kafka_conf_new());
  MILLRACE_TRY(set_properties(section, properties, secrets, conf.get()));
  MILLRACE_TRY(set_all(settings, conf.get()));
  return conf;
}

}  // namespace millrace
