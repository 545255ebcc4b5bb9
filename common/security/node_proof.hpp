// What a node shows to another to say which node it is: see node_credentials.hpp.
#pragma once

#include <string>

#include "common/base/bytes.hpp"

namespace millrace::security {

struct NodeProof {
  std::string certificate;  // PEM; empty: none, where there are no keys
  Bytes signature;          // over a statement: ECDSA with SHA-256, DER
};

}  // namespace millrace::security
