@0xc4a1f7d35e0b9286;
# Requests and replies of the control endpoint (ZeroMQ REQ or DEALER against the coordinator's ROUTER socket).
# One message per frame, unpacked stream encoding. Fields are only ever added; see README.md.
# Times are Unix milliseconds of the coordinator's clock, 0: never. A Float64 that may be absent is NaN then.
# What each field means is said in common/wire/control.hpp and control_report.hpp, which have the same names.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire::schema");

# ---- Requests

struct Submit {
  fileName @0 :Text;
  yaml @1 :Text;
  overrides @2 :List(Text);   # key=value
  update @3 :Bool;            # replace another file under this name
  from @4 :Text;              # checkpoint number or savepoint name; empty: the newest
}

struct Nothing {}

struct OfJob {
  job @0 :Text;               # empty: all, where that makes sense
}

struct ListEvents {
  job @0 :Text;
  after @1 :UInt64;           # events with a higher sequence number
  max @2 :UInt32;
}

struct StopJob {
  job @0 :Text;
  savepoint @1 :Text;         # empty: a checkpoint only
}

struct TakeSavepoint {
  job @0 :Text;
  name @1 :Text;
}

struct ResumeJob {
  job @0 :Text;
  from @1 :Text;
}

struct RescaleJob {
  job @0 :Text;
  parallelism @1 :UInt32;
}

struct DrainWorker {
  worker @0 :Text;            # name, or id in decimal
}

struct GetOperation {
  id @0 :Text;
}

struct ControlRequest {
  id @0 :UInt64;              # echoed in the reply
  deadlineMs @1 :UInt32;      # from its arrival; 0: the server's own
  union {
    submit @2 :Submit;
    jobs @3 :Nothing;
    status @4 :OfJob;
    describe @5 :OfJob;
    events @6 :ListEvents;
    stop @7 :StopJob;
    cancel @8 :OfJob;
    savepoint @9 :TakeSavepoint;
    checkpoints @10 :OfJob;
    resume @11 :ResumeJob;
    rescale @12 :RescaleJob;
    delete @13 :OfJob;
    workers @14 :Nothing;
    drain @15 :DrainWorker;
    operation @16 :GetOperation;
    models @17 :OfJob;
    aliases @18 :OfJob;
    version @19 :Nothing;
  }
}

# ---- Replies

enum JobState {
  unknown @0; waiting @1; preparing @2; starting @3; running @4; recovering @5; stopping @6; stopped @7; finished @8;
  failed @9; cancelled @10;
}

enum OperationState { unknown @0; running @1; succeeded @2; failed @3; }

enum SubmitOutcome { created @0; unchanged @1; updated @2; }

enum Task { regression @0; binary @1; multiclass @2; }

struct Error {
  code @0 :Text;              # invalid_argument, not_found, conflict, permission_denied, timed_out, ...
  message @1 :Text;
  hint @2 :Text;
  mayHaveHappened @3 :Bool;   # what was asked for may go on, or be done already
  atMs @4 :UInt64;
}

struct Submitted {
  job @0 :Text;
  outcome @1 :SubmitOutcome;
  revision @2 :UInt64;
  operation @3 :Text;         # that starts it; empty when unchanged
}

struct SplitStatus {
  id @0 :UInt32;
  path @1 :Text;
  begin @2 :UInt64;
  end @3 :UInt64;
  offset @4 :UInt64;
  lag @5 :UInt64;
  replica @6 :UInt32;
  isFinished @7 :Bool;
}

struct JobWorker {
  id @0 :UInt32;
  name @1 :Text;
  replicas @2 :List(UInt32);
  shards @3 :List(UInt32);
}

struct JobRow {
  name @0 :Text;
  state @1 :JobState;
  records @2 :UInt64;
  quarantined @3 :UInt64;
  recordsPerSecond @4 :Float64;
  lag @5 :UInt64;
  workers @6 :UInt32;
  parallelism @7 :UInt32;
  restarts @8 :UInt32;
  metric @9 :Text;
  metricValue @10 :Float64 = nan;
  version @11 :UInt64;
  submittedAtMs @12 :UInt64;
  message @13 :Text;
}

struct JobList {
  jobs @0 :List(JobRow);
}

struct QuarantinedRow {
  path @0 :Text;
  offset @1 :UInt64;
  column @2 :Text;
  reason @3 :Text;
  record @4 :Text;
}

struct RecoveryStatus {
  count @0 :UInt32;
  lastAtMs @1 :UInt64;
  lastSeconds @2 :Float64;
  fromCut @3 :UInt64;
  reason @4 :Text;
}

struct Metrics {
  records @0 :UInt64;
  accuracy @1 :Float64 = nan;
  logLoss @2 :Float64 = nan;
  precision @3 :Float64 = nan;
  recall @4 :Float64 = nan;
  f1 @5 :Float64 = nan;
  kappa @6 :Float64 = nan;
  kappaTemporal @7 :Float64 = nan;
  auc @8 :Float64 = nan;
  aucErrorBound @9 :Float64 = nan;
  confusionMatrix @10 :List(List(UInt64));  # [actual, predicted]
  mae @11 :Float64 = nan;
  rmse @12 :Float64 = nan;
  r2 @13 :Float64 = nan;
}

struct Baselines {
  lastLabelAccuracy @0 :Float64 = nan;
  majorityAccuracy @1 :Float64 = nan;
  lastLabelMae @2 :Float64 = nan;
  meanMae @3 :Float64 = nan;
  meanRmse @4 :Float64 = nan;
  warnings @5 :List(Text);
}

