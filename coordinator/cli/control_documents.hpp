// What the coordinator answers, as documents (-o json, yaml) and as the texts that tables are made
// of.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/wire/control.hpp"
#include "coordinator/cli/embedded_cluster.hpp"

namespace millrace::cli {

// Every document begins with `schema_version`; members are called as in schemas/control.capnp, in
// snake_case. A job's status has the members of a run's summary and more.
nlohmann::ordered_json document_of(const control::JobStatus& status);
nlohmann::ordered_json document_of(const control::JobDescription& description);
nlohmann::ordered_json document_of(const control::JobList& list);
nlohmann::ordered_json document_of(const control::CheckpointList& list);
nlohmann::ordered_json document_of(const control::WorkerList& list);
nlohmann::ordered_json document_of(const control::Operation& operation);
nlohmann::ordered_json document_of(const control::Submitted& submitted);
nlohmann::ordered_json document_of(const control::ServerFacts& server);
nlohmann::ordered_json document_of(const control::Event& event);

RunSummary summary_of(const control::JobStatus& status);

// "2026-11-21T21:52:11Z"; empty for 0.
std::string utc_text(std::uint64_t unix_ms);
// "3m12s", "2h05m", "4d01h".
std::string duration_text(double seconds);

}  // namespace millrace::cli
