// What probes are told of a worker.
#include "worker/daemon/worker_monitoring.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace {
namespace {

struct Monitored {
  Monitored() {
    auto made = WorkerMonitoring::start({}, worker, nullptr);
    BOOST_REQUIRE_MESSAGE(made.is_ok(), made.status().message());
    monitoring = std::move(made).value();
  }
  CheckState state_of(const std::string& check) const {
    for (const auto& report : monitoring->health().report().checks)
      if (report.name == check) return report.state;
    BOOST_FAIL("there is no check " + check);
    return CheckState::failing;
  }

  std::shared_ptr<WorkerHealth> worker = std::make_shared<WorkerHealth>();
  std::unique_ptr<WorkerMonitoring> monitoring;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_daemon_worker_monitoring)

BOOST_AUTO_TEST_CASE(a_look_alone_is_no_sign_of_life) {
  const Monitored monitored;
  monitored.monitoring->look();
  BOOST_TEST((monitored.state_of("actors_answer") == CheckState::waiting));
  ++monitored.worker->ticks;
  monitored.monitoring->look();
  BOOST_TEST((monitored.state_of("actors_answer") == CheckState::working));
}

BOOST_AUTO_TEST_CASE(without_a_coordinator_it_is_alive_and_not_ready) {
  const Monitored monitored;
  ++monitored.worker->ticks;
  monitored.monitoring->look();
  BOOST_TEST(monitored.monitoring->health().report().is_alive);
  BOOST_TEST(!monitored.monitoring->health().report().is_ready);
  monitored.worker->is_joined = true;
  monitored.monitoring->look();
  BOOST_TEST(monitored.monitoring->health().report().is_ready);
  monitored.worker->is_draining = true;
  monitored.monitoring->look();
  BOOST_TEST(monitored.monitoring->health().report().is_alive);
  BOOST_TEST(!monitored.monitoring->health().report().is_ready);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