struct Evaluation {
  prequential @0 :Metrics;
  window @1 :Metrics;
  baselines @2 :Baselines;
}

struct JobStatus {
  name @0 :Text;
  state @1 :JobState;
  message @2 :Text;
  submittedBy @3 :Text;
  revision @4 :UInt64;
  submittedAtMs @5 :UInt64;
  startedAtMs @6 :UInt64;
  endedAtMs @7 :UInt64;
  attempt @8 :UInt64;
  term @9 :UInt64;
  parallelism @10 :UInt32;
  workers @11 :List(JobWorker);
  restarts @12 :UInt32;
  lastError @13 :Error;       # absent: none
  recovery @14 :RecoveryStatus;
  read @15 :UInt64;
  records @16 :UInt64;
  quarantined @17 :UInt64;
  skipped @18 :UInt64;
  seconds @19 :Float64;
  recordsPerSecond @20 :Float64;
  lag @21 :UInt64;
  task @22 :Task;
  classes @23 :List(Text);
  labelDelay @24 :UInt64;
  evaluation @25 :Evaluation;
  modelKind @26 :Text;
  version @27 :UInt64;
  parameters @28 :UInt64;
  digest @29 :Text;
  checkpointsCompleted @30 :UInt64;
  lastCheckpoint @31 :UInt64;
  lastCheckpointBytes @32 :UInt64;
  lastCheckpointSeconds @33 :Float64;
  lastCheckpointAtMs @34 :UInt64;
  storeUrl @35 :Text;
  splits @36 :List(SplitStatus);
  quarantine @37 :List(QuarantinedRow);
  predictionEndpoints @38 :List(Text);
  instructionSet @39 :Text;
  warnings @40 :List(Text);
}

struct FieldOutline {
  name @0 :Text;
  role @1 :Text;
  evidence @2 :Text;
}

struct JobDescription {
  name @0 :Text;
  fileName @1 :Text;
  revision @2 :UInt64;
  jobFile @3 :Text;
  overrides @4 :List(Text);
  task @5 :Text;
  fields @6 :List(FieldOutline);
  splits @7 :List(SplitStatus);
  workers @8 :List(JobWorker);
  shards @9 :UInt32;
  storeUrl @10 :Text;
}

struct Event {
  sequence @0 :UInt64;
  atMs @1 :UInt64;
  severity @2 :Text;          # info, warning, error
  kind @3 :Text;
  message @4 :Text;
}

struct EventList {
  events @0 :List(Event);
  oldest @1 :UInt64;          # that is still kept
}

struct CheckpointRow {
  cut @0 :UInt64;
  name @1 :Text;              # of a savepoint
  atMs @2 :UInt64;
  bytes @3 :UInt64;
  records @4 :UInt64;
  attempt @5 :UInt64;
  seconds @6 :Float64;
  version @7 :UInt64;
}

struct CheckpointList {
  checkpoints @0 :List(CheckpointRow);
}

struct WorkerRow {
  id @0 :UInt32;
  name @1 :Text;
  address @2 :Text;
  state @3 :Text;             # ready, draining, lost
  roles @4 :List(Text);
  slots @5 :UInt32;
  slotsUsed @6 :UInt32;
  memoryBytes @7 :UInt64;
  jobs @8 :List(Text);
  labels @9 :List(Text);
  predictionEndpoint @10 :Text;
  version @11 :Text;
  joinedAtMs @12 :UInt64;
  heardAtMs @13 :UInt64;
}

struct WorkerList {
  workers @0 :List(WorkerRow);
}

struct Operation {
  id @0 :Text;
  kind @1 :Text;
  job @2 :Text;
  state @3 :OperationState;
  result @4 :Text;
  error @5 :Error;            # absent: none
  startedAtMs @6 :UInt64;
  endedAtMs @7 :UInt64;
}

struct AliasRow {
  name @0 :Text;
  version @1 :UInt64;
  revision @2 :UInt64;
}

struct ModelRow {
  job @0 :Text;
  version @1 :UInt64;
  cut @2 :UInt64;
  records @3 :UInt64;
  bytes @4 :UInt64;
  createdAtMs @5 :UInt64;
  kind @6 :Text;
  digest @7 :Text;
  metric @8 :Text;
  metricValue @9 :Float64 = nan;
  aliases @10 :List(AliasRow);
}

struct ModelList {
  models @0 :List(ModelRow);
}

struct AliasList {
  job @0 :Text;
  aliases @1 :List(AliasRow);
}

struct ServerFacts {
  version @0 :Text;
  nowMs @1 :UInt64;
  startedAtMs @2 :UInt64;
  stateFolder @3 :Text;
  jobs @4 :UInt32;
  workers @5 :UInt32;
  client @6 :Text;            # as whom it knows the one who asks
  roles @7 :List(Text);
  isEncrypted @8 :Bool;
}

struct ControlReply {
  id @0 :UInt64;
  union {
    error @1 :Error;
    submitted @2 :Submitted;
    jobs @3 :JobList;
    status @4 :JobStatus;
    description @5 :JobDescription;
    events @6 :EventList;
    checkpoints @7 :CheckpointList;
    workers @8 :WorkerList;
    operation @9 :Operation;
    models @10 :ModelList;
    aliases @11 :AliasList;
    version @12 :ServerFacts;
  }
}
