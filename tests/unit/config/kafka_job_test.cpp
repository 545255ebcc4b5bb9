#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "common/config/kafka_properties.hpp"
#include "common/config/timestamp.hpp"

using namespace millrace;

namespace {

// A job of the keys of `source.kafka` in `rest`, each on the third line.
std::string job(const std::string& rest,
                const std::string& where = "brokers: \"b:9092\", topic: t") {
  return "version: 1\nname: clicks\nsource: {kind: kafka, kafka: {" + where +
         (rest.empty() ? "" : ", ") + rest + "}}\nschema: {label: y}\n";
}

CheckedJob check(const std::string& text) {
  return check_job(text, "job.yaml");
}

void expect_one(const std::string& text, const std::string& key, const std::string& words,
                int line = 3) {
  const auto checked = check(text);
  BOOST_TEST_CONTEXT(text << checked.status().message()) {
    BOOST_REQUIRE(checked.problems.size() == 1u);
    const auto& problem = checked.problems[0];
    BOOST_TEST(problem.key == "source.kafka." + key);
    BOOST_TEST(problem.line == line);
    BOOST_TEST((problem.message + "; " + problem.hint).find(words) != std::string::npos,
               problem.message << "; " << problem.hint);
  }
}

constexpr const char* kWhole = R"(version: 1
name: clicks
source:
  kind: kafka
  max_records_per_second: 1000
  csv: {delimiter: ";"}
  kafka:
    brokers: "broker-1:9092,[::1]:9093"
    topic: clicks.v1
    start: timestamp
    start_timestamp: 2026-01-31T08:00:00Z
    until: latest
    columns: [size, speed]
    label_from: key
    timestamp_field: at
    header_fields: [place, device]
    linger: 250ms
    group: lag
    commit_offsets: true
    properties:
      security.protocol: SASL_SSL
      sasl.mechanism: SCRAM-SHA-512
      sasl.username: me
      sasl.password: {secret: kafka-password}
      fetch.wait.max.ms: 100
schema: {label: fast}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(common_config_kafka_job)

BOOST_AUTO_TEST_CASE(every_key_is_read_and_a_printed_job_parses_back_to_an_equal_one) {
  const auto checked = check(kWhole);
  BOOST_REQUIRE_MESSAGE(checked.is_valid(), checked.status().message());
  const auto& kafka = checked.spec.source.kafka;
  BOOST_TEST(kafka.brokers == "broker-1:9092,[::1]:9093");
  BOOST_TEST((kafka.start == KafkaStart::timestamp));
  BOOST_TEST((kafka.until == KafkaUntil::latest));
  BOOST_TEST((kafka.label_from == KafkaPart::key));
  BOOST_TEST(kafka.header_fields.size() == 2u);
  BOOST_TEST((kafka.linger == std::chrono::milliseconds{250}));
  BOOST_TEST(kafka.properties.size() == 5u);
  BOOST_TEST(kafka.properties.at("sasl.password").is_secret);
  BOOST_TEST(kafka.properties.at("sasl.password").text == "kafka-password");
  BOOST_TEST(kafka.properties.at("fetch.wait.max.ms").text == "100");
  const auto printed = print_job(checked.spec);
  const auto again = check(printed);
  BOOST_REQUIRE_MESSAGE(again.is_valid(), printed << again.status().message());
  BOOST_TEST((again.spec == checked.spec), printed);
}

BOOST_AUTO_TEST_CASE(brokers_and_topic_are_required_and_looked_at) {
  expect_one(job("", "topic: t"), "brokers", "is required");
  expect_one(job("", "brokers: b"), "topic", "is required");
  for (const std::string bad : {"b:0", "b:65536", "b:x", "a,,b", "PLAINTEXT://b:9092",
                                "me:secret@b:9092", "b c", "[::1", "[x]:9092"})
    expect_one(job("", "brokers: \"" + bad + "\", topic: t"), "brokers", "is no host:port");
  for (const std::string good : {"b", "b:65535", "10.0.0.1:1,b-2.example:9092", "[::1]"})
    BOOST_TEST(check(job("", "brokers: \"" + good + "\", topic: t")).is_valid());
  for (const std::string bad : {"a b", "..", "^clicks.*", "a/b"})
    expect_one(job("", "brokers: b, topic: \"" + bad + "\""), "topic", "cannot be the name");
  expect_one(job("", "brokers: b, topic: " + std::string(250, 'x')), "topic", "at most 249");
  BOOST_TEST(check(job("", "brokers: b, topic: " + std::string(249, 'x'))).is_valid());
}

BOOST_AUTO_TEST_CASE(where_a_job_begins_needs_what_belongs_to_it_and_nothing_else) {
  expect_one(job("start: newest"), "start", "known: earliest, latest, timestamp, offsets");
  expect_one(job("start: timestamp"), "start_timestamp", "is required for `start: timestamp`");
  expect_one(job("start: timestamp, start_timestamp: yesterday"), "start_timestamp", "is no time");
  expect_one(job("start: offsets"), "start_offsets", "is required for `start: offsets`");
  expect_one(job("start_offsets: [1]"), "start_offsets", "needs `source.kafka.start: offsets`");
  expect_one(job("start: offsets, start_offsets: [9223372036854775808]"), "start_offsets",
             "no offset of Kafka");
  expect_one(job("start: latest, until: latest"), "until", "nothing to read");
  BOOST_TEST(check(job("start: offsets, start_offsets: [0, 9223372036854775807]")).is_valid());
}

BOOST_AUTO_TEST_CASE(fields_have_one_name_each_wherever_they_come_from) {
  expect_one(job("columns: [a, y, a]"), "columns", "'a' twice");
  expect_one(job("columns: [a, y], header_fields: [a]"), "header_fields", "'a' twice");
  expect_one(job("columns: [a, y], timestamp_field: y"), "timestamp_field", "'y' twice");
  expect_one(job("columns: [a, y], key_field: \"\""), "key_field", "needs a name");
  expect_one(job("columns: [a, y], label_from: key"), "columns", "which the key holds");
  expect_one(job("columns: [a], label_from: key, key_field: k"), "key_field", "the label already");
  BOOST_TEST(check(job("columns: [a], label_from: key")).is_valid());
}

BOOST_AUTO_TEST_CASE(offsets_are_committed_for_a_group_and_only_on_request) {
  expect_one(job("commit_offsets: true"), "group", "is required to commit");
  expect_one(job("group: g"), "group", "needs `commit_offsets: true`");
  BOOST_TEST(check(job("commit_offsets: true, group: g")).is_valid());
}

BOOST_AUTO_TEST_CASE(keys_of_other_sources_are_refused) {
  expect_one("version: 1\nsource: {path: a.csv, kafka: {topic: t}}\nschema: {label: y}\n", "topic",
             "needs `source.kind: kafka`", 2);
  const auto checked = check(
      "version: 1\nsource: {kind: kafka, splits: 3, path: a.csv, kafka: "
      "{brokers: b, topic: t}}\nschema: {label: y}\n");
  BOOST_TEST(checked.problems.size() == 2u);
  expect_one(job("topik: t"), "topik", "did you mean 'topic'?");
}

BOOST_AUTO_TEST_CASE(properties_are_allow_listed_with_a_did_you_mean) {
  const auto with = [](const std::string& properties) {
    return job("properties: {" + properties + "}");
  };
  expect_one(with("fetch.min.byte: 1"), "properties.fetch.min.byte",
             "did you mean 'fetch.min.bytes'?");
  expect_one(with("fetch.min.bytes: 0"), "properties.fetch.min.bytes", "expected 1 to 100000000");
  expect_one(with("fetch.min.bytes: many"), "properties.fetch.min.bytes", "a whole number");
  expect_one(with("security.protocol: tls"), "properties.security.protocol", "unknown value 'tls'");
  expect_one(with("client.id: [a]"), "properties.client.id", "expected a text or {secret: NAME}");
  expect_one(with("client.id: \"a\\0b\""), "properties.client.id", "control character");
  expect_one(job("properties: [a]"), "properties", "expected a map of settings");
  expect_one(with("client.id: a, client.id: b"), "properties.client.id", "is given twice");
  BOOST_TEST(check(with("")).is_valid());
}

BOOST_AUTO_TEST_CASE(what_loads_code_or_weakens_the_check_of_brokers_is_refused_with_the_reason) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"plugin.library.paths", "loads code"},
      {"ssl.engine.location", "loads code"},
      {"ssl.providers", "loads code"},
      {"sasl.kerberos.kinit.cmd", "runs a command"},
      {"sasl.kerberos.principal", "runs a command"},
      {"enable.ssl.certificate.verification", "any broker"},
      {"ssl.endpoint.identification.algorithm", "any broker"},
      {"ssl.key.location", "any file"},
      {"group.id", "source.kafka.group"},
      {"bootstrap.servers", "source.kafka.brokers"},
      {"auto.offset.reset", "source.kafka.start"},
      {"queued.max.messages.kbytes", "limits"},
      {"test.mock.num.brokers", "tests"},
      {"debug", "not among the settings"},
  };
  for (const auto& [name, why] : refused)
    expect_one(job("properties: {" + name + ": x}"), "properties." + name, why);
  // The mechanism that is the library's own default runs a command as well.
  expect_one(job("properties: {security.protocol: sasl_ssl}"), "properties",
             "needs `sasl.mechanism`");
  expect_one(job("properties: {security.protocol: sasl_ssl, sasl.mechanism: GSSAPI}"),
             "properties.sasl.mechanism", "unknown value 'GSSAPI'");
  expect_one(job("properties: {sasl.mechanism: PLAIN}"), "properties", "has no effect here");
  for (const auto& rule : kafka_property_rules())
    for (const char* word : {"plugin", "engine", "provider", "kerberos", "location", "cmd"})
      BOOST_TEST((rule.name == "ssl.ca.location" || rule.name.find(word) == std::string::npos));
}

