// The bytes of volume_messages.hpp and volume_interfaces.hpp.
#include "common/actors/codec_template.hpp"
#include "common/actors/volume_interfaces.hpp"
#include "common/base/limits.hpp"

namespace millrace {

template <>
inline constexpr const char* kMessageName<VolumeRequest> = "a request to the coordinator's volume";
template <>
inline constexpr const char* kMessageName<VolumeReply> = "an answer of the coordinator's volume";
template <>
inline constexpr const char* kMessageName<VolumeOffered> = "an offer of the coordinator's volume";

namespace {

template <typename F>
void object_name(F& f, std::string& name) {
  f(TextField{name, limits::kObjectNameBytesMax, "bytes of an object's name"});
}
template <typename F>
void chunk(F& f, Bytes& bytes) {
  f(BlobField{bytes, limits::kVolumeChunkBytesMax, "bytes of a piece of an object"});
}

}  // namespace

namespace volume {

template <typename F>
static void fields(F& f, PutChunk& put) {
  object_name(f, put.object);
  f(put.put, put.round, put.total, put.offset);
  chunk(f, put.bytes);
  f(put.crc32c);
}
template <typename F>
static void fields(F& f, GetRange& range) {
  object_name(f, range.object);
  f(range.offset, range.bytes_max);
}
template <typename F>
static void fields(F& f, ListNames& list) {
  object_name(f, list.prefix);
  object_name(f, list.after);
}
template <typename F>
static void fields(F& f, RemoveObject& removal) {
  object_name(f, removal.object);
}
template <typename F>
static void fields(F& f, PutNews& news) {
  f(EnumField{news.state, PutState::existed, "the state of an object that is put"}, news.received);
}
template <typename F>
static void fields(F& f, Range& range) {
  f(range.total);
  chunk(f, range.bytes);
}
template <typename F>
static void fields(F& f, Names& names) {
  f(ListField{names.names, limits::kVolumeNamesMax, "names of objects"}, names.is_last);
}
template <typename F>
static void fields(F&, Removed&) {}

}  // namespace volume

template <typename F>
static void fields(F& f, VolumeRequest& request) {
  f(TextField{request.job, limits::kStringBytesMax, "bytes of a job's name"}, request.what);
}
template <typename F>
static void fields(F& f, VolumeReply& reply) {
  outcome(f, reply.status);
  f(reply.credit_bytes, reply.what);
}
template <typename F>
static void fields(F& f, VolumeOffered& message) {
  f(message.worker);
}

template Result<Frame> encode_message(const VolumeRequest&);
template Result<VolumeRequest> decode_message(ByteView);
template Result<Frame> encode_message(const VolumeReply&);
template Result<VolumeReply> decode_message(ByteView);
template Result<Frame> encode_message(const VolumeOffered&);
template Result<VolumeOffered> decode_message(ByteView);

caf::error inspect_handles(caf::serializer& sink, VolumeOffered& message) {
  return sink(message.volume);
}

caf::error inspect_handles(caf::deserializer& source, VolumeOffered& message) {
  if (auto error = source(message.volume)) return error;
  if (message.volume) return caf::none;
  return refuse_message({Code::corrupted, "an offer of a volume does not name its actor"});
}

}  // namespace millrace
