// A RocksDB file system that leaves out every fsync. Include only from sources of this folder.
//
// Why that is safe: a state folder is scratch, wiped or restored whenever a job starts, and what a
// checkpoint consists of is made durable by the checkpoint store. It saves about ten fsyncs of each
// checkpoint's twenty.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>

namespace millrace {

std::shared_ptr<rocksdb::FileSystem> make_scratch_file_system(
    const std::shared_ptr<rocksdb::FileSystem>& target);

}  // namespace millrace
