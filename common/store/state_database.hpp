// The RocksDB behind a StateDb. Include only from sources of this folder.
//
// Invariant: after any failure `has_failed` is set and nothing more is written for that cut; the
// next cut begins in a database that was resumed or made anew, so a full disk costs one checkpoint
// and no restart.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/store/rocks.hpp"
#include "common/store/state_db.hpp"

namespace millrace {

struct StateDb::Database {
  using Family = rocksdb::ColumnFamilyHandle*;
  using FilesByName = std::map<std::string, StoredFile>;  // by the name of the local file

  struct ValueHeader {
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    std::uint64_t chunks() const;
  };

  explicit Database(StateDbOptions database_options) : options(std::move(database_options)) {}
  ~Database() { close(); }

  Status open();
  void close();
  // Remembers that a write failed.
  Status note(const rocksdb::Status& status, const std::string& action);

  // The family of a cut, made when this is the first that is put for it.
  Result<Family> begin_cut(CutId cut);
  Status recover();
  Result<Family> family_of(CutId cut) const;

  Status put(Family family, const std::string& key, ByteView bytes);
  Result<std::optional<ValueHeader>> header(Family family, const std::string& key) const;
  Result<Bytes> get(Family family, const std::string& key) const;
  Result<std::vector<std::string>> list(Family family, const std::string& prefix) const;

  Status drop_before(CutId cut);
  Status flush(CutId cut);
  Status upload_all(const std::string& prefix, CheckpointStore& store, PartDescriptor& part,
                    FilesByName& uploaded);
  Result<StoredFile> upload(const rocksdb::LiveFileStorageInfo& file, const std::string& prefix,
                            CheckpointStore& store);

  StateDbOptions options;
  std::unique_ptr<rocksdb::Env> env;  // destroyed after `db`
  std::unique_ptr<rocksdb::DB> db;
  Family kept = nullptr;
  std::map<CutId, Family> cut_families;
  FilesByName shipped;                       // files that complete cuts put into the store
  std::map<CutId, FilesByName> unconfirmed;  // files of cuts that may still be abandoned
  std::optional<CutId> newest_shipped;       // or restored: cuts up to it are closed
  bool has_kept = false;
  bool has_failed = false;
};

}  // namespace millrace
