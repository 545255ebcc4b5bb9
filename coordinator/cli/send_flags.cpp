#include "coordinator/cli/send_flags.hpp"

#include <CLI/CLI.hpp>

namespace millrace::cli {

void add_send_flags(CLI::App& verb, SendVerb& send) {
  verb.add_option("file", send.file, "rows as CSV; - is standard input")
      ->required()
      ->type_name("CSV");
  verb.add_option("--to", send.endpoint, "where the job listens: status and summary name it")
      ->required()
      ->type_name("tcp://HOST:PORT");
  verb.add_flag("!--no-header", send.has_header, "the CSV has no header line");
  verb.add_option("--producer", send.producer,
                  "who sends (default: a new name); sent again under the same name, in messages "
                  "of as many rows, what has arrived is not counted again")
      ->type_name("NAME");
  verb.add_option("--rows-per-message", send.rows_per_message, "at most (default 500)")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N");
  verb.add_option("--rate", send.rate, "rows a second (default: as fast as they are taken)")
      ->type_name("N");
  verb.add_option("--keys", send.keys,
                  "this client's keys, for a source that asks for them (keygen's clients/NAME)")
      ->type_name("DIR");
  verb.add_option("--timeout", send.timeout_s,
                  "seconds without a word from the source (default 60)")
      ->type_name("S");
}

}  // namespace millrace::cli
