// Object storage for checkpoints: whole objects by name, created only if absent, durable when said
// so.
//
// Place: StateDb ships parts into it, the job master writes manifests and the commit log into it;
// one store belongs to one job. Threads: any, for different names; every call blocks, so never from
// an actor that is scheduled.
//
// Invariant: once `put_*` answered, the object survives a power loss, and its bytes never change
// until `remove`. An object is never visible half written. After a failed fsync the store refuses
// all further reads and writes: what the kernel dropped cannot be told from what it kept, so the
// store must be opened again and re-verified.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "common/config/secrets.hpp"
#include "common/store/store_volume.hpp"

namespace millrace {

class Disk;

// What a put found. Exactly one is true; `existed` says nothing about the bytes that are there:
// read them back.
struct PutOutcome {
  bool created = false;
  bool existed = false;
};

class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  // io_error and timed_out leave open whether the object exists now: settle it by reading back.
  virtual Result<PutOutcome> put_if_absent(const std::string& name, ByteView bytes) = 0;
  // Stores a file that is never written again, such as an SST: linked on the same file system,
  // otherwise copied.
  virtual Result<PutOutcome> put_file(const std::string& name, const std::string& local_path) = 0;
  virtual Result<Bytes> get(const std::string& name) = 0;
  // Copies an object to a new file. Not durable: what is restored can be restored again.
  virtual Status get_to_file(const std::string& name, const std::string& local_path) = 0;
  // Names that begin with `prefix`, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  // ok also when there was nothing to remove.
  virtual Status remove(const std::string& name) = 0;
  // Removes what writers left behind when they were killed. Only for the holder of the job's lock.
  virtual Status remove_leftovers() = 0;
  // ok, or why nothing is written to or read from this store any more; a job ends then.
  virtual Status health() const = 0;
  // How messages name an object, for instance its path.
  virtual std::string describe(const std::string& name) const = 0;
};

// Whether a put that failed so may have stored the object all the same.
bool is_ambiguous(const Status& status);

struct StoreOptions {
  SecretsFolder secrets = {};  // where the credentials of an object store are
  bool is_read_only = false;   // makes and probes nothing; not_found when a folder is absent
  std::shared_ptr<StoreVolume> volume = {};  // the coordinator's; null: it cannot be reached
};

// The base URL of the stores that the coordinator keeps itself.
inline constexpr const char* kCoordinatorStore = "coordinator";

// Opens the store that a URL names: file:///folder, which is made when absent, s3://bucket/prefix
// as docs/checkpoints.md describes it, or coordinator/job.
Result<std::unique_ptr<CheckpointStore>> open_checkpoint_store(const std::string& url,
                                                               const StoreOptions& options = {});
// The URL of one job's store below the base that the jobs of a cluster share: base/job, with the
// query where it belongs.
Result<std::string> job_store_url(const std::string& base, const std::string& job);
// The same for a plain folder, with the system calls passed in. `disk` outlives the store.
Result<std::unique_ptr<CheckpointStore>> open_file_store(const std::string& folder, Disk& disk);
// Of a folder that exists, making nothing in it; for who only reads.
Result<std::unique_ptr<CheckpointStore>> read_file_store(const std::string& folder, Disk& disk);

// Object names are relative, at most limits::kObjectNameBytesMax bytes of printable ASCII, and have
// no empty part and none that begins with a dot (so no ".." either).
Status check_object_name(std::string_view name);

}  // namespace millrace
