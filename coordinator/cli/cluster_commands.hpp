// The verbs of a cluster on the command line: their flags, helps and examples.
//
// Place: cli.cpp owns one and adds it to the program; a call reads the options that CLI11 filled.
#pragma once

#include "coordinator/cli/add_verb.hpp"
#include "coordinator/cli/cluster_verbs.hpp"

namespace millrace::cli {

class ClusterCommands {
 public:
  // Outlives the program's parsing and the call.
  void add_to(CLI::App& app, const AddVerb& add, Output& output);

 private:
  void add_submit();
  void add_job();
  void add_watching();
  void add_events();
  void add_steering();
  void add_workers();
  void add_context();
  void add_doctor();
  void add_plan();
  // A verb whose first word is a job, a worker or an operation.
  CLI::App* add_about(const std::string& name, const std::string& help, const std::string& examples,
                      int (*verb)(const JobVerb&, Output&), JobVerb& options,
                      const char* what = "JOB");

  CLI::App* app_ = nullptr;
  AddVerb add_;
  Output* output_ = nullptr;

  SubmitVerb submit_;
  JobDiffVerb diff_;
  JobVerb delete_, status_, describe_, checkpoints_, stop_, cancel_, savepoint_, resume_, rescale_,
      drain_, operation_;
  ConnectionFlags jobs_, workers_;
  EventsVerb events_, logs_;
  WaitVerb wait_;
  TopVerb top_;
  ContextVerb context_;
  DoctorVerb doctor_;
  PlanVerb plan_;
};

}  // namespace millrace::cli
