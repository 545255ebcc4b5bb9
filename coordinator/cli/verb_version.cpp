#include <nlohmann/json.hpp>

#include "common/ml/kernels/kernels.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {

int verb_version(Output& output) {
  const std::string instructions = kernels::target_name();
  if (output.is_table())
    output.print("millrace " MILLRACE_VERSION " (kernels for " + instructions + ")\n");
  else
    output.print_document(nlohmann::ordered_json{
        {"schema_version", 1}, {"version", MILLRACE_VERSION}, {"instruction_set", instructions}});
  return kExitDone;
}

}  // namespace millrace::cli
