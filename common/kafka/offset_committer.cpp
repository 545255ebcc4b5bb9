#include "common/kafka/offset_committer.hpp"

#include <utility>

namespace millrace {
namespace {

// Nobody waits for a commit but the end of the run.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

Result<std::unique_ptr<OffsetCommitter>> OffsetCommitter::open(const SourceSpec& source,
                                                               const SecretsFolder& secrets,
                                                               Warn warn) {
  if (source.kind != SourceKind::kafka || !source.kafka.commit_offsets)
    return std::unique_ptr<OffsetCommitter>();
  KafkaClientOptions options;
  options.patience = kPatience;
  options.commits = true;
  MILLRACE_ASSIGN(auto client, KafkaClient::open(source.kafka, secrets, options));
  return std::unique_ptr<OffsetCommitter>(new OffsetCommitter(std::move(client), std::move(warn)));
}

OffsetCommitter::OffsetCommitter(std::shared_ptr<KafkaClient> client, Warn warn)
    : client_(std::move(client)),
      warn_(std::move(warn)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

OffsetCommitter::~OffsetCommitter() = default;  // the thread is told to stop, and joined

void OffsetCommitter::commit(std::vector<KafkaClient::Position> positions) {
  {
    const std::lock_guard lock(mutex_);
    waiting_ = std::move(positions);
  }
  changed_.notify_one();
}

void OffsetCommitter::run(const std::stop_token& stop) {
  bool has_failed = false;
  for (;;) {
    std::vector<KafkaClient::Position> positions;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [&] { return waiting_.has_value(); });
      if (!waiting_) return;  // told to stop, and nothing is left
      positions = *std::exchange(waiting_, std::nullopt);
    }
    const auto status = client_->commit(positions);
    if (!status.is_ok() && !has_failed && warn_)
      warn_("the brokers do not learn how far the job is: " + status.message());
    has_failed = !status.is_ok();
  }
}

}  // namespace millrace
