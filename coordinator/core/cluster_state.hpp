// The table of hosts and jobs: who may use which slots, who waits, who moves away.
//
// Place: the coordinator actor owns one, feeds it every arrival, loss, submit and timer, and
// executes the effects in order. Pure: no I/O, no clock; iteration follows submission and name.
//
// Invariants: the replicas granted on a host never exceed its slots, nor the estimated bytes its
// memory. A job is granted all that it needs or nothing, but for the patience after a coordinator's
// restart: two jobs never wait for each other's rest. Jobs are placed in the order of their
// submission; one that does not fit does not hold back those behind it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/cluster_events.hpp"

namespace millrace {

struct ClusterOptions {
  // After a restart of the coordinator: how long a job waits for the hosts that may still run it
  // before it is placed anew. Longer than a worker takes to find the coordinator again.
  std::chrono::milliseconds adoption_patience{8'000};
  // How long a draining host waits for the checkpoints of its jobs before they move without one.
  std::chrono::milliseconds drain_patience{60'000};
  // Before a host that refused a job is asked again.
  std::chrono::milliseconds refusal_pause{5'000};
};

class ClusterState {
 public:
  struct Host {
    HostOffer offer;
    bool is_draining = false;
    bool is_lost = false;
    std::uint64_t lost_order = 0;  // the oldest ones are forgotten first
  };
  struct Job {
    JobDemand demand;
    std::uint64_t order = 0;  // of its submission
    Grants grants;
    std::string waits_for;                                  // empty: it has all that it needs
    std::optional<std::chrono::milliseconds> adopts_until;  // set: only what runs is granted
    std::optional<std::chrono::milliseconds> moves_at;      // set: leaves draining hosts then
    std::map<WorkerId, std::chrono::milliseconds> refused_until;
  };

  explicit ClusterState(const ClusterOptions& options = {}) : options_(options) {}

  std::vector<ClusterEffect> on_event(const ClusterEvent& event);

  // Lost ones too, until they are forgotten.
  const std::map<WorkerId, Host>& hosts() const { return hosts_; }
  const std::map<std::string, Job>& jobs() const { return jobs_; }
  std::uint32_t slots_used(WorkerId worker) const;
  std::vector<std::string> jobs_on(WorkerId worker) const;
  // What the job would wait for with this demand, if it gave back what it holds; empty: nothing.
  std::string reason_to_wait(const std::string& job, const JobDemand& demand) const;
  // Where a job can be prepared: hosts that train, in the order in which they are to be asked.
  std::vector<WorkerId> trainers() const;

 private:
  using Effects = std::vector<ClusterEffect>;

  void on(const HostJoined& event, Effects& effects);
  void on(const HostLost& event, Effects& effects);
  void on(const JobWanted& event, Effects& effects);
  void on(const JobResized& event, Effects& effects);
  void on(const JobUnwanted& event, Effects& effects);
  void on(const HostRefused& event, Effects& effects);
  void on(const DrainRequested& event, Effects& effects);
  void on(const JobSaved& event, Effects& effects);
  void on(const ClusterTick& event, Effects& effects);

  void take_hosted(const HostJoined& event, Effects& effects);
  bool adopt_part(Job& job, const HostJoined& event, const WorkerRoom& room);
  void forget_old_hosts();
  void place_jobs(Effects& effects);
  static bool is_whole(const Job& job);
  bool is_adopting(const Job& job) const;
  // `held`: what the job had before, and may lose.
  void place(const std::string& name, Job& job, const Grants& held, Effects& effects);
  GrantChoice choose_beside(Job& job, const Grants& held) const;
  bool is_free(const Job& job, const Grants& held) const;
  void grant(const std::string& name, Job& job, Grants grants, const Grants& held,
             Effects& effects);
  void leave_draining(const std::string& name, Job& job, Effects& effects);
  void report_drained(Effects& effects);
  void revoke(const std::string& name, Job& job, WorkerId worker, bool is_lost, Effects& effects);
  void revoke_all(const std::string& name, Job& job, Effects& effects);
  std::vector<HostRoom> rooms_for(const Job& job) const;
  HostRoom room_of(const Host& host) const;

  ClusterOptions options_;
  std::map<WorkerId, Host> hosts_;
  std::map<std::string, Job> jobs_;
  std::map<WorkerId, bool> drains_;  // hosts whose HostDrained is owed
  std::uint64_t next_order_ = 0;
  std::chrono::milliseconds now_{0};
};

}  // namespace millrace
