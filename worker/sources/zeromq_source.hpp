// Reads what producers send to a ROUTER socket: rows in messages that are numbered by producer.
//
// Place: a RecordSource of one split, used by its training thread alone. It listens from its first
// `fill` on; what is not needed yet waits in a bounded queue, and beyond that in the producers'
// sockets, which are not read. The offset counts lines; which lines of whom they were is in
// state(). A producer is told what is acknowledged when a cut is complete.
#pragma once

#include "worker/sources/record_source.hpp"

namespace millrace {

Result<std::unique_ptr<RecordSource>> open_zeromq_source(const SourceSpec& source,
                                                         const Schema& schema,
                                                         const SplitDescription& split, Offset from,
                                                         const SlotSources& slot);

}  // namespace millrace
