#include "coordinator/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <csignal>

#include "common/config/nearest.hpp"
#include "coordinator/cli/cluster_commands.hpp"
#include "coordinator/cli/command_words.hpp"
#include "coordinator/cli/send_flags.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

constexpr const char* kSummary =
    "Millrace trains machine-learning models on data streams and answers predictions from them.";

// The parsed command line: one options struct per verb, and what to call.
class CommandLine {
 public:
  CommandLine() : app_(kSummary, "millrace") {
    app_.require_subcommand(1);
    app_.set_help_flag("-h,--help", "print this help and exit");
    app_.set_version_flag("--version", "millrace " MILLRACE_VERSION, "print the version and exit");
    app_.footer(
        "Examples:\n"
        "  millrace run data.csv --label y                 train on a file, no job file needed\n"
        "  millrace init data.csv --label y > job.yaml     write a job file from data\n"
        "  millrace run job.yaml --workers 2               train; run again, it goes on where it "
        "stopped\n"
        "  millrace predict data --file rows.csv           predict with what was trained\n"
        "  millrace submit job.yaml                        give a job to a cluster\n"
        "`millrace VERB --help` explains a verb, `millrace docs job-file` the job file.");
    add_run();
    add_job_file_verbs();
    add_predict();
    add_send();
    add_serve();
    add_model_verbs();
    cluster_.add_to(
        app_,
        [this](CLI::App& parent, const std::string& name, const std::string& help,
               const std::string& examples, std::function<int()> call) {
          return add_verb(parent, name, help, examples, std::move(call));
        },
        output_);
    add_checkpoint_verbs();
    add_keygen();
    add_the_rest();
  }

  int run(int argc, const char* const* argv) {
    if (argc < 2) {
      output_.note(app_.help());
      return kExitUsage;
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      output_.print(help_of(active()));
      return kExitDone;
    } catch (const CLI::CallForAllHelp&) {
      output_.print(app_.help("", CLI::AppFormatMode::All));
      return kExitDone;
    } catch (const CLI::CallForVersion& version) {
      output_.print(std::string(version.what()) + "\n");
      return kExitDone;
    } catch (const CLI::ParseError& error) {
      return report(error, argc, argv);
    }
    output_.set_format(format_ == "json"   ? OutputFormat::json
                       : format_ == "yaml" ? OutputFormat::yaml
                                           : OutputFormat::table);
    return call_();
  }

