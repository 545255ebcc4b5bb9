#include "common/kafka/kafka_producer.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "common/base/limits.hpp"
#include "common/kafka/kafka_connection.hpp"
#include "common/kafka/kafka_settings.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The library goes on with a step that is asked for again, so each call may be short.
constexpr milliseconds kSlice{250};
// Of one step: connecting, finding the coordinator, an election.
constexpr std::chrono::seconds kPatience{15};
constexpr milliseconds kPause{50};
// A transaction whose writer is gone holds up readers for so long, unless the lane is taken over
// first; a writer that is stopped for longer is fenced.
constexpr const char* kTransactionTimeout = "60000";  // ms

struct ErrorDeleter {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using Error = std::unique_ptr<rd_kafka_error_t, ErrorDeleter>;

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

struct GroupDeleter {
  void operator()(rd_kafka_consumer_group_metadata_t* group) const {
    rd_kafka_consumer_group_metadata_destroy(group);
  }
};
using Group = std::unique_ptr<rd_kafka_consumer_group_metadata_t, GroupDeleter>;

struct HeadersDeleter {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using Headers = std::unique_ptr<rd_kafka_headers_t, HeadersDeleter>;

struct HandleDeleter {
  void operator()(rd_kafka_t* kafka) const {
    rd_kafka_destroy_flags(kafka, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
};
using Handle = std::unique_ptr<rd_kafka_t, HandleDeleter>;

Status stopped() {
  return {Code::cancelled, "the writer was told to stop"};
}

// The library would write to stderr by itself.
void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

// An empty text is not null; the library copies it.
void put_text(const std::optional<std::string_view>& text, rd_kafka_vu_t& field) {
  static char nothing[1] = {};
  if (!text) return;
  field.u.mem.ptr = text->empty() ? nothing : const_cast<char*>(text->data());
  field.u.mem.size = text->size();
}

PartitionList place_of_mark(const std::string& topic) {
  PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0);
  return list;
}

}  // namespace

struct KafkaProducer::Connection {
  KafkaProducerOptions options;
  SecretsFolder secrets;
  std::string last_error;
  std::string refusal;  // the first message that was not delivered, and why
  Handle producer;
  bool is_in_transaction = false;

  const std::string& topic() const { return options.sink.topic; }
  std::string where() const { return "topic '" + topic() + "' at " + options.sink.brokers; }
  Result<Handle> make(rd_kafka_type_t type);
  Status fail(rd_kafka_resp_err_t error, const std::string& what, const std::string& reason) const;
};

Result<Handle> KafkaProducer::Connection::make(rd_kafka_type_t type) {
  std::vector<std::pair<std::string, std::string>> settings = {
      {"bootstrap.servers", options.sink.brokers}, {"client.id", "millrace"}};
  const bool is_producer = type == RD_KAFKA_PRODUCER;
  if (is_producer) {
    settings.insert(settings.end(), {{"transactional.id", options.transactional_id},
                                     {"transaction.timeout.ms", kTransactionTimeout},
                                     {"linger.ms", "5"},
                                     {"message.max.bytes", "1000000"},
                                     {"queue.buffering.max.kbytes",
                                      std::to_string(limits::kOutputQueueBytesMax >> 10)}});
  } else {
    // A mark of a transaction that is still open is waited for.
    settings.insert(settings.end(), {{"group.id", options.transactional_id},
                                     {"enable.auto.commit", "false"},
                                     {"isolation.level", "read_committed"}});
  }
  MILLRACE_ASSIGN(KafkaConf conf,
                  make_sink_conf(settings, options.section, options.sink.properties, secrets));
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_log_cb(conf.get(), drop_log);
  rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int code, const char* why, void* opaque) {
    auto& last = static_cast<Connection*>(opaque)->last_error;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || last.empty())
      last = why == nullptr ? "" : why;
  });
  if (is_producer) {
    rd_kafka_conf_set_dr_msg_cb(
        conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
          auto& first = static_cast<Connection*>(opaque)->refusal;
          const bool is_first = message->err != RD_KAFKA_RESP_ERR_NO_ERROR && first.empty();
          if (is_first) first = rd_kafka_err2str(message->err);
        });
  }
  std::array<char, 512> why;
  Handle handle(rd_kafka_new(type, conf.get(), why.data(), why.size()));
  if (handle == nullptr) {
    return Status(Code::invalid_argument, std::string("no Kafka client can be made: ") + why.data(),
                  "check " + options.section + ".properties");
  }
  (void)conf.release();  // the client's now
  return handle;
}

