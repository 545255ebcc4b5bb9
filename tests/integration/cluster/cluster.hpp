// A coordinator and worker hosts, each in an actor system of its own that the others know only over
// loopback, as processes do.
#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/actors/cluster_system.hpp"
#include "coordinator/actors/coordinator.hpp"
#include "tests/support/temporary_folder.hpp"
#include "worker/actors/interfaces.hpp"
#include "worker/actors/worker_host.hpp"

namespace millrace::test {

// Long enough for a busy machine; a test that needs it has failed.
inline constexpr std::chrono::seconds kPatience{120};

// Who loses the race for it fails loudly.
std::uint16_t free_port();

class CoordinatorNode {
 public:
  // The state and the store lie below `folder`; what is there goes on.
  CoordinatorNode(const std::filesystem::path& folder, std::uint16_t port);
  // Ends like a process that is killed: workers learn of it by their connection only.
  ~CoordinatorNode();
  CoordinatorNode(const CoordinatorNode&) = delete;
  CoordinatorNode& operator=(const CoordinatorNode&) = delete;

  control::ReplyKind ask(control::RequestKind what);
  // Fails the test on any other answer.
  template <typename Reply>
  Reply ask_for(control::RequestKind what) {
    auto reply = ask(std::move(what));
    if (const auto* error = std::get_if<control::Error>(&reply)) {
      BOOST_REQUIRE_MESSAGE(false, "refused: " << error->message);
    }
    BOOST_REQUIRE(std::holds_alternative<Reply>(reply));
    return std::get<Reply>(std::move(reply));
  }
  control::JobStatus status(const std::string& job);
  // The newest events, one a line.
  std::string events(const std::string& job);

  // Until `holds` of the job's status.
  template <typename Condition>
  control::JobStatus wait_for(const std::string& job, Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      auto now = status(job);
      if (holds(now)) return now;
      BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline,
                            job << " is " << control::to_string(now.state) << " (" << now.message
                                << ") with " << now.records << " records\n"
                                << events(job));
      pause();
    }
  }
  control::JobStatus wait_for_state(const std::string& job, control::JobState state);
  control::Operation wait_for_operation(const std::string& id);
  void wait_for_workers(std::size_t ready);

 private:
  static void pause();

  std::unique_ptr<ClusterSystem> system_;
  coordinator_actor coordinator_;
};

struct HostSettings {
  std::string name;
  std::uint32_t slots = 1;
  WorkerRoles roles = {};
  bool is_answering = false;  // predictions, at an endpoint of its own
};

class HostNode {
 public:
  HostNode(const std::filesystem::path& folder, std::uint16_t coordinator,
           const HostSettings& settings);
  // Ends like a process that is killed.
  ~HostNode();
  HostNode(const HostNode&) = delete;
  HostNode& operator=(const HostNode&) = delete;
  // Null unless it answers.
  const PredictionServer* server() const { return server_.get(); }

 private:
  std::shared_ptr<PredictionServer> server_;
  std::unique_ptr<ClusterSystem> system_;
  worker_host_actor host_;
};

// A job over generated records; `rate` in records a second over all replicas, 0: unbounded.
control::Submit job(const std::string& name, std::uint64_t records, std::uint32_t parallelism,
                    std::uint64_t rate = 0);

}  // namespace millrace::test