 private:
  CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& help,
                     const std::string& examples, std::function<int()> call) {
    auto* verb = parent.add_subcommand(name, help);
    verb->footer("Examples:\n" + examples);
    verb->add_option("-o,--output", format_, "table, json or yaml (default table)")
        ->check(CLI::Validator(check_format, "", ""))
        ->type_name("FORMAT");
    verb->final_callback([this, verb, call = std::move(call)] {
      if (verb->get_subcommands().empty()) call_ = call;
    });
    return verb;
  }

  static std::string check_format(const std::string& text) {
    const std::vector<std::string> known = {"table", "json", "yaml"};
    if (std::find(known.begin(), known.end(), text) != known.end()) return {};
    return "unknown format '" + text + "'; " + suggestion(text, known);
  }

  static void add_state(CLI::App& verb, std::string& state) {
    verb.add_option("--state", state, "state folder (default $XDG_STATE_HOME/millrace)")
        ->envname("MILLRACE_STATE")
        ->type_name("DIR");
  }

  void add_run() {
    auto* verb =
        add_verb(app_, "run", "Train a job in this process, resuming where it stopped",
                 "  millrace run job.yaml\n"
                 "  millrace run data.csv --label y --workers 2\n"
                 "  millrace run job.yaml --fresh --set optimizer.learning_rate=0.5 --output json\n"
                 "  millrace run job.yaml --serve            answer predictions while it trains\n",
                 [this] { return verb_run(run_, output_); });
    verb->add_option("target", run_.target, "a job file (.yaml, .yml) or a data file")
        ->required()
        ->type_name("JOB|DATA");
    verb->add_option("--label", run_.label, "field to predict, with a data file")
        ->type_name("FIELD");
    verb->add_option("--workers", run_.workers,
                     "workers, each with one replica; overrides parallelism")
        ->type_name("N");
    add_state(*verb, run_.state);
    verb->add_option("--secrets", run_.secrets,
                     "folder of the secrets that the job names (default "
                     "$XDG_CONFIG_HOME/millrace/secrets)")
        ->type_name("DIR");
    verb->add_flag("--fresh", run_.fresh, "archive stored state and begin anew");
    verb->add_flag("--serve", run_.serve,
                   "answer predictions over ZeroMQ, also after the stream has ended");
    verb->add_option("--set", run_.overrides, "override a key of the job file")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  void add_job_file_verbs() {
    auto* init = add_verb(app_, "init", "Write a job file from data to stdout",
                          "  millrace init data.csv --label y > job.yaml\n",
                          [this] { return verb_init(init_, output_); });
    init->add_option("data", init_.data, "a CSV file")->required()->type_name("DATA");
    init->add_option("--label", init_.label, "field to predict")->type_name("FIELD");
    init->add_option("--name", init_.name, "name of the job (default: from the file)")
        ->type_name("NAME");
    auto* validate =
        add_verb(app_, "validate", "Check a job file and print everything wrong in it",
                 "  millrace validate job.yaml\n  millrace validate job.yaml --output json\n",
                 [this] { return verb_validate(validate_, output_); });
    validate->add_option("file", validate_.file, "a job file")->required()->type_name("JOB");
    validate->add_option("--set", validate_.overrides, "override a key of the job file")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    auto* docs = add_verb(
        app_, "docs", "Explain a topic: job-file, cli, exit-codes, state",
        "  millrace docs job-file\n  millrace docs job-file --output json > job.schema.json\n",
        [this] { return verb_docs(docs_, reference(), output_); });
    docs->add_option("topic", docs_.topic, "job-file, cli, exit-codes or state")
        ->required()
        ->type_name("TOPIC");
  }

  void add_send() {
    auto* verb = add_verb(app_, "send", "Send rows to a job that listens for them",
                          "  millrace send rows.csv --to tcp://127.0.0.1:5601\n"
                          "  millrace send rows.csv --producer till-7 --to tcp://127.0.0.1:5601\n",
                          [this] { return verb_send(send_, output_); });
    add_send_flags(*verb, send_);
  }

  void add_predict() {
    auto* verb = add_verb(app_, "predict", "Predict rows with a trained model",
                          "  millrace predict electricity --row period=0.5,nswprice=0.06\n"
                          "  millrace predict electricity@3 --file rows.csv --probabilities\n"
                          "  tail -f rows.csv | millrace predict electricity --file - --endpoint "
                          "tcp://127.0.0.1:4711\n",
                          [this] { return verb_predict(predict_, output_); });
    verb->add_option("model", predict_.model, "the name of its job, with @VERSION for an older one")
        ->required()
        ->type_name("MODEL");
    verb->add_option("--row", predict_.rows, "one row by field name; may be given again")
        ->type_name("FIELD=VALUE,...")
        ->allow_extra_args(false);
    verb->add_option("--file", predict_.file, "rows as CSV with a header line; - is standard input")
        ->type_name("CSV");
    verb->add_flag("!--no-header", predict_.has_header,
                   "the CSV has no header line: fields in schema order, without the label");
    verb->add_option("--endpoint", predict_.endpoint,
                     "ask a server (default: load the model into this process)")
        ->envname("MILLRACE_ENDPOINT")
        ->type_name("tcp://HOST:PORT");
    verb->add_option("--keys", predict_.keys,
                     "this client's keys, for a server that asks for them (keygen's clients/NAME)")
        ->type_name("DIR");
    verb->add_option("--version", predict_.version,
                     "version number or alias (default: production, else the newest)")
        ->type_name("V");
    verb->add_flag("--probabilities", predict_.probabilities, "the probability of every class");
    add_state(*verb, predict_.state);
  }

  void add_serve() {
    auto* verb =
        add_verb(app_, "serve", "Answer predictions over ZeroMQ from stored models",
                 "  millrace serve\n  millrace serve electricity --listen tcp://127.0.0.1:4711\n",
                 [this] { return verb_serve(serve_, output_); });
    verb->add_option("model", serve_.model, "one model (default: all in the state folder)")
        ->type_name("MODEL");
    verb->add_option("--listen", serve_.listen,
                     "endpoint (default: 127.0.0.1:4711 or the next free port)")
        ->type_name("tcp://HOST:PORT");
    auto* keys =
        verb->add_option("--keys", serve_.keys,
                         "encrypt, and answer only clients that the policy names (keygen's "
                         "nodes/NAME)");
    keys->type_name("DIR");
    verb->add_option(
            "--policy", serve_.policy,
            "which client may do what (default: policy.json with the keys, or where keygen "
            "put it)")
        ->type_name("FILE")
        ->needs(keys);
    verb->add_flag("--insecure", serve_.is_insecure_accepted,
                   "listen beyond this machine although nothing protects it");
    add_state(*verb, serve_.state);
  }

  void add_model_verbs() {
    auto* models =
        add_verb(app_, "models", "List the stored models and their versions", "  millrace models\n",
                 [this] { return verb_models(models_, output_); });
    add_state(*models, models_.state);
    auto* model = app_.add_subcommand("model", "Look at one model: model show");
    model->require_subcommand(1);
    model->footer("Examples:\n  millrace model show electricity@3\n");
    auto* show = add_verb(
        *model, "show", "Where a version came from and how good it was",
        "  millrace model show electricity\n  millrace model show electricity@3 --output json\n",
        [this] { return verb_model_show(model_show_, output_); });
    show->add_option("model", model_show_.reference, "MODEL or MODEL@VERSION")
        ->required()
        ->type_name("MODEL[@V]");
    add_state(*show, model_show_.state);
  }

  void add_checkpoint_verbs() {
    // `checkpoints JOB` asks a cluster; `checkpoints verify` reads a store.
    auto* checkpoints = app_.get_subcommand("checkpoints");
    checkpoints->require_subcommand(0, 1);
    checkpoints->get_option("name")->required(false);
    auto* verify = add_verb(
        *checkpoints, "verify", "Read every complete checkpoint and say what is damaged",
        "  millrace checkpoints verify                     every job of the state folder\n"
        "  millrace checkpoints verify electricity --output json\n"
        "  millrace checkpoints verify clicks --store 's3://bucket/jobs?region=eu-west-1'\n",
        [this] { return verb_checkpoints_verify(checkpoints_verify_, output_); });
    verify->add_option("job", checkpoints_verify_.job, "one job (default: all)")->type_name("JOB");
    auto* store = verify->add_option("--store", checkpoints_verify_.store,
                                     "a store instead of the state folder: a job's own, or with "
                                     "JOB the one that all jobs share");
    store->type_name("URL");
    verify
        ->add_option(
            "--secrets", checkpoints_verify_.secrets,
            "folder of the store's credentials (default $XDG_CONFIG_HOME/millrace/secrets)")
        ->type_name("DIR")
        ->needs(store);
    add_state(*verify, checkpoints_verify_.state);
  }

  void add_keygen() {
    auto* verb = add_verb(
        app_, "keygen", "Make the keys of a cluster: what is missing, keeping what exists",
        "  millrace keygen keys                       an authority, coordinator, worker-1, admin\n"
        "  millrace keygen keys --node worker-2,worker-3 --client app=predict\n"
        "  millrace keygen keys --client ops=operate+read-metrics\n"
        "  millrace keygen keys --node worker-2 --force --days 90      renew one\n",
        [this] { return verb_keygen(keygen_, output_); });
    verb->add_option("folder", keygen_.folder, "where the keys are, or are to be")
        ->required()
        ->type_name("DIR");
    verb->add_option("--node", keygen_.nodes,
                     "processes of the cluster; a ROLE is coordinator or worker")
        ->type_name("NAME[=ROLE],...")
        ->delimiter(',')
        ->allow_extra_args(false);
    verb->add_option("--client", keygen_.clients,
                     "who may do what: predict, read-metrics, operate, ingest or admin")
        ->type_name("NAME=ROLE[+ROLE],...")
        ->delimiter(',')
        ->allow_extra_args(false);
    verb->add_option("--days", keygen_.days,
                     "how long new certificates of nodes hold (default 365)")
        ->type_name("N");
    verb->add_flag("--force", keygen_.force,
                   "renew what is named; without names everything, so that all must be restarted");
  }

  void add_the_rest() {
    auto* completion = add_verb(app_, "completion", "Print shell completion for bash, zsh or fish",
                                "  source <(millrace completion bash)\n", [this] {
                                  return verb_completion(shell_, describe_verbs(app_), output_);
                                });
    completion->add_option("shell", shell_, "bash, zsh or fish")->required()->type_name("SHELL");
    add_verb(app_, "version", "Print the version", "  millrace version --output json\n",
             [this] { return verb_version(output_); });
  }

  // The innermost verb that the command line named.
  CLI::App* active() {
    CLI::App* found = &app_;
    while (!found->get_subcommands().empty()) found = found->get_subcommands().front();
    return found;
  }

  std::string reference() {
    auto text = app_.help();
    for (auto* verb : app_.get_subcommands(nullptr)) {
      auto below = verb->get_subcommands(nullptr);
      if (below.empty()) below.push_back(verb);
      for (const auto* one : below) text += "\n" + std::string(100, '-') + "\n" + help_of(one);
    }
    return text;
  }

  int report(const CLI::ParseError& error, int argc, const char* const* argv) {
    // The format may stand behind what is wrong.
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      const bool is_next = (word == "-o" || word == "--output") && i + 1 < argc &&
                           std::string_view(argv[i + 1]) == "json";
      if (is_next || word == "--output=json" || word == "-ojson")
        output_.set_format(OutputFormat::json);
    }
    auto* verb = active();
    const auto command = verb == &app_ ? std::string("millrace") : "millrace " + path_of(verb);
    std::string message = error.what(), hint = "`" + command + " --help` shows what there is";
    const auto extras = app_.remaining(true);
    if (!extras.empty()) {
      const auto word = extras.front().substr(0, extras.front().find('='));
      const bool is_flag = word.starts_with("-");
      const bool is_verb = !is_flag && !verb->get_subcommands(nullptr).empty();
      message = command +
                (is_flag   ? ": unknown flag '"
                 : is_verb ? ": unknown verb '"
                           : ": unexpected argument '") +
                word + "'";
      const auto known = is_flag   ? flags_of(*verb)
                         : is_verb ? names_of(*verb)
                                   : std::vector<std::string>{};
      if (const auto nearest = nearest_word(word, known); !nearest.empty())
        hint = "did you mean '" + nearest + "'? " + hint;
      else if (is_verb)
        hint = suggestion(word, known);
    }
    return output_.fail({Code::invalid_argument, message, hint});
  }

  // With the whole command in the line of usage.
  std::string help_of(const CLI::App* verb) const {
    if (verb == &app_) return app_.help();
    const auto path = "millrace " + path_of(verb);
    return verb->help(path.substr(0, path.rfind(' ')));
  }

  std::string path_of(const CLI::App* verb) const {
    const auto* parent = verb->get_parent();
    return parent == nullptr || parent == &app_ ? verb->get_name()
                                                : path_of(parent) + " " + verb->get_name();
  }

  CLI::App app_;
  Output output_;
  std::string format_;
  std::function<int()> call_;
  RunVerb run_;
  InitVerb init_;
  ValidateVerb validate_;
  DocsVerb docs_;
  PredictVerb predict_;
  SendVerb send_;
  ServeVerb serve_;
  ModelsVerb models_;
  ModelShowVerb model_show_;
  CheckpointsVerifyVerb checkpoints_verify_;
  KeygenVerb keygen_;
  ClusterCommands cluster_;
  std::string shell_;
};

}  // namespace

int run_cli(int argc, const char* const* argv) {
  // A reader that went away (`millrace docs cli | head`) is no reason to die by a signal in the
  // middle of a write.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return CommandLine().run(argc, argv);
  } catch (const std::exception& error) {
    return Output().fail(
        {Code::internal, std::string("unexpected: ") + error.what(), "please report this"});
  }
}

}  // namespace millrace::cli