Status KafkaProducer::Connection::fail(rd_kafka_resp_err_t error, const std::string& what,
                                       const std::string& reason) const {
  std::string why = reason.empty() ? rd_kafka_err2str(error) : reason;
  if (!refusal.empty())
    why += " (" + refusal + ")";
  else if (is_passing(error) && !last_error.empty())
    why += " (" + last_error + ")";
  const std::string message = what + " " + where() + ": " + why;
  const std::string check = "check " + options.section + ", and that the brokers run";
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return {Code::permission_denied, message,
              "ask for the right to write to the topic, and for transactional ids and groups that "
              "begin with 'millrace.'"};
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return {Code::invalid_argument, message, "raise max.message.bytes of the topic to 1 MB"};
    default:
      break;
  }
  if (is_unknown_topic(error)) return {Code::not_found, message, "make the topic, or " + check};
  return {is_passing(error) ? Code::unreachable : Code::io_error, message, check};
}

KafkaProducer::KafkaProducer(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

KafkaProducer::~KafkaProducer() {
  if (!connection_->is_in_transaction) return;
  // Readers would wait for it until the brokers give it up.
  const Error ignored(
      rd_kafka_abort_transaction(connection_->producer.get(), static_cast<int>(kSlice.count())));
}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaProducerOptions& options,
                                                           const SecretsFolder& secrets) {
  auto connection = std::make_unique<Connection>();
  connection->options = options;
  connection->secrets = secrets;
  MILLRACE_ASSIGN(connection->producer, connection->make(RD_KAFKA_PRODUCER));
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(connection)));
}

// Calls the library until it answers, meets an error that does not pass, or patience ends.
template <typename Call>
Status KafkaProducer::transact(const char* what, const std::stop_token& stop, Call call) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    const Error error(call(static_cast<int>(kSlice.count())));
    if (error == nullptr) return {};
    rd_kafka_poll(connection_->producer.get(), 0);  // callbacks that say why
    if (stop.stop_requested()) return stopped();
    const bool may_pass = rd_kafka_error_is_retriable(error.get()) != 0 && Clock::now() < deadline;
    if (!may_pass) {
      return connection_->fail(rd_kafka_error_code(error.get()), what,
                               rd_kafka_error_string(error.get()));
    }
    rd_kafka_poll(connection_->producer.get(), static_cast<int>(kPause.count()));
  }
}

Status KafkaProducer::find_topic(const std::stop_token& stop) {
  rd_kafka_t* kafka = connection_->producer.get();
  const auto deadline = Clock::now() + kPatience;
  rd_kafka_topic_t* topic = rd_kafka_topic_new(kafka, connection_->topic().c_str(), nullptr);
  auto error = RD_KAFKA_RESP_ERR__TIMED_OUT;
  while (!stop.stop_requested() && is_passing(error) && Clock::now() < deadline) {
    const rd_kafka_metadata_t* metadata = nullptr;
    error = rd_kafka_metadata(kafka, 0, topic, &metadata, static_cast<int>(kSlice.count()));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (metadata->topic_cnt == 1) error = metadata->topics[0].err;
      rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_poll(kafka,
                  error == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : static_cast<int>(kPause.count()));
  }
  rd_kafka_topic_destroy(topic);
  if (stop.stop_requested()) return stopped();
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return connection_->fail(error, "looking for", "");
}

