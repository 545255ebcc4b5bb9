// What the process of a worker and the coordinator say to each other beside their jobs.
//
// Place: a worker's process has one worker host (worker/actors/worker_host.hpp), which joins the
// coordinator, opens a worker for each job that it is told to host, prepares jobs and serves
// versions. What happens inside a job goes from job master to worker: messages.hpp. Messages with
// handles, and who takes which: host_interfaces.hpp.
//
// Every message may come twice or late; each says how it is told apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/actors/messages.hpp"
#include "common/security/node_proof.hpp"

namespace millrace {

// ---- Joining: the host asks, both prove who they are, the coordinator decides

// What a worker may be used for.
struct WorkerRoles {
  bool train = true;       // replicas
  bool parameters = true;  // shards
  bool serve = true;       // predictions
  bool operator==(const WorkerRoles&) const = default;
};
struct WorkerLabel {
  std::string key, value;
  bool operator==(const WorkerLabel&) const = default;
};
// What a coordinator needs to know of a worker to use it; fixed for a life of its process.
struct WorkerOutline {
  WorkerId id;       // drawn at random for each life of the process; never 0
  std::string name;  // of the node; in a cluster with keys, the certificate's
  WorkerRoles roles;
  std::uint32_t slots = 1;         // replicas that it trains at full speed
  std::uint64_t memory_bytes = 0;  // that it may use
  std::vector<WorkerLabel> labels;
  NodeAddress address;      // where other workers reach its actors
  std::string predictions;  // "tcp://host:port" as clients reach it; empty: it serves nothing
  std::string version;      // of the program
  bool operator==(const WorkerOutline&) const = default;
};

// The coordinator's answer to AskToJoin: sign this.
struct JoinChallenge {
  Bytes nonce;
  security::NodeProof proof;  // that the coordinator is one
};
// The host is a member: it is given jobs from now on.
struct Welcome {
  WorkerId worker;
  std::string coordinator;  // name of its node
  std::string version;      // of its program
};
// unreachable, conflict: ask again later; permission_denied: people must act first.
struct JoinRefused {
  WorkerId worker;
  Status status;
};

// ---- Orders to a host

// Host this job: make a worker for it, or say which there is. Answered by JobOpened.
struct OpenJob {
  std::string job;
  Term term;
};
// End what is hosted of this job. An order below the highest term heard of the job is ignored.
struct CloseJob {
  std::string job;
  Term term;
};
// Read the head of the stream, infer the schema, plan the splits. With `stored`, see whether that
// job goes on with these settings and that stream instead. Answered by JobPrepared.
struct PrepareJob {
  std::uint64_t request = 0;  // told apart by the coordinator
  JobSpec spec;               // as submitted: parts may be absent
  std::string base_folder;    // relative source paths start here
  JobPackagePtr stored;       // null: a new job
};
struct AliasMove {
  std::string alias;
  VersionId version;
  std::uint64_t revision = 0;  // rises with every move; an older one changes nothing
  bool operator==(const AliasMove&) const = default;
};
// Load a version and answer predictions from it; then move the aliases. Answered by ServingNews.
struct ServeVersion {
  std::string job;
  std::string store_url;  // the job's checkpoint store
  std::string object;     // name in it; empty: nothing is loaded, only aliases move
  std::string digest;     // of the model
  VersionId version;
  std::vector<AliasMove> aliases;
};
// Take no new jobs; those that are hosted will be moved away. False takes it back.
struct Drain {
  bool is_draining = true;
};
// The answer to LeaveCluster: nothing of the host is needed any more.
struct Released {
  WorkerId worker;
};

// ---- News from a host

struct JobPrepared {
  WorkerId worker;
  std::uint64_t request = 0;
  Status status;
  JobPackagePtr package;  // null when status is not ok
  bool is_resumed = false;
  std::vector<std::string> notes;  // what was decided, for people
  std::vector<std::string> warnings;
};
struct ServingNews {
  WorkerId worker;
  std::string job;
  VersionId version;               // that ServeVersion named
  Status status;                   // ok: it is served and the aliases are moved
  std::vector<AliasMove> aliases;  // of the job, as they are now
};
// The process is about to end: a last checkpoint of what it hosts, please. Answered by Released.
struct LeaveCluster {
  WorkerId worker;
  std::string reason;
};

}  // namespace millrace
