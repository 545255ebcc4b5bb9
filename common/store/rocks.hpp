// RocksDB as Millrace sets it up, and its errors as ours. Include only from sources of this folder.
//
// A state database holds few large values that are written once, flushed once and read once: no
// cache, no compression (floats do not compress), no log files, small buffers, and one thread each
// to flush and to compact.
#pragma once

#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <string>

#include "common/base/status.hpp"

namespace millrace {

rocksdb::DBOptions database_options();
// Of a cut: written once and dropped as a whole, so it is never compacted.
rocksdb::ColumnFamilyOptions cut_family_options();
// Of what is kept: overwritten now and then, so it is.
rocksdb::ColumnFamilyOptions kept_family_options();

// "cannot <action>: <RocksDB's text>".
Status rocks_status(const rocksdb::Status& status, const std::string& action);

}  // namespace millrace
