#include "common/actors/codec.hpp"

#include <algorithm>

#include "common/actors/codec_template.hpp"
#include "common/actors/interfaces.hpp"
#include "common/base/limits.hpp"

namespace millrace {
template <>
inline constexpr const char* kMessageName<order::StartAttempt> = "an order to start an attempt";
template <>
inline constexpr const char* kMessageName<order::StopAttempt> = "an order to stop an attempt";
template <>
inline constexpr const char* kMessageName<order::TriggerCut> = "an order to take a cut";
template <>
inline constexpr const char* kMessageName<order::AbortCut> = "an order to abort a cut";
template <>
inline constexpr const char* kMessageName<order::SendShards> = "an order to send shards";
template <>
inline constexpr const char* kMessageName<order::ReleaseOutputs> = "an order to release outputs";
template <>
inline constexpr const char* kMessageName<WorkerReport> = "a worker's report";
template <>
inline constexpr const char* kMessageName<WorkerTick> = "a worker's tick";
template <>
inline constexpr const char* kMessageName<RegisterWorker> = "a worker's registration";
template <>
inline constexpr const char* kMessageName<AdoptAttempt> = "an order to adopt an attempt";

// Since format 2 orders carry a term, a start names peers, and a registration what runs.
template <>
inline constexpr std::uint16_t kMessageFormat<order::StartAttempt> = 2;
template <>
inline constexpr std::uint16_t kMessageFormat<order::StopAttempt> = 2;
template <>
inline constexpr std::uint16_t kMessageFormat<order::TriggerCut> = 2;
template <>
inline constexpr std::uint16_t kMessageFormat<order::AbortCut> = 2;
template <>
inline constexpr std::uint16_t kMessageFormat<order::SendShards> = 2;
template <>
inline constexpr std::uint16_t kMessageFormat<RegisterWorker> = 2;

namespace {

// The two directions of a field that is no plain sum of others.
void convert(FieldWriter& f, PartDescriptor& part) {
  Bytes bytes = encode_part(part);
  f(BlobField{bytes, limits::kPartBytesMax, "bytes of a part"});
}
void convert(FieldReader& f, PartDescriptor& part) {
  Bytes bytes;
  f(BlobField{bytes, limits::kPartBytesMax, "bytes of a part"});
  if (!f.reader().is_ok()) return;
  auto decoded = decode_part(bytes);
  if (!decoded.is_ok()) return f.reader().fail(decoded.status());
  part = std::move(decoded).value();
}
void convert(FieldWriter& f, JobPackagePtr& job) {
  Bytes bytes = job->encode();
  f(BlobField{bytes, limits::kPackageBytesMax, "bytes of a job"});
}
void convert(FieldReader& f, JobPackagePtr& job) {
  Bytes bytes;
  f(BlobField{bytes, limits::kPackageBytesMax, "bytes of a job"});
  if (!f.reader().is_ok()) return;
  auto decoded = JobPackage::decode(bytes);
  if (!decoded.is_ok()) return f.reader().fail(decoded.status());
  job = std::make_shared<const JobPackage>(std::move(decoded).value());
}

void convert(FieldWriter& f, JoinedSplits& joined) {
  Bytes bytes = joined.encode();
  f(BlobField{bytes, limits::kPackageBytesMax, "bytes of new splits"});
}
void convert(FieldReader& f, JoinedSplits& joined) {
  Bytes bytes;
  f(BlobField{bytes, limits::kPackageBytesMax, "bytes of new splits"});
  if (!f.reader().is_ok()) return;
  auto decoded = JoinedSplits::decode(bytes);
  if (!decoded.is_ok()) return f.reader().fail(decoded.status());
  joined = std::move(decoded).value();
}

// Whoever executes the order indexes by these numbers.
const char* find_inconsistency(const order::StartAttempt& start) {
  const JobPackage& job = *start.job;
  const auto& restored = *start.restored;
  const bool is_restored = !restored.parts.empty();
  if (job.shards == 0 || job.shards > limits::kShardsMax) return "its job has no shards";
  // The cut may be of another parallelism; what it holds is then shared out anew.
  if (is_restored && restored.replicas.empty()) return "it does not say who stored the replicas";
  if (is_restored && restored.shards.empty()) return "it does not say who stored the shards";
  for (const auto& assignment : start.replicas) {
    if (assignment.replica.value >= job.spec.parallelism) return "it starts an unknown replica";
    for (const auto& position : assignment.splits) {
      if (position.split.value >= job.splits.size()) return "it assigns an unknown split";
    }
  }
  for (const auto shard : start.shards) {
    if (shard.value >= job.shards) return "it starts an unknown shard";
  }
  return nullptr;
}

// An order to start is read before what a later format added to it: peers are checked here.
const char* find_bad_peer(const order::StartAttempt& start) {
  for (const auto& peer : start.peers) {
    if (peer.address.host.empty() || peer.address.port == 0)
      return "it names a peer without address";
  }
  return nullptr;
}

}  // namespace

template <typename F>
static void fields(F& f, PartDescriptor& part) {
  convert(f, part);
}

template <typename F>
static void fields(F& f, DecodeCounters& counters) {
  f(counters.read, counters.records, counters.quarantined, counters.skipped);
}

template <typename F>
static void fields(F& f, ReplicaAssignment& assignment) {
  f(assignment.replica, ListField{assignment.splits, limits::kSplitsMax, "splits of a replica"});
}

template <typename F>
static void fields(F& f, PeerAddress& peer) {
  f(peer.worker, TextField{peer.address.host, limits::kStringBytesMax, "bytes of a host"},
    peer.address.port);
}

template <typename F>
static void fields(F& f, RunningPart& part) {
  f(part.attempt, ListField{part.replicas, limits::kReplicasMax, "replicas"},
    ListField{part.shards, limits::kShardsMax, "shards"}, part.newest_cut, part.restored);
}

namespace order {

template <typename F>
static void fields(F& f, RestorePlan& plan) {
  f(plan.cut, ListField{plan.parts, limits::kWorkersMax, "parts of a cut"},
    ListField{plan.replicas, limits::kReplicasMax, "replicas of a cut"},
    ListField{plan.shards, limits::kShardsMax, "shards of a cut"}, plan.ledger);
}

static void fields(FieldWriter& f, StartAttempt& start) {
  MILLRACE_CHECK(start.job != nullptr && start.restored != nullptr);
  f(start.attempt);
  convert(f, start.job);
  f(start.store_url, ListField{start.replicas, limits::kReplicasMax, "replicas"},
    ListField{start.shards, limits::kShardsMax, "shards"});
  RestorePlan restored = *start.restored;
  f(restored);
}

static void fields(FieldReader& f, StartAttempt& start) {
  f(start.attempt);
  convert(f, start.job);
  f(start.store_url, ListField{start.replicas, limits::kReplicasMax, "replicas"},
    ListField{start.shards, limits::kShardsMax, "shards"});
  auto restored = std::make_shared<RestorePlan>();
  f(*restored);
  start.restored = std::move(restored);
  if (!f.reader().is_ok()) return;
  if (const char* why = find_inconsistency(start)) f.reader().fail(why);
}

template <typename F>
static void fields(F& f, StopAttempt& stop) {
  f(stop.attempt);
}
template <typename F>
static void fields(F& f, TriggerCut& trigger) {
  f(trigger.attempt, trigger.cut);
}
template <typename F>
static void fields(F& f, AbortCut& abort) {
  f(abort.attempt, abort.cut);
}
template <typename F>
static void fields(F& f, SendShards& send) {
  f(send.attempt, send.cut);
}
template <typename F>
static void fields(F& f, ReleaseOutputs& release) {
  f(release.attempt, release.cut, release.term);
}

static void added_fields(FieldWriter& f, StartAttempt& start) {
  f(start.term, ListField{start.peers, limits::kWorkersMax, "peers"});
}
static void added_fields(FieldReader& f, StartAttempt& start) {
  f(start.term, ListField{start.peers, limits::kWorkersMax, "peers"});
  if (!f.reader().is_ok()) return;
  if (const char* why = find_bad_peer(start)) f.reader().fail(why);
}
template <typename F>
static void added_fields(F& f, StopAttempt& stop) {
  f(stop.term);
}
template <typename F>
static void added_fields(F& f, TriggerCut& trigger) {
  f(trigger.term);
}
template <typename F>
static void added_fields(F& f, AbortCut& abort) {
  f(abort.term);
}
template <typename F>
static void added_fields(F& f, SendShards& send) {
  f(send.term);
}

}  // namespace order

namespace report {

template <typename F>
static void fields(F&, AttemptStarted&) {}
template <typename F>
static void fields(F& f, ReplicaCut& report) {
  f(report.cut, report.replica, ListField{report.splits, limits::kSplitsMax, "splits of a replica"},
    report.totals,
    SharedBlobField{report.evaluation, limits::kEvaluationBytesMax, "bytes of an evaluation"},
    report.is_finished);
}
template <typename F>
static void fields(F& f, ShardCut& report) {
  f(report.cut, report.shard, report.ledger);
}
template <typename F>
static void fields(F& f, PartDurable& report) {
  f(report.cut, report.part);
}
template <typename F>
static void fields(F& f, ShardContent& report) {
  f(report.cut, report.shard,
    SharedBlobField{report.state, limits::kMessageBytesMax, "bytes of a shard"});
}
template <typename F>
static void fields(F& f, ReplicaFinished& report) {
  f(report.replica);
}
template <typename F>
static void fields(F& f, ReplicaProgress& report) {
  f(report.replica, report.totals,
    ListField{report.splits, limits::kSplitsMax, "splits of a replica"},
    SharedBlobField{report.evaluation, limits::kEvaluationBytesMax, "bytes of an evaluation"});
}
template <typename F>
static void fields(F& f, CutFailed& report) {
  f(report.cut, report.status);
}
template <typename F>
static void fields(F& f, AttemptFailed& report) {
  f(report.status);
}
template <typename F>
static void fields(F& f, OrderRefused& report) {
  f(report.term);
}
template <typename F>
static void fields(F& f, OutputsReleased& report) {
  f(report.replica, report.cut);
}
template <typename F>
static void fields(F&, CutWanted&) {}
template <typename F>
static void fields(F& f, Warning& report) {
  f(TextField{report.text, limits::kStatusTextBytesMax, "bytes of a warning"});
}
template <typename F>
static void fields(F& f, SplitsFound& report) {
  convert(f, report.joined);
}

}  // namespace report

template <typename F>
static void fields(F& f, WorkerReport& report) {
  f(report.worker, report.attempt, report.what);
}
template <typename F>
static void fields(F& f, WorkerTick& tick) {
  f(tick.worker, tick.count);
}
template <typename F>
static void fields(F& f, RegisterWorker& message) {
  f(message.worker);
}
template <typename F>
static void added_fields(F& f, RegisterWorker& message) {
  f(message.running);
}
template <typename F>
static void fields(F& f, AdoptAttempt& adopt) {
  f(adopt.term, adopt.attempt, adopt.complete, adopt.closed);
}

WorkerReport without_bulk(WorkerReport report) {
  std::shared_ptr<const Bytes> evaluation;
  if (auto* content = std::get_if<report::ShardContent>(&report.what)) {
    content->state = nullptr;
  } else if (const auto* cut = std::get_if<report::ReplicaCut>(&report.what)) {
    evaluation = cut->evaluation;
  } else if (const auto* progress = std::get_if<report::ReplicaProgress>(&report.what)) {
    evaluation = progress->evaluation;
  }
  if (evaluation == nullptr || evaluation->size() <= limits::kEvaluationBytesMax) return report;
  report.what = report::AttemptFailed{Status(
      Code::invalid_argument,
      "the figures of a replica take " + std::to_string(evaluation->size()) +
          " bytes, and a worker can report at most " + std::to_string(limits::kEvaluationBytesMax),
      "make evaluation.window smaller, or parallelism larger")};
  return report;
}

template Result<Frame> encode_message(const order::StartAttempt&);
template Result<Frame> encode_message(const order::StopAttempt&);
template Result<Frame> encode_message(const order::TriggerCut&);
template Result<Frame> encode_message(const order::AbortCut&);
template Result<Frame> encode_message(const order::SendShards&);
template Result<Frame> encode_message(const order::ReleaseOutputs&);
template Result<Frame> encode_message(const WorkerReport&);
template Result<Frame> encode_message(const WorkerTick&);
template Result<Frame> encode_message(const RegisterWorker&);
template Result<Frame> encode_message(const AdoptAttempt&);

template Result<order::StartAttempt> decode_message(ByteView);
template Result<order::StopAttempt> decode_message(ByteView);
template Result<order::TriggerCut> decode_message(ByteView);
template Result<order::AbortCut> decode_message(ByteView);
template Result<order::SendShards> decode_message(ByteView);
template Result<order::ReleaseOutputs> decode_message(ByteView);
template Result<WorkerReport> decode_message(ByteView);
template Result<WorkerTick> decode_message(ByteView);
template Result<RegisterWorker> decode_message(ByteView);
template Result<AdoptAttempt> decode_message(ByteView);

}  // namespace millrace