BOOST_AUTO_TEST_CASE(secrets_never_stand_in_a_job_file_and_are_never_repeated) {
  for (const std::string name : {"sasl.password", "ssl.key.pem", "ssl.key.password"}) {
    const auto text = job("properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, " +
                          name + ": c4n4ry}");
    expect_one(text, "properties." + name, "{secret: NAME}");
    BOOST_TEST(check(text).status().message().find("c4n4ry") == std::string::npos);
  }
  expect_one(job("properties: {fetch.min.bytes: {secret: x}}"), "properties.fetch.min.bytes",
             "needs no secret");
}

BOOST_AUTO_TEST_CASE(overrides_reach_settings_whose_names_hold_dots) {
  const std::vector<std::string> overrides = {"source.kafka.properties.fetch.min.bytes=7",
                                              "source.kafka.topic=other"};
  const auto checked = check_job(job("properties: {client.id: me}"), "job.yaml", overrides);
  BOOST_REQUIRE_MESSAGE(checked.is_valid(), checked.status().message());
  BOOST_TEST(checked.spec.source.kafka.topic == "other");
  BOOST_TEST(checked.spec.source.kafka.properties.at("fetch.min.bytes").text == "7");
  BOOST_TEST(checked.spec.source.kafka.properties.at("client.id").text == "me");
  const std::vector<std::string> wrong = {"source.kafka.properties.fetch.min.byts=7"};
  BOOST_TEST(!check_job(job(""), "job.yaml", wrong).is_valid());
}

