// The typed interfaces between the coordinator and the hosts in workers' processes, and those of
// their messages that hold handles.
//
// Place: included by the actors that host and by those that are told of hosts.
#pragma once

#include <caf/all.hpp>

#include <optional>
#include <string>
#include <vector>

#include "common/actors/host_messages.hpp"
#include "common/actors/interfaces.hpp"
#include "common/actors/volume_interfaces.hpp"

namespace millrace {

// A worker's process as the coordinator sees it; what is published at its CAF address.
using worker_host =
    caf::typed_actor<caf::reacts_to<JoinChallenge>, caf::reacts_to<Welcome>,
                     caf::reacts_to<JoinRefused>, caf::reacts_to<OpenJob>, caf::reacts_to<CloseJob>,
                     caf::reacts_to<PrepareJob>, caf::reacts_to<ServeVersion>,
                     caf::reacts_to<Drain>, caf::reacts_to<Released>, caf::reacts_to<WorkerTick>,
                     caf::reacts_to<VolumeOffered>>;

// The first thing that a host says, and what it says again until it is answered.
struct AskToJoin {
  WorkerId worker;
  Bytes nonce;  // for the coordinator to sign
  worker_host host;
};
// What a host still runs of a job: after the coordinator was away, or died.
struct HostedJob {
  std::string job;
  Term term;  // the highest heard
  std::optional<RunningPart> running;
  worker_control handle;
};
struct JoinCluster {
  WorkerOutline outline;
  security::NodeProof proof;
  std::vector<HostedJob> jobs;
  worker_host host;
};
// The answer to OpenJob. Without a handle when status is not ok.
struct JobOpened {
  WorkerId worker;
  std::string job;
  Term term;
  Status status;
  worker_control handle;
};

// The coordinator as hosts see it; what is published at its CAF address.
using cluster_registry = caf::typed_actor<caf::reacts_to<AskToJoin>, caf::reacts_to<JoinCluster>,
                                          caf::reacts_to<JobOpened>, caf::reacts_to<JobPrepared>,
                                          caf::reacts_to<ServingNews>, caf::reacts_to<LeaveCluster>,
                                          caf::reacts_to<WorkerTick>>;

// ---- Between processes; the codec is host_codec.cpp

#define MILLRACE_TRAVELS(Message)                               \
  template <>                                                   \
  inline constexpr bool travels<Message> = true;                \
  extern template Result<Frame> encode_message(const Message&); \
  extern template Result<Message> decode_message(ByteView)
MILLRACE_TRAVELS(JoinChallenge);
MILLRACE_TRAVELS(Welcome);
MILLRACE_TRAVELS(JoinRefused);
MILLRACE_TRAVELS(OpenJob);
MILLRACE_TRAVELS(CloseJob);
MILLRACE_TRAVELS(PrepareJob);
MILLRACE_TRAVELS(ServeVersion);
MILLRACE_TRAVELS(Drain);
MILLRACE_TRAVELS(Released);
MILLRACE_TRAVELS(JobPrepared);
MILLRACE_TRAVELS(ServingNews);
MILLRACE_TRAVELS(LeaveCluster);
// Without their handles.
MILLRACE_TRAVELS(AskToJoin);
MILLRACE_TRAVELS(JoinCluster);
MILLRACE_TRAVELS(JobOpened);
#undef MILLRACE_TRAVELS

caf::error inspect_handles(caf::serializer& sink, AskToJoin& message);
caf::error inspect_handles(caf::deserializer& source, AskToJoin& message);
caf::error inspect_handles(caf::serializer& sink, JoinCluster& message);
caf::error inspect_handles(caf::deserializer& source, JoinCluster& message);
caf::error inspect_handles(caf::serializer& sink, JobOpened& message);
caf::error inspect_handles(caf::deserializer& source, JobOpened& message);

// Called by add_control_messages.
void add_host_messages(caf::actor_system_config& config);

}  // namespace millrace

CAF_BEGIN_TYPE_ID_BLOCK(millrace_host, caf::id_block::millrace_control::end)
CAF_ADD_TYPE_ID(millrace_host, (millrace::JoinChallenge))
CAF_ADD_TYPE_ID(millrace_host, (millrace::Welcome))
CAF_ADD_TYPE_ID(millrace_host, (millrace::JoinRefused))
CAF_ADD_TYPE_ID(millrace_host, (millrace::OpenJob))
CAF_ADD_TYPE_ID(millrace_host, (millrace::CloseJob))
CAF_ADD_TYPE_ID(millrace_host, (millrace::PrepareJob))
CAF_ADD_TYPE_ID(millrace_host, (millrace::ServeVersion))
CAF_ADD_TYPE_ID(millrace_host, (millrace::Drain))
CAF_ADD_TYPE_ID(millrace_host, (millrace::Released))
CAF_ADD_TYPE_ID(millrace_host, (millrace::JobPrepared))
CAF_ADD_TYPE_ID(millrace_host, (millrace::ServingNews))
CAF_ADD_TYPE_ID(millrace_host, (millrace::LeaveCluster))
CAF_ADD_TYPE_ID(millrace_host, (millrace::AskToJoin))
CAF_ADD_TYPE_ID(millrace_host, (millrace::JoinCluster))
CAF_ADD_TYPE_ID(millrace_host, (millrace::JobOpened))
CAF_ADD_TYPE_ID(millrace_host, (millrace::VolumeRequest))
CAF_ADD_TYPE_ID(millrace_host, (millrace::VolumeReply))
CAF_ADD_TYPE_ID(millrace_host, (millrace::VolumeOffered))
CAF_ADD_TYPE_ID(millrace_host, (millrace::worker_host))
CAF_ADD_TYPE_ID(millrace_host, (millrace::cluster_registry))
CAF_ADD_TYPE_ID(millrace_host, (millrace::checkpoint_volume))
CAF_END_TYPE_ID_BLOCK(millrace_host)
