// What the coordinator answers, as tables for people; the last lines say what to do next.
#pragma once

#include <string>

#include "common/wire/control.hpp"
#include "coordinator/cli/output.hpp"

namespace millrace::cli {

std::string jobs_table(const control::JobList& list);
// Without what to do next, for `top`.
std::string jobs_lines(const control::JobList& list);
std::string status_table(const control::JobStatus& status, const Output& output);
std::string description_table(const control::JobDescription& description);
std::string checkpoints_table(const control::CheckpointList& list, const std::string& job);
std::string workers_table(const control::WorkerList& list);
// One line: "2026-11-21T21:52:11Z  info  checkpoint  cut 41 ...".
std::string event_line(const control::Event& event, const Output& output);

}  // namespace millrace::cli
