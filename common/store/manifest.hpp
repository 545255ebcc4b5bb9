// The manifest of a checkpoint: what a cut consists of. It is written last, and a cut without one
// does not exist.
//
// Place: made by the job master from the parts its workers shipped; read at recovery by
// checkpoint_reader and by whoever traces a model version to its data. Human-readable JSON whose
// last member, `integrity`, holds CRC32C and SHA-256 of every byte before it, so that a truncated
// or flipped manifest is never taken for a whole one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"
#include "common/base/status.hpp"

namespace millrace {

inline constexpr std::uint16_t kManifestFormat = 1;

// One object of a part, see part_prefix.
struct StoredFile {
  std::string name = {};
  std::uint64_t size = 0;
  std::uint32_t crc32c = 0;
  std::string sha256 = {};  // 64 lower-case hexadecimal digits

  friend bool operator==(const StoredFile&, const StoredFile&) = default;
};

// What one worker shipped for one cut: every file that its state at the cut needs.
struct PartDescriptor {
  WorkerId worker = {};
  std::vector<StoredFile> files = {};

  std::uint64_t bytes() const;
  // The part as one thing: its objects' common beginning, its bytes, and hashes over what names its
  // files.
  StoredFile summary() const;
  friend bool operator==(const PartDescriptor&, const PartDescriptor&) = default;
};

// Where reading of a split stands: everything before `offset` is learned, and `learned` counts it.
struct SplitPosition {
  SplitId id = {};
  std::string path = {};
  std::uint64_t begin = 0;  // [begin, end) of the split
  std::uint64_t end = 0;
  Offset offset = {};
  bool is_finished = false;  // nothing follows `offset`
  RecordSums learned = {};

  friend bool operator==(const SplitPosition&, const SplitPosition&) = default;
};

struct RecordTotals {
  std::uint64_t read = 0;  // = records + quarantined + skipped
  std::uint64_t records = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t skipped = 0;

  friend bool operator==(const RecordTotals&, const RecordTotals&) = default;
};

struct Manifest {
  std::string job;
  Term term;
  Attempt attempt;
  CutId cut;
  std::string savepoint;        // its name, or empty for a checkpoint
  std::string created_at;       // RFC 3339, UTC
  std::string instruction_set;  // digests are promised per instruction set
  std::string program_version;
  std::string job_fingerprint;
  std::string schema_fingerprint;
  bool is_final = false;  // every split has ended
  RecordTotals totals;
  std::vector<SplitPosition> splits;
  std::vector<PartDescriptor> parts;
  std::vector<WorkerId> replicas;               // whose part holds each replica
  std::vector<WorkerId> shards;                 // whose part holds each shard
  ShardLedger ledger;                           // the same in every shard
  std::map<std::string, std::string> metadata;  // what else belongs to the cut, opaque here

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// invalid_argument when the manifest breaks a rule that decode would refuse it for.
Result<Bytes> encode_manifest(const Manifest& manifest);
// corrupted for anything that is not exactly what encode wrote; unsupported_format for a newer
// format.
Result<Manifest> decode_manifest(ByteView bytes);

// A part on its way from a worker to the job master. encode fails as encode_manifest does.
Bytes encode_part(const PartDescriptor& part);
Result<PartDescriptor> decode_part(ByteView bytes);

// Objects are named by what made them, so that a name is never used twice:
//   manifests/cut-<n>.attempt-<n>.json
//   parts/cut-<n>.attempt-<n>.worker-<n>.<RocksDB session>.<file in the state folder>
std::string manifest_name(CutId cut, Attempt attempt);
std::string part_prefix(WorkerId worker, CutId cut, Attempt attempt, const std::string& session);
// The name in the state folder of a part's object; empty when it is none.
std::string state_file_name(const std::string& object);

// A cut as the commit log names it. Ids of cuts are unique in a job, but for two attempts at cut 0.
struct CutRef {
  CutId cut;
  Attempt attempt;

  friend bool operator==(const CutRef&, const CutRef&) = default;
};

// The cut and attempt that wrote an object, from its name; not_found for objects of another kind.
Result<CutRef> object_origin(const std::string& name);

}  // namespace millrace
