// The bytes of host_messages.hpp and host_interfaces.hpp.
#include "common/actors/codec_template.hpp"
#include "common/actors/host_interfaces.hpp"
#include "common/base/limits.hpp"
#include "common/config/job_file.hpp"

namespace millrace {

template <>
inline constexpr const char* kMessageName<AskToJoin> = "a request to join";
template <>
inline constexpr const char* kMessageName<JoinChallenge> = "a challenge";
template <>
inline constexpr const char* kMessageName<JoinCluster> = "a worker that joins";
template <>
inline constexpr const char* kMessageName<Welcome> = "a welcome";
template <>
inline constexpr const char* kMessageName<JoinRefused> = "a refusal";
template <>
inline constexpr const char* kMessageName<OpenJob> = "an order to host a job";
template <>
inline constexpr const char* kMessageName<CloseJob> = "an order to end a job";
template <>
inline constexpr const char* kMessageName<PrepareJob> = "an order to prepare a job";
template <>
inline constexpr const char* kMessageName<ServeVersion> = "an order to serve a version";
template <>
inline constexpr const char* kMessageName<Drain> = "an order to drain";
template <>
inline constexpr const char* kMessageName<Released> = "a release";
template <>
inline constexpr const char* kMessageName<JobOpened> = "news of a hosted job";
template <>
inline constexpr const char* kMessageName<JobPrepared> = "news of a prepared job";
template <>
inline constexpr const char* kMessageName<ServingNews> = "news of a served version";
template <>
inline constexpr const char* kMessageName<LeaveCluster> = "a request to leave";

namespace {

// A job's package, or none.
void package(FieldWriter& f, JobPackagePtr& job) {
  Bytes bytes;
  if (job != nullptr) bytes = job->encode();
  f(BlobField{bytes, limits::kPackageBytesMax, "bytes of a job"});
}
void package(FieldReader& f, JobPackagePtr& job) {
  Bytes bytes;
  f(BlobField{bytes, limits::kPackageBytesMax, "bytes of a job"});
  if (!f.reader().is_ok() || bytes.empty()) return;
  auto decoded = JobPackage::decode(bytes);
  if (!decoded.is_ok()) return f.reader().fail(decoded.status());
  job = std::make_shared<const JobPackage>(std::move(decoded).value());
}

// A job as its file says it: absent parts stay absent.
void job_file(FieldWriter& f, JobSpec& spec) {
  std::string text = print_job(spec);
  f(TextField{text, limits::kJobFileBytesMax, "bytes of a job file"});
}
void job_file(FieldReader& f, JobSpec& spec) {
  std::string text;
  f(TextField{text, limits::kJobFileBytesMax, "bytes of a job file"});
  if (!f.reader().is_ok()) return;
  auto parsed = parse_job(text, "job.yaml");
  if (!parsed.is_ok()) return f.reader().fail("its job file is not valid");
  spec = std::move(parsed).value();
}

template <typename F>
void job_name(F& f, std::string& name) {
  f(TextField{name, limits::kStringBytesMax, "bytes of a job's name"});
}
template <typename F>
void nonce(F& f, Bytes& bytes) {
  f(BlobField{bytes, limits::kNonceBytesMax, "bytes of a challenge"});
}
template <typename F>
void aliases(F& f, std::vector<AliasMove>& moves) {
  f(ListField{moves, limits::kAliasesMax, "aliases"});
}

// Nothing may be said by a worker that has no number.
void check_worker(FieldWriter&, WorkerId) {}
void check_worker(FieldReader& f, WorkerId worker) {
  if (f.reader().is_ok() && worker == WorkerId(0)) f.reader().fail("it is of worker 0");
}

}  // namespace

namespace security {
template <typename F>
static void fields(F& f, NodeProof& proof) {
  f(TextField{proof.certificate, limits::kCertificateBytesMax, "bytes of a certificate"},
    BlobField{proof.signature, limits::kSignatureBytesMax, "bytes of a signature"});
}
}  // namespace security

template <typename F>
static void fields(F& f, WorkerRoles& roles) {
  f(roles.train, roles.parameters, roles.serve);
}
template <typename F>
static void fields(F& f, WorkerLabel& label) {
  f(label.key, label.value);
}
template <typename F>
static void fields(F& f, WorkerOutline& outline) {
  f(outline.id, outline.name, outline.roles, outline.slots, outline.memory_bytes,
    ListField{outline.labels, limits::kLabelsMax, "labels of a worker"}, outline.address.host,
    outline.address.port, outline.predictions, outline.version);
  check_worker(f, outline.id);
}
template <typename F>
static void fields(F& f, RunningPart& part) {
  f(part.attempt, ListField{part.replicas, limits::kReplicasMax, "replicas"},
    ListField{part.shards, limits::kShardsMax, "shards"}, part.newest_cut, part.restored);
}
template <typename F>
static void fields(F& f, HostedJob& hosted) {
  job_name(f, hosted.job);
  f(hosted.term, hosted.running);
}
template <typename F>
static void fields(F& f, AliasMove& move) {
  f(move.alias, move.version, move.revision);
}

template <typename F>
static void fields(F& f, AskToJoin& message) {
  f(message.worker);
  nonce(f, message.nonce);
  check_worker(f, message.worker);
}
template <typename F>
static void fields(F& f, JoinChallenge& message) {
  nonce(f, message.nonce);
  f(message.proof);
}
template <typename F>
static void fields(F& f, JoinCluster& message) {
  f(message.outline, message.proof,
    ListField{message.jobs, limits::kHostedJobsMax, "jobs of a worker"});
}
template <typename F>
static void fields(F& f, Welcome& message) {
  f(message.worker, message.coordinator, message.version);
}
template <typename F>
static void fields(F& f, JoinRefused& message) {
  f(message.worker, message.status);
}
template <typename F>
static void fields(F& f, OpenJob& message) {
  job_name(f, message.job);
  f(message.term);
}
template <typename F>
static void fields(F& f, CloseJob& message) {
  job_name(f, message.job);
  f(message.term);
}
template <typename F>
static void fields(F& f, PrepareJob& message) {
  f(message.request);
  job_file(f, message.spec);
  f(message.base_folder);
  package(f, message.stored);
}
template <typename F>
static void fields(F& f, ServeVersion& message) {
  job_name(f, message.job);
  f(message.store_url, message.object, message.digest, message.version);
  aliases(f, message.aliases);
}
template <typename F>
static void fields(F& f, Drain& message) {
  f(message.is_draining);
}
template <typename F>
static void fields(F& f, Released& message) {
  f(message.worker);
}
template <typename F>
static void fields(F& f, JobOpened& message) {
  f(message.worker);
  job_name(f, message.job);
  f(message.term);
  outcome(f, message.status);
  check_worker(f, message.worker);
}
template <typename F>
static void fields(F& f, JobPrepared& message) {
  f(message.worker, message.request);
  outcome(f, message.status);
  package(f, message.package);
  f(message.is_resumed, ListField{message.notes, limits::kNotesMax, "notes"},
    ListField{message.warnings, limits::kNotesMax, "warnings"});
  check_worker(f, message.worker);
}
template <typename F>
static void fields(F& f, ServingNews& message) {
  f(message.worker);
  job_name(f, message.job);
  f(message.version);
  outcome(f, message.status);
  aliases(f, message.aliases);
  check_worker(f, message.worker);
}
template <typename F>
static void fields(F& f, LeaveCluster& message) {
  f(message.worker, message.reason);
  check_worker(f, message.worker);
}

#define MILLRACE_CODE(Message)                           \
  template Result<Frame> encode_message(const Message&); \
  template Result<Message> decode_message(ByteView)
MILLRACE_CODE(AskToJoin);
MILLRACE_CODE(JoinChallenge);
MILLRACE_CODE(JoinCluster);
MILLRACE_CODE(Welcome);
MILLRACE_CODE(JoinRefused);
MILLRACE_CODE(OpenJob);
MILLRACE_CODE(CloseJob);
MILLRACE_CODE(PrepareJob);
MILLRACE_CODE(ServeVersion);
MILLRACE_CODE(Drain);
MILLRACE_CODE(Released);
MILLRACE_CODE(JobOpened);
MILLRACE_CODE(JobPrepared);
MILLRACE_CODE(ServingNews);
MILLRACE_CODE(LeaveCluster);
#undef MILLRACE_CODE

}  // namespace millrace
