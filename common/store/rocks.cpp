#include "common/store/rocks.hpp"

#include <rocksdb/env.h>
#include <rocksdb/table.h>

#include <memory>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

// RocksDB reports every failure as a status as well; its log would only cost files and fsyncs.
class NullLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Large enough that a chunk is a block of its own and small values share one.
constexpr std::size_t kBlockBytes = 64u << 10;
constexpr int kNever = 1 << 30;
constexpr std::uint64_t kManifestRollBytes = 256u << 10;

Code code_of(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return Code::resource_exhausted;
  if (status.IsCorruption()) return Code::corrupted;
  if (status.IsNotFound()) return Code::not_found;
  if (status.IsInvalidArgument()) return Code::invalid_argument;
  return Code::io_error;
}

const char* hint_for(Code code) {
  switch (code) {
    case Code::resource_exhausted:
      return "make room on that disk or name a folder on another one; what was complete is intact";
    case Code::corrupted:
      return "run again: an earlier checkpoint is used";
    default:
      return "check the disk (the kernel's log says more); the last complete checkpoint is intact";
  }
}

}  // namespace

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.info_log = std::make_shared<NullLogger>();
  options.max_background_jobs = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.avoid_flush_during_shutdown = true;
  // Preallocated space counts against a quota and is never used.
  options.allow_fallocate = false;
  options.max_manifest_file_size = kManifestRollBytes;
  // We resume after a failure when a new cut begins, and know the state then.
  options.max_bgerror_resume_count = 0;
  return options;
}

rocksdb::ColumnFamilyOptions kept_family_options() {
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  table.block_size = kBlockBytes;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = limits::kStateWriteBufferBytes;
  options.max_write_buffer_number = 2;
  return options;
}

rocksdb::ColumnFamilyOptions cut_family_options() {
  auto options = kept_family_options();
  options.disable_auto_compactions = true;
  // A cut may have any number of files; waiting for a compaction that never comes would be for
  // ever.
  options.level0_slowdown_writes_trigger = kNever;
  options.level0_stop_writes_trigger = kNever;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
  return options;
}

Status rocks_status(const rocksdb::Status& status, const std::string& action) {
  if (status.ok()) return Status();
  const auto code = code_of(status);
  return Status(code, "cannot " + action + ": " + status.ToString(), hint_for(code));
}

}  // namespace millrace
