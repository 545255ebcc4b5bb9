#include <malloc.h>

#include "coordinator/cli/cli.hpp"

int main(int argc, char** argv) {
  // Blocks, pushes and views of up to a few MiB are freed and taken again all the time: the
  // allocator keeps their pages.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
  return millrace::cli::run_cli(argc, argv);
}