BOOST_AUTO_TEST_CASE(brokers_and_settings_may_change_and_what_is_read_may_not) {
  const auto spec = check(job("")).spec;
  const auto moved =
      compare_jobs(spec, check(job("properties: {client.id: me}", "brokers: c, topic: t")).spec);
  BOOST_TEST(moved.fixed.empty());
  BOOST_TEST(moved.adjustable.size() == 2u);
  for (const std::string rest : {"start: latest", "until: latest", "columns: [a, y]",
                                 "label_from: key", "header_fields: [h]"})
    BOOST_TEST(compare_jobs(spec, check(job(rest)).spec).fixed.size() == 1u, rest);
}

BOOST_AUTO_TEST_CASE(documentation_and_schema_list_every_setting) {
  const auto text = job_file_reference();
  const auto schema = nlohmann::json::parse(job_file_json_schema());
  const auto& settings =
      schema["properties"]["source"]["properties"]["kafka"]["properties"]["properties"];
  BOOST_TEST(settings["additionalProperties"] == false);
  for (const auto& rule : kafka_property_rules()) {
    BOOST_TEST_CONTEXT(rule.name) {
      BOOST_TEST(text.find(rule.name + ": " + rule.help.substr(0, 10)) != std::string::npos);
      BOOST_TEST(settings["properties"].contains(rule.name));
    }
  }
  BOOST_TEST(settings["properties"]["sasl.password"]["required"][0] == "secret");
}

