// What workers ask of the coordinator's volume, where jobs keep checkpoints that are stored nowhere
// else, and what it answers.
//
// Place: RemoteStore (worker/actors) asks, the volume's actor (coordinator/actors) hands requests
// to a VolumeKeeper (coordinator/registry). Bulk goes in chunks that each wait for their answer, as
// many at a time as the last answer's credit allows, since heartbeats pass on the same connection.
//
// Every request may come twice or late: an object is put under a number that its writer drew, and
// what was settled under it is answered again; the others change nothing when they are repeated.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"

namespace millrace {

namespace volume {

// A piece of an object, in order. It is created, if it is absent then, by its last piece.
struct PutChunk {
  std::string object;
  std::uint64_t put = 0;    // drawn by the writer for this object
  std::uint32_t round = 0;  // rises when the writer begins again at 0; older rounds are refused
  std::uint64_t total = 0;  // bytes of the object
  std::uint64_t offset = 0;
  Bytes bytes;
  std::uint32_t crc32c = 0;  // of the object up to the end of this piece
};
// At most limits::kVolumeChunkBytesMax of an object.
struct GetRange {
  std::string object;
  std::uint64_t offset = 0;
  std::uint32_t bytes_max = 0;
};
// Names that begin with `prefix` and come after `after`, sorted.
struct ListNames {
  std::string prefix;
  std::string after;
};
struct RemoveObject {
  std::string object;
};

}  // namespace volume

struct VolumeRequest {
  std::string job;
  std::variant<volume::PutChunk, volume::GetRange, volume::ListNames, volume::RemoveObject> what;
};

namespace volume {

enum class PutState : std::uint8_t { open, created, existed };
struct PutNews {
  PutState state = PutState::open;
  std::uint64_t received = 0;  // bytes, from the beginning
};
struct Range {
  std::uint64_t total = 0;  // bytes of the object
  Bytes bytes;
};
struct Names {
  std::vector<std::string> names;
  bool is_last = true;
};
struct Removed {};

}  // namespace volume

struct VolumeReply {
  // unreachable: this put is not known here, begin again; permission_denied: this worker does not
  // run the job.
  Status status = {};
  // What the asking process may have on its way, from now on.
  std::uint32_t credit_bytes = 0;
  // Of no meaning unless the status is ok.
  std::variant<volume::PutNews, volume::Range, volume::Names, volume::Removed> what = {};
};

}  // namespace millrace
