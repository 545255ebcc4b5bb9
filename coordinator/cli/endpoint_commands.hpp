// The verbs that speak with the endpoints of data: predict and serve for predictions, send for
// rows.
//
// Place: cli.cpp owns one and adds it to the program; a call reads the options that CLI11 filled.
#pragma once

#include "coordinator/cli/add_verb.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {

class EndpointCommands {
 public:
  // Outlives the program's parsing and the call.
  void add_to(CLI::App& app, const AddVerb& add, Output& output);

 private:
  void add_predict();
  void add_send();
  void add_serve();

  CLI::App* app_ = nullptr;
  AddVerb add_;
  Output* output_ = nullptr;

  PredictVerb predict_;
  SendVerb send_;
  ServeVerb serve_;
};

}  // namespace millrace::cli