BOOST_AUTO_TEST_CASE(times_are_milliseconds_or_iso_8601_in_utc) {
  const std::vector<std::pair<const char*, std::int64_t>> good = {
      {"0", 0},
      {"1700000000123", 1'700'000'000'123},
      {"1970-01-01", 0},
      {"2026-01-31T08:00Z", 1'769'846'400'000},
      {"2026-01-31T08:00:00Z", 1'769'846'400'000},
      {"2024-02-29T23:59:59.999Z", 1'709'251'199'999}};
  for (const auto& [text, expected] : good)
    BOOST_TEST(parse_timestamp_ms(text).value_or(-1) == expected, text);
  for (const char* bad : {"", "-1", "1.5", "2026-02-30", "2026-1-31", "2026-01-31T08:00:00",
                          "2026-01-31T24:00Z", "2026-01-31T08:00:00+01:00", "2026-01-31Z",
                          "1969-12-31", "2026-01-31T08:00:00.1Z", "99999999999999999999"})
    BOOST_TEST(!parse_timestamp_ms(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(dead_letters_go_to_another_topic_than_the_one_read) {
  BOOST_TEST(check(job("dead_letter: broken")).problems.empty());
  expect_one(job("dead_letter: t"), "dead_letter", "would come back");
  expect_one(job("dead_letter: \"not a topic\""), "dead_letter", "cannot be the name");
  expect_one(job("dead_leter: broken"), "dead_leter", "dead_letter");
}

BOOST_AUTO_TEST_CASE(a_sink_names_its_cluster_and_topic) {
  const std::string head = "version: 1\nname: clicks\nsource: {path: a.csv}\nschema: {label: y}\n";
  const auto problem_of = [&](const std::string& sinks) {
    const auto checked = check(head + sinks);
    return checked.problems.size() == 1 ? checked.problems[0] : JobProblem{};
  };
  const std::string good = "sinks: {predictions: {kind: kafka, brokers: \"b:9092\", topic: out";
  BOOST_TEST(check(head + good + "}}\n").problems.empty());
  const auto spec = check(head + good + ", properties: {security.protocol: ssl}}}\n").spec;
  BOOST_REQUIRE(spec.predictions.has_value());
  BOOST_TEST(spec.predictions->topic == "out");
  BOOST_TEST((check(print_job(spec)).spec.predictions == spec.predictions));
  BOOST_TEST(has_sinks(spec));

  BOOST_TEST(check(head + "sinks: {predictions: {}}\n").problems.size() == 2u);
  BOOST_TEST(problem_of("sinks: {predictions: {brokers: \"b:9092\"}}\n").key ==
             "sinks.predictions.topic");
  BOOST_TEST(problem_of(good + ", properties: {isolation.level: read_committed}}}\n").key ==
             "sinks.predictions.properties.isolation.level");
  BOOST_TEST(problem_of("sinks: {prediction: {topic: out}}\n").hint.find("predictions") !=
             std::string::npos);
  const auto alerts = problem_of("sinks: {alerts: {topic: out}}\n");
  BOOST_TEST(alerts.message.find("not supported") != std::string::npos, alerts.message);
  const auto loop = check(job("") + good + "}}\n");
  BOOST_TEST(loop.problems.empty());
  const auto itself = check(job("") + "sinks: {predictions: {brokers: \"b:9092\", topic: t}}\n");
  BOOST_TEST(itself.problems.size() == 1u);
}

BOOST_AUTO_TEST_CASE(behind_another_topic_there_is_no_mark_so_the_state_is_lost) {
  const auto with = [](const std::string& topic, const std::string& brokers) {
    return check(job("") + "sinks: {predictions: {brokers: \"" + brokers + "\", topic: " + topic +
                 "}}\n")
        .spec;
  };
  const auto moved = compare_jobs(with("a", "b:9092"), with("a", "c:9092"));
  BOOST_TEST(moved.fixed.empty());
  BOOST_TEST(moved.adjustable.size() == 1u);
  BOOST_TEST(compare_jobs(with("a", "b:9092"), with("b", "b:9092")).fixed.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
