// A worker's state in RocksDB, on its way into checkpoints and back.
//
// Place: a snapshot of a cut is put here by trainers and shards, then shipped to the checkpoint
// store as one part. The folder is scratch: the commit log and the store decide what exists, so a
// new attempt begins in an empty folder or in one that `restore` filled. One StateDb per worker;
// threads: one at a time.
//
// Each cut has a column family of its own, dropped as a whole when a later cut is shipped, so there
// is no compaction and the parts of two cuts share no file: damage to one cut leaves the others
// whole. State that outlives cuts and changes rarely is `kept`: its files are shipped once, and
// later parts refer to them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/manifest.hpp"

namespace rocksdb {
class FileSystem;
}

namespace millrace {

struct StateDbOptions {
  std::string folder = {};  // made when absent; on the file system of a file:// store, files are
                            // linked, not copied
  WorkerId worker = {};
  PartDescriptor restored =
      {};  // the part that `restore` put into the folder: its files need not be shipped again
  std::shared_ptr<rocksdb::FileSystem> file_system = {};  // absent: the machine's own
};

class StateDb {
 public:
  static Result<std::unique_ptr<StateDb>> open(StateDbOptions options);
  // Fills an empty or absent folder with a part. Every file's length, CRC32C and SHA-256 are
  // verified before use; a wrong one is `corrupted` and names the object.
  static Status restore(const PartDescriptor& part, CheckpointStore& store,
                        const std::string& folder);
  // `restore`, and what it filled opened on behalf of the worker that shipped it.
  static Result<std::unique_ptr<StateDb>> open_restored(const PartDescriptor& part,
                                                        CheckpointStore& store,
                                                        const std::string& folder);
  ~StateDb();

  // State of cut `cut`, of any size up to limits::kStateValueBytesMax. Replaces an earlier value of
  // the key.
  Status put(CutId cut, const std::string& key, ByteView bytes);
  Result<Bytes> get(CutId cut, const std::string& key) const;
  // Keys of a cut that begin with `prefix`, sorted.
  Result<std::vector<std::string>> list(CutId cut, const std::string& prefix) const;
  // The cuts whose state is here, ascending: after a restore, the one that was restored.
  std::vector<CutId> cuts() const;

  Status put_kept(const std::string& key, ByteView bytes);
  Result<Bytes> get_kept(const std::string& key) const;

  // Writes what was put to local files. `ship` does it by itself.
  Status flush(CutId cut);
  // Drops the state of earlier cuts, flushes and uploads. A failed ship may have left objects:
  // abandon the cut. Once per cut: a second call is `conflict`.
  Result<PartDescriptor> ship(CutId cut, Attempt attempt, CheckpointStore& store);
  // The commit log says complete(cut): later parts may refer to the files shipped with it.
  void completed(CutId cut);
  // The commit log says abandon(cut): its files will be deleted, so what is kept is shipped anew.
  void abandoned(CutId cut);

 private:
  struct Database;
  explicit StateDb(std::unique_ptr<Database> database);

  std::unique_ptr<Database> database_;
};

}  // namespace millrace
