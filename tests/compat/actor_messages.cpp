#include "tests/compat/actor_messages.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/digest.hpp"
#include "common/config/job_file.hpp"
#include "common/data/job_defaults.hpp"

namespace millrace::test {
namespace {

const char* const kJob = R"(version: 1
name: example
source: {kind: generator, generator: {name: sea, records: 300}}
schema: {label: label}
preprocess: [{standardize: {}}]
model: {kind: logistic}
optimizer: {kind: sgd, learning_rate: 0.5}
training: {mode: online, batch_size: 16}
merge: {mode: async_average, every: 4, max_staleness: 8}
parallelism: 2
seed: 5
)";

Schema example_schema() {
  Schema schema;
  schema.task = Task::binary;
  schema.fields = {
      {.name = "x", .role = FieldRole::numeric, .index = 0, .pivot = 1.5, .evidence = "numbers"},
      {.name = "label", .role = FieldRole::label, .index = 0, .pivot = 0.0, .evidence = "asked"}};
  schema.classes = {"0", "1"};
  schema.max_classes = 2;
  return schema;
}

RecordSums sums(std::uint32_t split, std::uint64_t count) {
  RecordSums made;
  for (std::uint64_t i = 0; i < count; ++i) made.add(SplitId(split), Offset(i));
  return made;
}

SplitProgress progress(std::uint32_t split, std::uint64_t offset, bool is_finished = false) {
  return {SplitId(split), Offset(offset), sums(split, offset), is_finished};
}

ShardLedger example_ledger() {
  ShardLedger ledger;
  Fingerprint records;
  records.add(SplitId(0), sums(0, 4));
  records.add(SplitId(2), sums(2, 3));
  ledger.add(ReplicaId(1), Round(3), 0.5, records);
  return ledger;
}

PartDescriptor example_part(std::uint32_t worker) {
  PartDescriptor part;
  part.worker = WorkerId(worker);
  part.files.push_back(
      {"parts/cut-0000000007.attempt-3.worker-" + std::to_string(worker) + ".session.000012.sst",
       4'096, 0xDEADBEEF, sha256_hex(as_bytes("part"))});
  return part;
}

std::shared_ptr<const Bytes> blob(std::string_view text) {
  const auto bytes = as_bytes(text);
  return std::make_shared<const Bytes>(bytes.begin(), bytes.end());
}

Gradient gradient(float first, std::vector<std::uint32_t> rows) {
  Gradient made;
  for (int i = 0; i < 5; ++i) made.dense.push_back(first + 0.25f * static_cast<float>(i));
  for (std::size_t i = 0; i < 4; ++i) made.row_values.push_back(first - static_cast<float>(i));
  made.rows = std::move(rows);
  return made;
}

template <typename Message>
GoldenFrame golden(const std::string& name, const Message& message, bool is_canonical = true) {
  auto frame = encode_message(message);
  BOOST_REQUIRE_MESSAGE(frame.is_ok(), frame.status().message());
  const auto pass = [](ByteView bytes) -> Result<Bytes> {
    MILLRACE_ASSIGN(const Message decoded, decode_message<Message>(bytes));
    MILLRACE_ASSIGN(const Frame encoded, encode_message(decoded));
    return encoded.join();
  };
  Bytes bytes = frame.value().join();
  const auto format = std::to_string(std::to_integer<int>(bytes.at(0)));
  return {"v" + format + "/actors/" + name + ".bin", std::move(bytes), pass, is_canonical};
}

}  // namespace

JobPackagePtr example_package() {
  auto package = std::make_shared<JobPackage>();
  auto spec = parse_job(kJob, "job.yaml", {});
  BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
  package->spec = std::move(spec).value();
  package->schema = example_schema();
  const auto resolved = resolve_defaults(package->spec, package->schema, MergeReach::one_process);
  BOOST_REQUIRE_MESSAGE(resolved.is_ok(), resolved.message());
  package->base_folder = "/data";
  package->shards = 2;
  for (std::uint32_t i = 0; i < 3; ++i) {
    package->splits.push_back({SplitId(i), "", Offset(i * 100), Offset(i * 100 + 100)});
  }
  package->split_plan = *blob("plan");
  package->fingerprint = "0123456789abcdef";
  return package;
}

order::StartAttempt example_start() {
  order::StartAttempt start;
  start.attempt = Attempt(3);
  start.job = example_package();
  start.store_url = "file:///store";
  start.replicas = {{ReplicaId(0), {progress(0, 4), progress(1, 0)}}, {ReplicaId(1), {}}};
  start.shards = {ShardId(1)};
  auto restored = std::make_shared<order::RestorePlan>();
  restored->cut = CutId(7);
  restored->parts = {example_part(11), example_part(12)};
  restored->replicas = {WorkerId(11), WorkerId(12)};
  restored->shards = {WorkerId(12), WorkerId(11)};
  restored->ledger = example_ledger();
  start.restored = std::move(restored);
  start.term = Term(4);
  start.peers = {{WorkerId(12), {"worker-2.example", 4710}}};
  return start;
}

RunningPart example_part_running() {
  return {Attempt(3), {ReplicaId(0), ReplicaId(1)}, {ShardId(1)}, CutId(8), CutId(7)};
}

WorkerOutline example_outline() {
  WorkerOutline outline;
  outline.id = WorkerId(11);
  outline.name = "worker-1";
  outline.roles = {true, false, true};
  outline.slots = 4;
  outline.memory_bytes = std::uint64_t{8} << 30;
  outline.labels = {{"zone", "a"}, {"disk", ""}};
  outline.address = {"10.0.0.7", 4710};
  outline.predictions = "tcp://10.0.0.7:4711";
  outline.version = "0.1.0";
  return outline;
}

std::vector<GoldenFrame> host_frames() {
  const security::NodeProof proof{"-----BEGIN CERTIFICATE-----", *blob("signature")};
  const Status status(Code::permission_denied, "no member", "make keys");
  const auto nonce = *blob("0123456789abcdef0123456789abcdef");
  const std::vector<AliasMove> moves = {{"production", VersionId(7), 3}};
  return {
      golden("ask_to_join", AskToJoin{WorkerId(11), nonce, {}}),
      golden("join_challenge", JoinChallenge{nonce, proof}),
      golden("join_cluster",
             JoinCluster{example_outline(),
                         proof,
                         {{"example", Term(4), example_part_running(), {}}, {"other", {}, {}, {}}},
                         {}}),
      golden("welcome", Welcome{WorkerId(11), "coordinator", "0.1.0"}),
      golden("join_refused", JoinRefused{WorkerId(11), status}),
      golden("open_job", OpenJob{"example", Term(4)}),
      golden("close_job", CloseJob{"example", Term(4)}),
      golden("prepare_job", PrepareJob{9, example_package()->spec, "/data", example_package()},
             false),
      golden("serve_version",
             ServeVersion{"example", "file:///store", "models/7", "0a1b", VersionId(7), moves}),
      golden("drain", Drain{true}),
      golden("released", Released{WorkerId(11)}),
      golden("job_opened", JobOpened{WorkerId(11), "example", Term(4), status, {}}),
      golden("job_prepared",
             JobPrepared{WorkerId(11), 9, {}, example_package(), true, {"x: numbers"}, {"few"}},
             false),
      golden("serving_news", ServingNews{WorkerId(11), "example", VersionId(7), {}, moves}),
      golden("leave_cluster", LeaveCluster{WorkerId(11), "it was told to stop"}),
      golden("volume_offered", VolumeOffered{WorkerId(11), {}}),
  };
}

std::vector<GoldenFrame> volume_frames() {
  const Status status(Code::resource_exhausted, "no room", "make room");
  const auto bytes = *blob("a piece");
  const auto ask = [](auto what) { return VolumeRequest{"example", std::move(what)}; };
  const auto tell = [](auto what) { return VolumeReply{{}, 65'536, std::move(what)}; };
  return {
      golden("volume_put",
             ask(volume::PutChunk{"parts/a", 0x0123456789ABCDEF, 2, 100, 7, bytes, 0xDEADBEEF})),
      golden("volume_get", ask(volume::GetRange{"models/7", 65'536, 65'536})),
      golden("volume_list", ask(volume::ListNames{"log/", "log/3"})),
      golden("volume_remove", ask(volume::RemoveObject{"parts/a"})),
      golden("volume_put_news", tell(volume::PutNews{volume::PutState::existed, 100})),
      golden("volume_range", tell(volume::Range{100, bytes})),
      golden("volume_names", tell(volume::Names{{"log/1", "log/2"}, false})),
      golden("volume_removed", tell(volume::Removed{})),
      golden("volume_refusal", VolumeReply{status, 0, {}}),
  };
}

WorkerReport example_report(decltype(WorkerReport::what) what) {
  return {WorkerId(11), Attempt(3), std::move(what)};
}

std::shared_ptr<ParameterPush> example_push() {
  auto push = std::make_shared<ParameterPush>();
  push->kind = PushKind::delta;
  push->layout_id = 0x0123456789ABCDEF;
  push->rate_scale = 1.5;
  push->vectors = {gradient(0.5f, {2, 9}), gradient(-3.0f, {})};
  push->scalars = {1.0, -0.125};
  push->statistics = {4.0, 8.5, 1e300};
  push->proposals = {{0, "yes"}, {1, "Genève"}};
  return push;
}

std::shared_ptr<ParameterView> example_view() {
  auto view = std::make_shared<ParameterView>();
  view->vectors = {gradient(1.0f, {0, 4'000'000'000}), gradient(2.0f, {})};
  view->scalars = {3.0};
  view->statistics = {0.5, 0.25};
  view->dictionary = std::make_shared<const std::vector<DictionaryEntry>>(
      std::vector<DictionaryEntry>{{0, "no"}, {0, "yes"}, {1, ""}});
  return view;
}

Entry example_entry() {
  Entry entry;
  entry.attempt = Attempt(3);
  entry.replica = ReplicaId(1);
  entry.shard = ShardId(2);
  entry.sequence = Sequence(44);
  entry.round = Round(12);
  entry.records = 7;
  entry.weight = 0.375;
  entry.participation = Participation::idle;
  entry.fingerprint = example_ledger().records;
  entry.payload = example_push();
  return entry;
}

Entry example_rounded_entry() {
  Entry entry = example_entry();
  auto push = example_push();
  push->precision = Precision::bfloat16;
  entry.payload = std::move(push);
  return entry;
}

Answer example_answer() {
  Answer answer;
  answer.attempt = Attempt(3);
  answer.replica = ReplicaId(1);
  answer.shard = ShardId(2);
  answer.sequence = Sequence(44);
  answer.slowest_active_round = Round(10);
  answer.recent_share = 0.25;
  answer.passed = CutId(6);
  answer.values = example_view();
  return answer;
}

Chunk example_chunk() {
  Chunk chunk;
  chunk.origin = WorkerId(11);
  chunk.transfer = 5;
  chunk.kind = BulkKind::answer;
  chunk.attempt = Attempt(3);
  chunk.bytes = (2u << 20) + 40;
  chunk.piece_bytes = 1u << 20;
  chunk.index = 2;
  chunk.frame = std::make_shared<const Frame>(Frame{Bytes(50, std::byte{0x5A}), {}, {}});
  chunk.begin = 10;
  chunk.size = 40;
  return chunk;
}

std::vector<GoldenFrame> golden_frames() {
  Entry barrier = example_entry();
  barrier.kind = EntryKind::barrier;
  barrier.cut = CutId(8);
  barrier.payload = nullptr;
  Answer ordering = example_answer();
  ordering.cut_order = CutOrder{CutId(8), Round(13)};
  ordering.values = nullptr;
  const DecodeCounters totals{10, 7, 2, 1};
  const Status status(Code::io_error, "the disk is gone", "bring it back");
  const auto reported = [](const char* name, decltype(WorkerReport::what) what) {
    return golden(name, example_report(std::move(what)));
  };
  std::vector<GoldenFrame> frames = {
      golden("start_attempt", example_start(), false),
      golden("stop_attempt", order::StopAttempt{Attempt(3), Term(4)}),
      golden("trigger_cut", order::TriggerCut{Attempt(3), CutId(8), Term(4)}),
      golden("abort_cut", order::AbortCut{Attempt(3), CutId(8), Term(4)}),
      golden("send_shards", order::SendShards{Attempt(3), CutId(8), Term(4)}),
      golden("release_outputs", order::ReleaseOutputs{Attempt(3), CutId(8), Term(4)}),
      golden("adopt_attempt", AdoptAttempt{Term(4), Attempt(3), {}, CutId(7), CutId(9)}),
      golden("register_worker", RegisterWorker{WorkerId(11), {}, example_part_running()}),
      golden("worker_tick", WorkerTick{WorkerId(11), 900}),
      reported("report_attempt_started", report::AttemptStarted{}),
      reported("report_replica_cut", report::ReplicaCut{CutId(8),
                                                        ReplicaId(1),
                                                        {progress(0, 4), progress(2, 3, true)},
                                                        totals,
                                                        blob("figures"),
                                                        true}),
      reported("report_shard_cut", report::ShardCut{CutId(8), ShardId(1), example_ledger()}),
      reported("report_part_durable", report::PartDurable{CutId(8), example_part(11)}),
      reported("report_shard_content", report::ShardContent{CutId(8), ShardId(1), blob("shard")}),
      reported("report_replica_finished", report::ReplicaFinished{ReplicaId(1)}),
      reported("report_replica_progress",
               report::ReplicaProgress{ReplicaId(1), totals, {progress(1, 2)}, nullptr}),
      reported("report_cut_failed", report::CutFailed{CutId(8), status}),
      reported("report_attempt_failed", report::AttemptFailed{status}),
      reported("report_order_refused", report::OrderRefused{Term(5)}),
      reported("report_outputs_released", report::OutputsReleased{ReplicaId(1), CutId(8)}),
      reported("report_cut_wanted", report::CutWanted{}),
      reported("report_warning", report::Warning{"the sink is away"}),
      golden("report_splits_found",
             example_report(report::SplitsFound{
                 {{{SplitId(3), "topic/3", Offset(4), Offset(9)}}, *blob("plan")}}),
             false),
      golden("entry_push", example_entry()),
      golden("entry_rounded", example_rounded_entry()),
      golden("entry_barrier", barrier),
      golden("answer_view", example_answer()),
      golden("answer_cut_order", ordering),
      golden("chunk", example_chunk()),
      golden("chunk_ack", ChunkAck{5, 2, true}),
  };
  for (auto& frame : host_frames()) frames.push_back(std::move(frame));
  for (auto& frame : volume_frames()) frames.push_back(std::move(frame));
  return frames;
}

}  // namespace millrace::test
