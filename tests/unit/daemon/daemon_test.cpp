#include "common/daemon/daemon.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "tests/support/notify_socket.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

// A service manager that wants to hear from this process within so many microseconds, and a daemon
// that is told to end when it has looked around three times.
struct Served {
  explicit Served(const std::string& watchdog_usec)
      : socket((folder.path() / "notify").string()),
        notifier(ServiceNotifier::open({.notify_socket = (folder.path() / "notify").string(),
                                        .watchdog_usec = watchdog_usec,
                                        .watchdog_pid = ""})
                     .value()) {}

  int serve(const std::function<void()>& look = {}) {
    const StopSignal stop(1h);
    int looks = 0;
    return Daemon(stop, notifier).serve(health, 1ms, [&] {
      if (look) look();
      if (++looks == 3) ::kill(::getpid(), SIGTERM);
    });
  }
  std::size_t times_alive() {
    std::size_t count = 0;
    for (auto line = socket.next(); !line.empty(); line = socket.next()) {
      BOOST_TEST(line == "WATCHDOG=1");
      ++count;
    }
    return count;
  }

  test::TemporaryFolder folder;
  test::NotifySocket socket;
  ServiceNotifier notifier;
  Health health;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(common_daemon_daemon)

BOOST_AUTO_TEST_CASE(it_serves_until_the_signal_and_gives_its_number) {
  Served served("");
  int looks = 0;
  BOOST_TEST(served.serve([&] { ++looks; }) == SIGTERM);
  BOOST_TEST(looks >= 3);
}

BOOST_AUTO_TEST_CASE(the_watchdog_hears_of_a_process_that_is_alive) {
  Served served("2");
  served.serve();
  BOOST_TEST(served.times_alive() >= 3u);
}

BOOST_AUTO_TEST_CASE(the_watchdog_hears_no_oftener_than_it_asks) {
  Served served("3600000000");
  served.serve();
  BOOST_TEST(served.times_alive() == 1u);
}

BOOST_AUTO_TEST_CASE(a_process_that_hangs_is_not_said_to_be_alive) {
  Served served("2");
  auto check = served.health.add({.name = "actors_answer", .deadline = 1h}).value();
  served.serve([&] { check.fail("they do not"); });
  BOOST_TEST(served.times_alive() == 0u);
}

BOOST_AUTO_TEST_CASE(who_does_not_watch_hears_nothing_of_it) {
  Served served("");
  served.serve();
  BOOST_TEST(served.times_alive() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
