// The program's version, as manifests, published models and `millrace version` name it.
#pragma once

namespace millrace {

const char* program_version();

}  // namespace millrace
