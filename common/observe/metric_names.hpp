// Every metric of Millrace: name, help and labels. docs/metrics.md says what each is good for, and
// tests/tidy holds the two against each other.
//
// Names are `millrace_<part>_<what>_<unit>`, counters end in `_total`, units are seconds and bytes.
// Labels have few values: a job's name, the words listed here, never a record, a client or an id.
#pragma once

#include <array>

#include "common/observe/metrics.hpp"

namespace millrace::metric {

// Predictions
// From the arrival of a request to its answer being handed to the socket. Seconds; an answer takes
// some 50 us, and one that waited a second has a client that gave up.
inline constexpr std::array<double, 12> kLatencyBounds = {
    0.000'05, 0.000'1, 0.000'25, 0.000'5, 0.001, 0.002'5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5,
};
inline constexpr CounterDefinition kPredictionRequests = {
    "millrace_prediction_requests_total",
    "Prediction requests answered, by outcome: predicted, malformed, refused, denied, overloaded, "
    "expired, failed.",
    {"outcome"}};
inline constexpr CounterDefinition kPredictionRows = {"millrace_prediction_rows_total",
                                                      "Rows predicted."};
inline constexpr CounterDefinition kPredictionBatches = {
    "millrace_prediction_batches_total", "Forward passes; rows through batches is the mean batch."};
inline constexpr CounterDefinition kPredictionUndeliverable = {
    "millrace_prediction_undeliverable_total", "Answers whose client had gone or did not read."};
inline constexpr HistogramDefinition kPredictionSeconds = {
    "millrace_prediction_seconds", "Time from a request's arrival to its answer.", kLatencyBounds};
inline constexpr CounterDefinition kGateRefused = {
    "millrace_gate_refused_total",
    "Connections and requests that the access policy refused, by reason: unknown_key, denied.",
    {"reason"}};

// Checkpoints, as the job master sees them
inline constexpr std::array<double, 11> kCheckpointBounds = {
    0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
};
inline constexpr CounterDefinition kCheckpointsCompleted = {
    "millrace_checkpoints_completed_total", "Checkpoints whose log entry was written.", {"job"}};
inline constexpr CounterDefinition kCheckpointsAborted = {
    "millrace_checkpoints_aborted_total",
    "Cuts that were begun and given up: a disk, a worker or the audit failed.",
    {"job"}};
inline constexpr CounterDefinition kCheckpointBytes = {
    "millrace_checkpoint_bytes_total", "Bytes of the parts of completed checkpoints.", {"job"}};
inline constexpr HistogramDefinition kCheckpointSeconds = {
    "millrace_checkpoint_seconds",
    "Time from the trigger of a cut to its log entry.",
    kCheckpointBounds,
    {"job"}};
inline constexpr GaugeDefinition kCheckpointCut = {
    "millrace_checkpoint_cut", "Number of the newest completed cut.", {"job"}};

// Jobs, as the job master hears from its replicas
inline constexpr GaugeDefinition kJobRecords = {
    "millrace_job_records",
    "Records of the present attempt by fate: learned, quarantined, skipped. Falls back when a "
    "checkpoint is restored.",
    {"job", "fate"}};
inline constexpr GaugeDefinition kJobAttempt = {
    "millrace_job_attempt", "Number of the present attempt; it grows with each restart.", {"job"}};
inline constexpr CounterDefinition kJobEndings = {
    "millrace_job_endings_total",
    "Jobs that ended, by outcome: finished, stopped, failed.",
    {"outcome"}};

// Workers
inline constexpr CounterDefinition kWorkerRecords = {
    "millrace_worker_records_total",
    "Records that the replicas of this process have read, again after a restart included."};
inline constexpr CounterDefinition kStaleRejected = {
    "millrace_worker_stale_rejected_total",
    "Orders that changed nothing, by what was stale about them: term, attempt.",
    {"fence"}};
inline constexpr CounterDefinition kBulkChunksRefused = {
    "millrace_worker_bulk_chunks_refused_total",
    "Pieces of large messages that were refused: malformed, old, or no room for them."};
inline constexpr CounterDefinition kMessageFaults = {
    "millrace_message_faults_total",
    "Messages from other processes that could not be decoded and reached nobody."};

// Sinks
inline constexpr CounterDefinition kSinkMessages = {
    "millrace_sink_messages_total",
    "Messages in transactions that this process has committed, by sink: predictions, dead_letters.",
    {"sink"}};
inline constexpr CounterDefinition kSinkBytes = {
    "millrace_sink_bytes_total", "Bytes of those messages, with keys and headers.", {"sink"}};
inline constexpr CounterDefinition kSinkErrors = {
    "millrace_sink_errors_total",
    "Transactions and takeovers of a sink that failed; they are tried again.",
    {"sink"}};
inline constexpr GaugeDefinition kSinkLag = {
    "millrace_sink_lag_checkpoints",
    "Completed checkpoints whose outputs the sinks do not have yet.",
    {"job"}};

// The process
inline constexpr GaugeDefinition kBuild = {
    "millrace_build_info", "Always 1; the label names the version.", {"version"}};
inline constexpr GaugeDefinition kMemory = {"millrace_process_resident_memory_bytes",
                                            "Memory of the process that is in use."};
inline constexpr GaugeDefinition kOpenFiles = {"millrace_process_open_files",
                                               "Open files and sockets."};
inline constexpr GaugeDefinition kThreads = {"millrace_process_threads", "Threads."};
inline constexpr CounterDefinition kProcessorSeconds = {
    "millrace_process_cpu_seconds_total", "Processor time, of the program and of the kernel."};
inline constexpr GaugeDefinition kStartTime = {"millrace_process_start_time_seconds",
                                               "When the process started, in Unix time."};

// Health
inline constexpr GaugeDefinition kHealthy = {
    "millrace_health_check_ok",
    "1 while a check holds, 0 while /healthz or /readyz names it.",
    {"check"}};
inline constexpr CounterDefinition kHttpRequests = {
    "millrace_metrics_http_requests_total",
    "Connections to the port of metrics and health, by outcome: answered, refused, slow, evicted.",
    {"outcome"}};

}  // namespace millrace::metric
