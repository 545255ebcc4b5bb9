#include "coordinator/cli/embedded_cluster.hpp"

namespace millrace {

Result<RunSummary> run_embedded(const JobSpec&, const RunOptions&, ProgressSink&,
                                const std::atomic<int>&) {
  return Status(Code::internal, "the embedded cluster is not linked into this program");
}

}  // namespace millrace
