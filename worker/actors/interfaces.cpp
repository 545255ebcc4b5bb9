#include "worker/actors/interfaces.hpp"

namespace millrace {

void add_worker_messages(caf::actor_system_config& config) {
  add_control_messages(config);
  config.add_message_types<caf::id_block::millrace_worker>();
}

}  // namespace millrace
