#include "common/actors/interfaces.hpp"

#include "common/actors/host_interfaces.hpp"
#include "common/base/limits.hpp"

namespace millrace {

caf::error inspect_handles(caf::serializer& sink, RegisterWorker& message) {
  return sink(message.handle);
}

caf::error inspect_handles(caf::deserializer& source, RegisterWorker& message) {
  if (auto error = source(message.handle)) return error;
  if (message.handle) return caf::none;
  return refuse_message({Code::corrupted, "a worker's registration does not name its actor"});
}

caf::error inspect_handles(caf::serializer& sink, AdoptAttempt& message) {
  return sink(message.reports);
}

caf::error inspect_handles(caf::deserializer& source, AdoptAttempt& message) {
  if (auto error = source(message.reports)) return error;
  if (message.reports) return caf::none;
  return refuse_message({Code::corrupted, "an order to adopt does not say who leads"});
}

namespace order {

caf::error inspect_handles(caf::serializer& sink, StartAttempt& start) {
  MILLRACE_CHECK(start.routes != nullptr);
  Routes routes = *start.routes;
  if (auto error = inspect_handle_list(sink, routes.replicas, limits::kReplicasMax)) return error;
  if (auto error = inspect_handle_list(sink, routes.shards, limits::kShardsMax)) return error;
  return sink(routes.reports);
}

caf::error inspect_handles(caf::deserializer& source, StartAttempt& start) {
  auto routes = std::make_shared<Routes>();
  if (auto error = inspect_handle_list(source, routes->replicas, limits::kReplicasMax)) {
    return error;
  }
  if (auto error = inspect_handle_list(source, routes->shards, limits::kShardsMax)) return error;
  if (auto error = source(routes->reports)) return error;
  if (!routes->reports || routes->replicas.size() != start.job->spec.parallelism ||
      routes->shards.size() != start.job->shards) {
    return refuse_message({Code::corrupted, "an order to start names too few or too many hosts"});
  }
  start.routes = std::move(routes);
  return caf::none;
}

}  // namespace order

void add_control_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::millrace_control>();
  add_host_messages(config);
}

}  // namespace millrace
