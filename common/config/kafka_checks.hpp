// What must hold between the keys of a Kafka source.
//
// Place: private to common/config; part of find_problems. Pure.
#pragma once

#include <vector>

#include "common/config/job_file.hpp"

namespace millrace {

// Precondition: the job's source is a topic.
std::vector<JobProblem> find_kafka_problems(const JobSpec& spec);
// Of what the job puts out.
std::vector<JobProblem> find_sink_problems(const JobSpec& spec);

}  // namespace millrace