Result<std::optional<KafkaProducer::Mark>> KafkaProducer::read_mark(const std::stop_token& stop) {
  MILLRACE_ASSIGN(const Handle consumer, connection_->make(RD_KAFKA_CONSUMER));
  const auto deadline = Clock::now() + kPatience;
  const PartitionList list = place_of_mark(connection_->topic());
  for (;;) {
    auto error =
        rd_kafka_committed(consumer.get(), list.get(), static_cast<int>(2 * kSlice.count()));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = list->elems[0].err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (stop.stop_requested()) return stopped();
    const bool may_pass = is_passing(error) || error == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    if (!may_pass || Clock::now() >= deadline)
      return connection_->fail(error, "reading the mark of what was written to", "");
    rd_kafka_poll(consumer.get(), static_cast<int>(kPause.count()));
  }
  const auto& found = list->elems[0];
  if (found.offset < 0) return std::optional<Mark>();
  Mark mark;
  mark.number = static_cast<std::uint64_t>(found.offset);
  if (found.metadata != nullptr)
    mark.text.assign(static_cast<const char*>(found.metadata), found.metadata_size);
  return std::optional(std::move(mark));
}

Result<std::optional<KafkaProducer::Mark>> KafkaProducer::take_over(const std::stop_token& stop) {
  MILLRACE_TRY(find_topic(stop));
  MILLRACE_TRY(transact("taking over", stop, [&](int timeout) {
    return rd_kafka_init_transactions(connection_->producer.get(), timeout);
  }));
  return read_mark(stop);
}

Status KafkaProducer::begin() {
  connection_->refusal.clear();
  const Error error(rd_kafka_begin_transaction(connection_->producer.get()));
  if (error != nullptr) {
    return connection_->fail(rd_kafka_error_code(error.get()), "beginning to write to",
                             rd_kafka_error_string(error.get()));
  }
  connection_->is_in_transaction = true;
  return {};
}

Status KafkaProducer::produce(std::optional<std::string_view> key,
                              std::optional<std::string_view> value,
                              std::span<const Header> headers, const std::stop_token& stop) {
  rd_kafka_t* kafka = connection_->producer.get();
  std::array<rd_kafka_vu_t, 5> fields{};
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = connection_->topic().c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[1].u.i = RD_KAFKA_MSG_F_COPY;
  fields[2].vtype = RD_KAFKA_VTYPE_KEY;
  put_text(key, fields[2]);
  fields[3].vtype = RD_KAFKA_VTYPE_VALUE;
  put_text(value, fields[3]);
  std::size_t count = 4;
  Headers copied;
  if (!headers.empty()) {
    copied.reset(rd_kafka_headers_new(headers.size()));
    for (const auto& [name, text] : headers)
      (void)rd_kafka_header_add(copied.get(), name.data(), static_cast<ssize_t>(name.size()),
                                text.data(), static_cast<ssize_t>(text.size()));
    fields[count].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[count++].u.headers = copied.get();
  }
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    const Error error(rd_kafka_produceva(kafka, fields.data(), count));
    if (error == nullptr) {
      (void)copied.release();  // the message's now
      return {};
    }
    if (stop.stop_requested()) return stopped();
    const auto code = rd_kafka_error_code(error.get());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || Clock::now() >= deadline)
      return connection_->fail(code, "writing to", rd_kafka_error_string(error.get()));
    rd_kafka_poll(kafka, static_cast<int>(kPause.count()));
  }
}

Status KafkaProducer::commit(const Mark& mark, const std::stop_token& stop) {
  const PartitionList list = place_of_mark(connection_->topic());
  auto& place = list->elems[0];
  place.offset = static_cast<std::int64_t>(mark.number);
  // The list frees it.
  place.metadata = strdup(mark.text.c_str());
  place.metadata_size = mark.text.size();
  rd_kafka_t* kafka = connection_->producer.get();
  const Group group(
      rd_kafka_consumer_group_metadata_new(connection_->options.transactional_id.c_str()));
  MILLRACE_TRY(transact("marking what was written to", stop, [&](int timeout) {
    return rd_kafka_send_offsets_to_transaction(kafka, list.get(), group.get(), timeout);
  }));
  MILLRACE_TRY(transact("writing to", stop,
                        [&](int timeout) { return rd_kafka_commit_transaction(kafka, timeout); }));
  connection_->is_in_transaction = false;
  return {};
}

}  // namespace millrace
