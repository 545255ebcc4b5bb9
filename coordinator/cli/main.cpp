#include "coordinator/cli/cli.hpp"

int main(int argc, char** argv) {
  return millrace::cli::run_cli(argc, argv);
}
