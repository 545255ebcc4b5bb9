// The fields of what control requests and replies hold, each described once.
//
// Place: the codec writes and reads messages by these descriptions, the CLI prints documents by
// them: a field has the same name everywhere (schemas/control.capnp in camelCase). A visitor is
// called with a name and a value; `Document` marks a text that may be long.
#pragma once

#include <concepts>
#include <type_traits>

#include "common/wire/control.hpp"

namespace millrace::control {

// `T` is `U`, or `const U` for whoever only reads it.
template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <typename Text>
struct Document {
  Text& text;
};
template <typename Text>
Document(Text&) -> Document<Text>;

// ---- Requests

void fields(auto& v, Is<Submit> auto& s) {
  v("file_name", s.file_name);
  v("yaml", Document{s.yaml});
  v("overrides", s.overrides);
  v("update", s.update);
  v("from", s.from);
}
template <typename T>
concept HasNothing = Is<T, ListJobs> || Is<T, ListWorkers> || Is<T, GetVersion>;
void fields(auto&, HasNothing auto&) {}

template <typename T>
concept HasJob = Is<T, GetStatus> || Is<T, DescribeJob> || Is<T, CancelJob> ||
    Is<T, ListCheckpoints> || Is<T, DeleteJob> || Is<T, ListModels> || Is<T, ListAliases>;
void fields(auto& v, HasJob auto& s) {
  v("job", s.job);
}
void fields(auto& v, Is<ListEvents> auto& s) {
  v("job", s.job);
  v("after", s.after);
  v("max", s.max);
}
void fields(auto& v, Is<StopJob> auto& s) {
  v("job", s.job);
  v("savepoint", s.savepoint);
}
void fields(auto& v, Is<TakeSavepoint> auto& s) {
  v("job", s.job);
  v("name", s.name);
}
void fields(auto& v, Is<ResumeJob> auto& s) {
  v("job", s.job);
  v("from", s.from);
}
void fields(auto& v, Is<RescaleJob> auto& s) {
  v("job", s.job);
  v("parallelism", s.parallelism);
}
void fields(auto& v, Is<DrainWorker> auto& s) {
  v("worker", s.worker);
}
void fields(auto& v, Is<GetOperation> auto& s) {
  v("id", s.id);
}

// ---- Replies

void fields(auto& v, Is<Error> auto& s) {
  v("code", s.code);
  v("message", s.message);
  v("hint", s.hint);
  v("may_have_happened", s.may_have_happened);
  v("at_ms", s.at_ms);
}
void fields(auto& v, Is<Submitted> auto& s) {
  v("job", s.job);
  v("outcome", s.outcome);
  v("revision", s.revision);
  v("operation", s.operation);
}
void fields(auto& v, Is<SplitStatus> auto& s) {
  v("id", s.id);
  v("path", s.path);
  v("begin", s.begin);
  v("end", s.end);
  v("offset", s.offset);
  v("lag", s.lag);
  v("replica", s.replica);
  v("is_finished", s.is_finished);
}
void fields(auto& v, Is<JobWorker> auto& s) {
  v("id", s.id);
  v("name", s.name);
  v("replicas", s.replicas);
  v("shards", s.shards);
}
void fields(auto& v, Is<JobRow> auto& s) {
  v("name", s.name);
  v("state", s.state);
  v("records", s.records);
  v("quarantined", s.quarantined);
  v("records_per_second", s.records_per_second);
  v("lag", s.lag);
  v("workers", s.workers);
  v("parallelism", s.parallelism);
  v("restarts", s.restarts);
  v("metric", s.metric);
  v("metric_value", s.metric_value);
  v("version", s.version);
  v("submitted_at_ms", s.submitted_at_ms);
  v("message", s.message);
}
void fields(auto& v, Is<JobList> auto& s) {
  v("jobs", s.jobs);
}
void fields(auto& v, Is<Event> auto& s) {
  v("sequence", s.sequence);
  v("at_ms", s.at_ms);
  v("severity", s.severity);
  v("kind", s.kind);
  v("message", s.message);
}
void fields(auto& v, Is<EventList> auto& s) {
  v("events", s.events);
  v("oldest", s.oldest);
}
void fields(auto& v, Is<CheckpointRow> auto& s) {
  v("cut", s.cut);
  v("name", s.name);
  v("at_ms", s.at_ms);
  v("bytes", s.bytes);
  v("records", s.records);
  v("attempt", s.attempt);
  v("seconds", s.seconds);
  v("version", s.version);
}
void fields(auto& v, Is<CheckpointList> auto& s) {
  v("checkpoints", s.checkpoints);
}
void fields(auto& v, Is<WorkerRow> auto& s) {
  v("id", s.id);
  v("name", s.name);
  v("address", s.address);
  v("state", s.state);
  v("roles", s.roles);
  v("slots", s.slots);
  v("slots_used", s.slots_used);
  v("memory_bytes", s.memory_bytes);
  v("jobs", s.jobs);
  v("labels", s.labels);
  v("prediction_endpoint", s.prediction_endpoint);
  v("version", s.version);
  v("joined_at_ms", s.joined_at_ms);
  v("heard_at_ms", s.heard_at_ms);
}
void fields(auto& v, Is<WorkerList> auto& s) {
  v("workers", s.workers);
}
void fields(auto& v, Is<Operation> auto& s) {
  v("id", s.id);
  v("kind", s.kind);
  v("job", s.job);
  v("state", s.state);
  v("result", s.result);
  v("error", s.error);
  v("started_at_ms", s.started_at_ms);
  v("ended_at_ms", s.ended_at_ms);
}
void fields(auto& v, Is<AliasRow> auto& s) {
  v("name", s.name);
  v("version", s.version);
  v("revision", s.revision);
}
void fields(auto& v, Is<ModelRow> auto& s) {
  v("job", s.job);
  v("version", s.version);
  v("cut", s.cut);
  v("records", s.records);
  v("bytes", s.bytes);
  v("created_at_ms", s.created_at_ms);
  v("kind", s.kind);
  v("digest", s.digest);
  v("metric", s.metric);
  v("metric_value", s.metric_value);
  v("aliases", s.aliases);
}
void fields(auto& v, Is<ModelList> auto& s) {
  v("models", s.models);
}
void fields(auto& v, Is<AliasList> auto& s) {
  v("job", s.job);
  v("aliases", s.aliases);
}
void fields(auto& v, Is<ServerFacts> auto& s) {
  v("version", s.version);
  v("now_ms", s.now_ms);
  v("started_at_ms", s.started_at_ms);
  v("state_folder", s.state_folder);
  v("jobs", s.jobs);
  v("workers", s.workers);
  v("client", s.client);
  v("roles", s.roles);
  v("is_encrypted", s.is_encrypted);
}

}  // namespace millrace::control
