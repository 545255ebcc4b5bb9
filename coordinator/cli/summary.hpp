// A run's summary as a table for people and as the JSON document that programs read.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "coordinator/cli/embedded_cluster.hpp"
#include "coordinator/cli/output.hpp"

namespace millrace::cli {

inline constexpr int kSummarySchemaVersion = 1;

nlohmann::ordered_json summary_json(const RunSummary& summary);
// `state_flag` is put behind the commands that it suggests.
std::string summary_table(const RunSummary& summary, const std::string& state_flag,
                          const Output& output);

// Its parts, which the status of a job in a cluster has as well: the model beside the baselines;
// what it is and ran on; what was quarantined and what looks wrong.
std::string figures_table(const RunSummary& summary);
std::string facts_table(const RunSummary& summary);
std::string remarks_text(const RunSummary& summary, const Output& output);

nlohmann::ordered_json metrics_json(const MetricsReport& metrics);

}  // namespace millrace::cli
