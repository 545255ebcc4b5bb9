// The endpoints of a zeromq source as splits, and what its schema is inferred from.
//
// Place: asked once at submit, and its answer stored with cut 0. Replica i has split i, whose path
// is the endpoint where it listens: "tcp://127.0.0.1:5601".
#pragma once

#include <string>
#include <vector>

#include "worker/sources/split.hpp"

namespace millrace {

// One for each replica, at consecutive ports; port 0: ports that are free now. Nothing listens yet.
Result<std::vector<SplitDescription>> plan_zeromq_splits(const ZeroMqSpec& zeromq,
                                                         std::uint32_t parallelism);
// The job's sample as a source of its own: a file.
SourceSpec sample_of(const SourceSpec& source);

}  // namespace millrace
