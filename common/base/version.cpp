#include "common/base/version.hpp"

namespace millrace {

const char* program_version() {
  return MILLRACE_VERSION;
}

}  // namespace millrace
