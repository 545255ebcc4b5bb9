#include "common/config/kafka_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "common/config/nearest.hpp"

namespace millrace {
namespace {

// Settings that somebody may have reason to give, and what to do instead.
struct Refusal {
  std::string_view prefix;  // of the name
  std::string_view why;
  std::string_view hint;
};

constexpr std::string_view kOurs = "is set by Millrace itself";
constexpr Refusal kRefusals[] = {
    {"plugin.library.paths", "loads code into this process", "leave it out"},
    {"ssl.engine.", "loads code into this process", "leave it out"},
    {"ssl.providers", "loads code into this process", "leave it out"},
    {"sasl.kerberos.", "runs a command of the shell",
     "use sasl.mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
    {"sasl.oauthbearer.", "is not supported by this version",
     "use sasl.mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
    {"enable.ssl.certificate.verification", "would accept any broker",
     "give the brokers' certificate authority as ssl.ca.location or ssl.ca.pem"},
    {"ssl.endpoint.identification.algorithm", "would accept any broker",
     "name the brokers as their certificates do"},
    {"ssl.key.location", "would let a job file name any file of a worker",
     "use `ssl.key.pem: {secret: NAME}`"},
    {"ssl.certificate.location", "would let a job file name any file of a worker",
     "use `ssl.certificate.pem: {secret: NAME}`"},
    {"ssl.keystore.", "would let a job file name any file of a worker",
     "use `ssl.key.pem: {secret: NAME}` and `ssl.certificate.pem: {secret: NAME}`"},
    {"bootstrap.servers", kOurs, "say `source.kafka.brokers`"},
    {"metadata.broker.list", kOurs, "say `source.kafka.brokers`"},
    {"auto.offset.reset", kOurs, "say `source.kafka.start`"},
    {"group.", kOurs, "say `source.kafka.group`"},
    {"enable.auto.", kOurs, "say `source.kafka.commit_offsets`"},
    {"auto.commit.", kOurs, "say `source.kafka.commit_offsets`"},
    {"offset.store.", kOurs, "say `source.kafka.commit_offsets`"},
    {"queued.", "is set from this program's own limits", "leave it out"},
    {"fetch.max.bytes", "is set from this program's own limits", "leave it out"},
    {"fetch.message.max.bytes", "is set from this program's own limits", "leave it out"},
    {"max.partition.fetch.bytes", "is set from this program's own limits", "leave it out"},
    {"receive.message.max.bytes", "is set from this program's own limits", "leave it out"},
    {"enable.partition.eof", kOurs, "leave it out"},
    {"statistics.interval.ms", kOurs, "leave it out"},
    {"check.crcs", kOurs, "leave it out"},
    {"test.mock.", "is for tests of the library", "leave it out"},
};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

Status wrong(std::string message, std::string hint = {}) {
  return {Code::invalid_argument, std::move(message), std::move(hint)};
}

Status refuse_name(std::string_view name) {
  for (const auto& refusal : kRefusals) {
    if (name.starts_with(refusal.prefix))
      return wrong("is refused: it " + std::string(refusal.why), std::string(refusal.hint));
  }
  std::vector<std::string> known;
  for (const auto& rule : kafka_property_rules()) known.push_back(rule.name);
  const auto nearest = nearest_word(name, known);
  return wrong(
      "is not among the settings of librdkafka that a job file may give",
      nearest.empty() ? "`millrace docs job-file` lists them" : "did you mean '" + nearest + "'?");
}

Status check_text(const KafkaPropertyRule& rule, const std::string& text) {
  const bool is_clean = std::ranges::none_of(
      text, [](unsigned char c) { return c == 0x7F || (c < 0x20 && c != '\n' && c != '\r'); });
  if (!is_clean) return wrong("holds a control character");
  if (!rule.choices.empty()) {
    if (std::ranges::find(rule.choices, lower_case(text), lower_case) != rule.choices.end())
      return {};
    return wrong("unknown value '" + text + "'", suggestion(text, rule.choices));
  }
  const auto [minimum, maximum] = rule.range;
  if (maximum == 0) return {};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return wrong("expected a whole number, got '" + text + "'");
  if (number >= minimum && number <= maximum) return {};
  return wrong(fmt::format("{} is out of range", number),
               fmt::format("expected {} to {}", minimum, maximum));
}

std::vector<KafkaPropertyRule> make_rules() {
  std::vector<KafkaPropertyRule> rules;
  const auto text = [&](const char* name, const char* help) {
    rules.push_back({name, help, false, {}, {}});
  };
  const auto secret = [&](const char* name, const char* help) {
    rules.push_back({name, help, true, {}, {}});
  };
  const auto choice = [&](const char* name, const char* help, std::vector<std::string> choices) {
    rules.push_back({name, help, false, std::move(choices), {}});
  };
  const auto number = [&](const char* name, const char* help, std::uint64_t minimum,
                          std::uint64_t maximum) {
    rules.push_back({name, help, false, {}, {minimum, maximum}});
  };
  choice("security.protocol", "how brokers are spoken to",
         {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"});
  choice("sasl.mechanism", "how this client proves who it is",
         {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"});
  text("sasl.username", "its name");
  secret("sasl.password", "its password");
  text("ssl.ca.location", "file or folder with the certificate authority of the brokers");
  text("ssl.ca.pem", "the certificate authority itself");
  text("ssl.certificate.pem", "this client's certificate");
  secret("ssl.key.pem", "its private key");
  secret("ssl.key.password", "what the private key is encrypted with");
  text("ssl.cipher.suites", "ciphers that are allowed");
  text("client.id", "how this client is called in the brokers' logs and quotas");
  text("client.rack", "where this client stands: it then reads from a replica nearby");
  choice("isolation.level", "whether records of open and aborted transactions are read",
         {"read_committed", "read_uncommitted"});
  choice("broker.address.family", "which addresses of brokers are used", {"any", "v4", "v6"});
  number("fetch.min.bytes", "a broker waits for so many bytes", 1, 100'000'000);
  number("fetch.wait.max.ms", "but not longer than this", 0, 30'000);
  number("socket.timeout.ms", "a request that takes longer is sent again", 1'000, 300'000);
  number("socket.connection.setup.timeout.ms", "a connection that takes longer is tried again",
         1'000, 300'000);
  choice("socket.keepalive.enable", "whether idle connections are probed", {"true", "false"});
  number("reconnect.backoff.ms", "pause before the first reconnection", 0, 60'000);
  number("reconnect.backoff.max.ms", "pause before later ones", 0, 600'000);
  number("metadata.max.age.ms", "how long what is known of a topic is believed", 1'000, 86'400'000);
  return rules;
}

}  // namespace

std::span<const KafkaPropertyRule> kafka_property_rules() {
  static const std::vector<KafkaPropertyRule> all = make_rules();
  return all;
}

const KafkaPropertyRule* find_kafka_property(std::string_view name) {
  for (const auto& rule : kafka_property_rules())
    if (rule.name == name) return &rule;
  return nullptr;
}

Status check_kafka_property(std::string_view name, const Property& property) {
  const auto* rule = find_kafka_property(name);
  if (rule == nullptr) return refuse_name(name);
  if (property.is_secret) {
    if (rule->choices.empty() && rule->range.second == 0) return {};
    return wrong("needs no secret", "write the value itself");
  }
  if (rule->is_secret) {
    return wrong("a secret must not stand in a job file",
                 "write `" + rule->name +
                     ": {secret: NAME}`, and the secret into the file NAME of "
                     "the secrets folder");
  }
  return check_text(*rule, property.text);
}

Status check_kafka_properties(const Properties& properties) {
  const auto protocol = properties.find("security.protocol");
  const bool uses_sasl =
      protocol != properties.end() && lower_case(protocol->second.text).starts_with("sasl");
  // The library's own default is Kerberos, which runs a command.
  if (uses_sasl && !properties.contains("sasl.mechanism")) {
    return wrong("`security.protocol: " + protocol->second.text + "` needs `sasl.mechanism`",
                 "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  }
  if (!uses_sasl && properties.contains("sasl.mechanism")) {
    return wrong("`sasl.mechanism` has no effect here",
                 "it needs `security.protocol: sasl_ssl` or `sasl_plaintext`");
  }
  return {};
}

}  // namespace millrace
