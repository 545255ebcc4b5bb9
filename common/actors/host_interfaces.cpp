#include "common/actors/host_interfaces.hpp"

#include "common/base/limits.hpp"

namespace millrace {
namespace {

caf::error load_host(caf::deserializer& source, worker_host& host) {
  if (auto error = source(host)) return error;
  if (host) return caf::none;
  return refuse_message({Code::corrupted, "whoever asks to join does not name its actor"});
}

// The handles of the jobs, one for each.
std::vector<worker_control> handles_of(const JoinCluster& message) {
  std::vector<worker_control> handles;
  for (const auto& job : message.jobs) handles.push_back(job.handle);
  return handles;
}

}  // namespace

caf::error inspect_handles(caf::serializer& sink, AskToJoin& message) {
  return sink(message.host);
}

caf::error inspect_handles(caf::deserializer& source, AskToJoin& message) {
  return load_host(source, message.host);
}

caf::error inspect_handles(caf::serializer& sink, JoinCluster& message) {
  auto handles = handles_of(message);
  if (auto error = inspect_handle_list(sink, handles, limits::kHostedJobsMax)) return error;
  return sink(message.host);
}

caf::error inspect_handles(caf::deserializer& source, JoinCluster& message) {
  std::vector<worker_control> handles;
  if (auto error = inspect_handle_list(source, handles, limits::kHostedJobsMax)) return error;
  if (handles.size() != message.jobs.size()) {
    return refuse_message({Code::corrupted, "a joining worker names too few or too many actors"});
  }
  for (std::size_t i = 0; i < handles.size(); ++i) message.jobs[i].handle = handles[i];
  return load_host(source, message.host);
}

caf::error inspect_handles(caf::serializer& sink, JobOpened& message) {
  return message.status.is_ok() ? sink(message.handle) : caf::error();
}

caf::error inspect_handles(caf::deserializer& source, JobOpened& message) {
  if (!message.status.is_ok()) return caf::none;
  if (auto error = source(message.handle)) return error;
  if (message.handle) return caf::none;
  return refuse_message({Code::corrupted, "an opened job does not name its actor"});
}

void add_host_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::millrace_host>();
}

}  // namespace millrace
