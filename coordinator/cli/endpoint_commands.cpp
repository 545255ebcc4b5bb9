#include "coordinator/cli/endpoint_commands.hpp"

#include <CLI/CLI.hpp>

#include "coordinator/cli/send_flags.hpp"

namespace millrace::cli {

void EndpointCommands::add_to(CLI::App& app, const AddVerb& add, Output& output) {
  app_ = &app;
  add_ = add;
  output_ = &output;
  add_predict();
  add_send();
  add_serve();
}

void EndpointCommands::add_predict() {
  auto* verb = add_(*app_, "predict", "Predict rows with a trained model",
                    "  millrace predict electricity --row period=0.5,nswprice=0.06\n"
                    "  millrace predict electricity@3 --file rows.csv --probabilities\n"
                    "  tail -f rows.csv | millrace predict electricity --file - --endpoint "
                    "tcp://127.0.0.1:4711\n",
                    [this] { return verb_predict(predict_, *output_); });
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

void EndpointCommands::add_send() {
  auto* verb = add_(*app_, "send", "Send rows to a job that listens for them",
                    "  millrace send rows.csv --to tcp://127.0.0.1:5601\n"
                    "  millrace send rows.csv --producer till-7 --to tcp://127.0.0.1:5601\n",
                    [this] { return verb_send(send_, *output_); });
  add_send_flags(*verb, send_);
}

void EndpointCommands::add_serve() {
  auto* verb =
      add_(*app_, "serve", "Answer predictions over ZeroMQ from stored models",
           "  millrace serve\n  millrace serve electricity --listen tcp://127.0.0.1:4711\n",
           [this] { return verb_serve(serve_, *output_); });
  verb->add_option("model", serve_.model, "one model (default: all in the state folder)")
      ->type_name("MODEL");
  verb->add_option("--listen", serve_.listen,
                   "endpoint (default: 127.0.0.1:4711 or the next free port)")
      ->type_name("tcp://HOST:PORT");
  auto* keys = verb->add_option("--keys", serve_.keys,
                                "encrypt, and answer only clients that the policy names (keygen's "
                                "nodes/NAME)");
  keys->type_name("DIR");
  verb->add_option("--policy", serve_.policy,
                   "which client may do what (default: policy.json with the keys, or where keygen "
                   "put it)")
      ->type_name("FILE")
      ->needs(keys);
  verb->add_flag("--insecure", serve_.is_insecure_accepted,
                 "listen beyond this machine although nothing protects it");
  add_state(*verb, serve_.state);
}

}  // namespace millrace::cli
