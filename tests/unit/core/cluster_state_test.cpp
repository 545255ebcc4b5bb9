#include "coordinator/core/cluster_state.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"
#include "common/base/random.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using Effects = std::vector<ClusterEffect>;

ClusterOptions options() {
  ClusterOptions o;
  o.adoption_patience = milliseconds(1'000);
  o.drain_patience = milliseconds(2'000);
  o.refusal_pause = milliseconds(500);
  return o;
}

HostJoined host(std::uint32_t id, std::uint32_t slots) {
  HostJoined joined;
  joined.host.id = WorkerId(id);
  joined.host.name = "w" + std::to_string(id);
  joined.host.slots = slots;
  return joined;
}
HostJoined hosting(std::uint32_t id, std::uint32_t slots, const std::string& job, WorkerRoom room) {
  HostJoined joined = host(id, slots);
  joined.hosted[job] = room;
  return joined;
}
JobWanted wanted(const std::string& job, std::uint32_t replicas, bool is_recovered = false) {
  return {job, {replicas, 1, 0, 0}, is_recovered};
}

template <typename Effect>
std::vector<Effect> all(const Effects& effects) {
  std::vector<Effect> found;
  for (const auto& effect : effects) {
    if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
  }
  return found;
}

// A cluster and the sum of what its effects mean to the hosts.
struct Cluster {
  ClusterState state{options()};

  Effects feed(const ClusterEvent& event) {
    Effects effects = state.on_event(event);
    check();
    return effects;
  }
  Effects at(std::int64_t ms) { return feed(ClusterTick{milliseconds(ms)}); }
  const ClusterState::Job& job(const std::string& name) const { return state.jobs().at(name); }
  bool is_placed(const std::string& name) const {
    const WorkerRoom room = sum(job(name).grants);
    return room.replicas == job(name).demand.replicas && room.shards == job(name).demand.shards;
  }
  // No host gives more slots than it has, and nothing is held by half.
  void check() const {
    for (const auto& [id, known] : state.hosts()) {
      BOOST_REQUIRE_LE(state.slots_used(id), known.offer.slots);
      if (known.is_lost) BOOST_REQUIRE(state.jobs_on(id).empty());
    }
    for (const auto& [name, job] : state.jobs()) {
      if (!job.adopts_until) BOOST_REQUIRE(job.grants.empty() || is_placed(name));
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(unit_core_cluster_state)

BOOST_AUTO_TEST_CASE(a_job_waits_until_its_slots_are_there) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  const auto waits = all<JobWaits>(cluster.feed(wanted("a", 2)));
  BOOST_REQUIRE_EQUAL(waits.size(), 1u);
  BOOST_TEST(waits[0].reason == "needs 2 slots, 1 free");
  BOOST_TEST(cluster.at(100).empty());  // the same reason is not said again
  const auto grants = all<GrantRoom>(cluster.feed(host(2, 1)));
  BOOST_TEST(grants.size() == 2u);
  BOOST_TEST(cluster.job("a").waits_for.empty());
}

BOOST_AUTO_TEST_CASE(what_a_job_holds_counts_as_free_when_it_asks_for_more) {
  Cluster cluster;
  cluster.feed(host(1, 3));
  cluster.feed(host(2, 1));
  cluster.feed(wanted("a", 2));
  cluster.feed(wanted("b", 1));
  BOOST_TEST(cluster.state.reason_to_wait("a", {3, 1, 0, 0}).empty());
  BOOST_TEST(cluster.state.reason_to_wait("a", {4, 1, 0, 0}) == "needs 4 slots, 3 free");
  BOOST_TEST(cluster.is_placed("a"));
}

BOOST_AUTO_TEST_CASE(a_job_that_is_resized_is_placed_before_those_that_wait) {
  Cluster cluster;
  cluster.feed(host(1, 2));
  cluster.feed(host(2, 2));
  cluster.feed(wanted("a", 3));
  cluster.feed(wanted("b", 2));
  BOOST_TEST(!cluster.is_placed("b"));
  const auto effects = cluster.feed(JobResized{"a", wanted("a", 4).demand});
  BOOST_TEST(all<RevokeRoom>(effects).size() == 2u);
  BOOST_TEST(cluster.is_placed("a"));
  BOOST_TEST(!cluster.is_placed("b"));
  // Its next run says what was said already.
  BOOST_TEST(cluster.feed(wanted("a", 4)).empty());
  cluster.feed(JobResized{"a", wanted("a", 1).demand});
  BOOST_TEST(cluster.is_placed("a"));
  BOOST_TEST(cluster.is_placed("b"));
}

BOOST_AUTO_TEST_CASE(slots_are_free_again_when_a_job_ends) {
  Cluster cluster;
  cluster.feed(host(1, 2));
  cluster.feed(wanted("a", 2));
  cluster.feed(wanted("b", 1));
  BOOST_TEST(!cluster.is_placed("b"));
  const auto effects = cluster.feed(JobUnwanted{"a"});
  BOOST_TEST(all<RevokeRoom>(effects).size() == 1u);
  BOOST_TEST(cluster.is_placed("b"));
}

BOOST_AUTO_TEST_CASE(jobs_are_placed_in_the_order_of_their_submission) {
  Cluster cluster;
  cluster.feed(wanted("z", 2));
  cluster.feed(wanted("a", 2));
  cluster.feed(wanted("small", 1));
  cluster.feed(host(1, 3));
  BOOST_TEST(cluster.is_placed("z"));
  BOOST_TEST(!cluster.is_placed("a"));
  BOOST_TEST(cluster.is_placed("small"));  // what does not fit holds nobody back
}

BOOST_AUTO_TEST_CASE(what_a_lost_host_held_is_taken_from_another) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  cluster.feed(host(2, 1));
  cluster.feed(wanted("a", 2));
  cluster.feed(host(3, 1));
  const auto effects = cluster.feed(HostLost{WorkerId(2)});
  const auto revoked = all<RevokeRoom>(effects);
  BOOST_REQUIRE_EQUAL(revoked.size(), 1u);
  BOOST_TEST(revoked[0].is_lost);
  const auto granted = all<GrantRoom>(effects);
  BOOST_REQUIRE_EQUAL(granted.size(), 1u);
  BOOST_TEST((granted[0].worker == WorkerId(3)));
  BOOST_TEST(cluster.feed(HostLost{WorkerId(2)}).empty());
}

BOOST_AUTO_TEST_CASE(two_jobs_that_lost_a_host_do_not_wait_for_each_other) {
  Cluster cluster;
  cluster.feed(host(1, 2));
  cluster.feed(host(2, 2));
  cluster.feed(wanted("a", 2));
  cluster.feed(wanted("b", 2));
  cluster.feed(HostLost{WorkerId(2)});
  BOOST_TEST(cluster.is_placed("a"));
  BOOST_TEST(cluster.job("b").grants.empty());
  BOOST_TEST(cluster.job("b").waits_for == "needs 2 slots, 0 free");
  cluster.feed(host(3, 2));
  BOOST_TEST(cluster.is_placed("b"));
}

BOOST_AUTO_TEST_CASE(a_host_that_joins_again_is_told_again_what_it_hosts) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  cluster.feed(wanted("a", 1));
  const auto effects = cluster.feed(hosting(1, 1, "a", {1, 1}));
  BOOST_TEST(all<GrantRoom>(effects).size() == 1u);
  BOOST_TEST(all<ClosePart>(effects).empty());
}

BOOST_AUTO_TEST_CASE(a_part_that_nobody_wants_is_closed) {
  Cluster cluster;
  BOOST_TEST(all<ClosePart>(cluster.feed(hosting(1, 1, "gone", {1, 1}))).size() == 1u);
  // A host that was cut off comes back when its job has long been placed elsewhere.
  cluster.feed(wanted("a", 1));
  const auto effects = cluster.feed(hosting(2, 1, "a", {1, 1}));
  const auto closed = all<ClosePart>(effects);
  BOOST_REQUIRE_EQUAL(closed.size(), 1u);
  BOOST_TEST((closed[0].worker == WorkerId(2)));
}

BOOST_AUTO_TEST_CASE(a_recovered_job_is_left_where_it_is_found) {
  Cluster cluster;
  cluster.feed(wanted("a", 2, true));
  cluster.feed(host(1, 4));
  BOOST_TEST(cluster.job("a").grants.empty());  // it may still run elsewhere
  cluster.feed(hosting(2, 1, "a", {1, 0}));
  cluster.feed(hosting(3, 1, "a", {1, 1}));
  BOOST_TEST(cluster.is_placed("a"));
  BOOST_TEST((cluster.job("a").grants == Grants{{WorkerId(2), {1, 0}}, {WorkerId(3), {1, 1}}}));
}

BOOST_AUTO_TEST_CASE(a_recovered_job_that_is_not_found_is_placed_anew) {
  Cluster cluster;
  cluster.at(100);
  cluster.feed(wanted("a", 2, true));
  cluster.feed(host(1, 4));
  cluster.feed(hosting(2, 1, "a", {1, 0}));
  cluster.at(1'000);
  BOOST_TEST(cluster.job("a").adopts_until.has_value());
  cluster.at(1'100);
  BOOST_TEST(cluster.is_placed("a"));
}

BOOST_AUTO_TEST_CASE(more_than_a_job_needs_is_not_adopted) {
  Cluster cluster;
  cluster.feed(wanted("a", 1, true));
  cluster.feed(hosting(1, 2, "a", {2, 1}));
  BOOST_TEST(cluster.job("a").grants.empty());
}

BOOST_AUTO_TEST_CASE(a_draining_host_is_left_after_a_checkpoint) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  cluster.feed(wanted("a", 1));
  cluster.feed(host(2, 1));
  const auto effects = cluster.feed(DrainRequested{WorkerId(1)});
  BOOST_TEST(all<TakeCheckpoint>(effects).size() == 1u);
  BOOST_TEST(all<HostDrained>(effects).empty());
  const auto moved = cluster.feed(JobSaved{"a"});
  BOOST_TEST(all<RevokeRoom>(moved).size() == 1u);
  BOOST_TEST(all<HostDrained>(moved).size() == 1u);
  BOOST_TEST((cluster.job("a").grants.begin()->first == WorkerId(2)));
  cluster.feed(wanted("b", 1));
  BOOST_TEST(!cluster.is_placed("b"));  // nothing new comes to a draining host
}

BOOST_AUTO_TEST_CASE(a_draining_host_does_not_wait_for_ever) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  cluster.feed(wanted("a", 1));
  cluster.feed(DrainRequested{WorkerId(1)});
  BOOST_TEST(all<HostDrained>(cluster.at(1'999)).empty());
  BOOST_TEST(all<HostDrained>(cluster.at(2'000)).size() == 1u);
  BOOST_TEST(cluster.job("a").waits_for == "needs 1 slot, but no worker that trains has joined");
}

BOOST_AUTO_TEST_CASE(an_idle_host_is_drained_at_once_and_a_lost_one_too) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  BOOST_TEST(all<HostDrained>(cluster.feed(DrainRequested{WorkerId(1)})).size() == 1u);
  cluster.feed(host(2, 1));
  cluster.feed(wanted("a", 1));
  cluster.feed(DrainRequested{WorkerId(2)});
  BOOST_TEST(all<HostDrained>(cluster.feed(HostLost{WorkerId(2)})).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_host_that_refuses_a_job_is_asked_again_later) {
  Cluster cluster;
  cluster.feed(host(1, 1));
  cluster.feed(wanted("a", 1));
  cluster.feed(HostRefused{"a", WorkerId(1)});
  BOOST_TEST(!cluster.is_placed("a"));
  cluster.at(499);
  BOOST_TEST(!cluster.is_placed("a"));
  cluster.at(500);
  BOOST_TEST(cluster.is_placed("a"));
}

BOOST_AUTO_TEST_CASE(lost_hosts_are_forgotten_oldest_first) {
  Cluster cluster;
  const auto kept = static_cast<std::uint32_t>(limits::kLostWorkersKept);
  for (std::uint32_t id = 1; id <= kept + 1; ++id) {
    cluster.feed(host(id, 1));
    cluster.feed(HostLost{WorkerId(id)});
  }
  BOOST_TEST(cluster.state.hosts().size() == kept);
  BOOST_TEST(!cluster.state.hosts().contains(WorkerId(1)));
}

// Whatever comes in whatever order, `check` holds after every event, and when all hosts are there
// and nothing more happens, every job that fits at all is placed.
BOOST_AUTO_TEST_CASE(random_events_never_give_a_slot_twice) {
  const std::uint64_t seed = test::seed();
  for (std::uint64_t round = 0; round < 200; ++round) {
    RandomStream random(seed, round);
    Cluster cluster;
    std::int64_t now = 0;
    for (int step = 0; step < 120; ++step) {
      const auto id = static_cast<std::uint32_t>(1 + random.below(5));
      const std::string job = "j" + std::to_string(random.below(4));
      switch (random.below(9)) {
        case 0:
        case 1:
          cluster.feed(hosting(id, 1 + id % 3, job,
                               {static_cast<std::uint32_t>(random.below(3)),
                                static_cast<std::uint32_t>(random.below(2))}));
          break;
        case 2:
          cluster.feed(HostLost{WorkerId(id)});
          break;
        case 3:
          cluster.feed(
              wanted(job, static_cast<std::uint32_t>(1 + random.below(4)), random.below(2) == 0));
          break;
        case 4:
          cluster.feed(JobUnwanted{job});
          break;
        case 5:
          cluster.feed(HostRefused{job, WorkerId(id)});
          break;
        case 6:
          cluster.feed(JobSaved{job});
          break;
        case 7:
          cluster.feed(
              JobResized{job, wanted(job, static_cast<std::uint32_t>(1 + random.below(4))).demand});
          break;
        default:
          if (random.below(10) == 0) cluster.feed(DrainRequested{WorkerId(id)});
          cluster.at(now += static_cast<std::int64_t>(random.below(800)));
      }
    }
    cluster.feed(host(100, 64));
    cluster.at(now += 10'000);
    for (const auto& [name, job] : cluster.state.jobs()) BOOST_TEST(cluster.is_placed(name));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
