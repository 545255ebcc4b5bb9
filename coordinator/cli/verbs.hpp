// What each verb of `millrace` is asked to do, and the function that does it.
//
// Place: cli.cpp fills the options from the command line; each verb lives in a file of its own and
// returns the exit code. Verbs never read flags or the environment themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/cli/output.hpp"

namespace millrace::cli {

struct RunVerb {
  std::string target;  // a job file (.yaml, .yml) or a data file
  std::string label;
  std::optional<std::uint32_t> workers;
  std::string state;
  std::string secrets;
  bool fresh = false;
  bool serve = false;
  std::vector<std::string> overrides;  // key=value
};
int verb_run(const RunVerb& options, Output& output);

struct InitVerb {
  std::string data;
  std::string label;
  std::string name;
};
int verb_init(const InitVerb& options, Output& output);

struct ValidateVerb {
  std::string file;
  std::vector<std::string> overrides;
};
int verb_validate(const ValidateVerb& options, Output& output);

struct DocsVerb {
  std::string topic;
};
// `cli_reference` is the help of every verb, for the topic `cli`.
int verb_docs(const DocsVerb& options, const std::string& cli_reference, Output& output);

struct PredictVerb {
  std::string model;
  std::string version;            // number or alias; empty: production, else the newest
  std::vector<std::string> rows;  // "field=value,field=value"
  std::string file;               // CSV, "-" for standard input
  bool has_header = true;
  std::string endpoint;  // empty: in process
  std::string keys;      // folder of this client's keys; empty: none
  std::string state;
  bool probabilities = false;
};
int verb_predict(const PredictVerb& options, Output& output);

struct SendVerb {
  std::string file;  // CSV, "-" for standard input
  bool has_header = true;
  std::string endpoint;
  std::string keys;      // folder of this client's keys; empty: none
  std::string producer;  // empty: a name that nobody else has
  std::uint64_t rows_per_message = 500;
  double rate = 0;          // rows a second; 0: as fast as they are taken
  double timeout_s = 60.0;  // without a word from the source
};
int verb_send(const SendVerb& options, Output& output);

struct ServeVerb {
  std::string model;  // empty: every model of the state folder
  std::string state;
  std::string listen;  // empty: 127.0.0.1:4711, or the next free port
  std::string keys;    // folder of this server's keys; empty: none
  std::string policy;  // empty: the one that belongs to the keys
  bool is_insecure_accepted = false;
};
int verb_serve(const ServeVerb& options, Output& output);

struct ModelsVerb {
  std::string state;
};
int verb_models(const ModelsVerb& options, Output& output);

struct ModelShowVerb {
  std::string reference;  // MODEL or MODEL@VERSION
  std::string state;
};
int verb_model_show(const ModelShowVerb& options, Output& output);

struct CheckpointsVerifyVerb {
  std::string job;  // empty: every job of the state folder, or the one that `store` belongs to
  std::string state;
  std::string store;    // URL of a store, or with `job` of the base it stands below; empty: `state`
  std::string secrets;  // folder of the store's credentials
};
int verb_checkpoints_verify(const CheckpointsVerifyVerb& options, Output& output);

struct KeygenVerb {
  std::string folder;
  std::vector<std::string> nodes;    // "NAME" or "NAME=ROLE"
  std::vector<std::string> clients;  // "NAME" or "NAME=ROLE+ROLE"
  std::int64_t days = 365;
  bool force = false;
};
int verb_keygen(const KeygenVerb& options, Output& output);

int verb_version(Output& output);

// One verb as shell completion needs it.
struct VerbDescription {
  std::string name;  // "model show"
  std::string help;
  std::vector<std::string> flags;
};
int verb_completion(const std::string& shell, const std::vector<VerbDescription>& verbs,
                    Output& output);

}  // namespace millrace::cli
