// The typed interface of the coordinator's volume, and how a worker's process hears of it.
//
// Place: part of host_interfaces.hpp, which gives these messages their places.
#pragma once

#include "common/actors/inspect.hpp"
#include "common/actors/messages.hpp"
#include "common/actors/volume_messages.hpp"

namespace millrace {

using checkpoint_volume = caf::typed_actor<caf::replies_to<VolumeRequest>::with<VolumeReply>>;

// Said to a host after its Welcome: job stores that are the coordinator's are found there.
struct VolumeOffered {
  WorkerId worker;
  checkpoint_volume volume;
};

template <>
inline constexpr bool travels<VolumeRequest> = true;
template <>
inline constexpr bool travels<VolumeReply> = true;
template <>
inline constexpr bool travels<VolumeOffered> = true;
extern template Result<Frame> encode_message(const VolumeRequest&);
extern template Result<VolumeRequest> decode_message(ByteView);
extern template Result<Frame> encode_message(const VolumeReply&);
extern template Result<VolumeReply> decode_message(ByteView);
// Without its handle.
extern template Result<Frame> encode_message(const VolumeOffered&);
extern template Result<VolumeOffered> decode_message(ByteView);

caf::error inspect_handles(caf::serializer& sink, VolumeOffered& message);
caf::error inspect_handles(caf::deserializer& source, VolumeOffered& message);

}  // namespace millrace
