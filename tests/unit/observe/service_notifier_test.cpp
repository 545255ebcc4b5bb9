#include "common/observe/service_notifier.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/notify_socket.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

using test::NotifySocket;

ServiceNotifier opened(const ServiceEnvironment& environment) {
  auto notifier = ServiceNotifier::open(environment);
  BOOST_REQUIRE_MESSAGE(notifier.is_ok(), notifier.status().message());
  return std::move(notifier).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_observe_service_notifier)

BOOST_AUTO_TEST_CASE(what_it_says_arrives_at_the_socket_of_the_environment) {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "notify").string();
  NotifySocket listener(path);
  const auto notifier = opened({.notify_socket = path, .watchdog_usec = "", .watchdog_pid = ""});
  BOOST_TEST(notifier.is_heard());
  BOOST_TEST(notifier.ready("listens on 127.0.0.1:4700").is_ok());
  BOOST_TEST(listener.next() == "READY=1\nSTATUS=listens on 127.0.0.1:4700");
  BOOST_TEST(notifier.alive().is_ok());
  BOOST_TEST(listener.next() == "WATCHDOG=1");
  BOOST_TEST(notifier.say("3 jobs").is_ok());
  BOOST_TEST(listener.next() == "STATUS=3 jobs");
  BOOST_TEST(notifier.stopping("last checkpoint").is_ok());
  BOOST_TEST(listener.next() == "STOPPING=1\nSTATUS=last checkpoint");
}

BOOST_AUTO_TEST_CASE(an_abstract_socket_is_found) {
  const std::string name = "@millrace-notifier-test-" + std::to_string(::getpid());
  NotifySocket listener(name);
  const auto notifier = opened({.notify_socket = name, .watchdog_usec = "", .watchdog_pid = ""});
  BOOST_TEST(notifier.ready("up").is_ok());
  BOOST_TEST(listener.next() == "READY=1\nSTATUS=up");
}

BOOST_AUTO_TEST_CASE(text_cannot_say_more_than_its_line) {
  const test::TemporaryFolder folder;
  NotifySocket listener((folder.path() / "notify").string());
  const auto notifier = opened({.notify_socket = (folder.path() / "notify").string(),
                                .watchdog_usec = "",
                                .watchdog_pid = ""});
  BOOST_TEST(notifier.say("job a\nSTOPPING=1").is_ok());
  BOOST_TEST(listener.next() == "STATUS=job a STOPPING=1");
  BOOST_TEST(notifier.say(std::string(5000, 'x')).is_ok());
  BOOST_TEST(listener.next() == "STATUS=" + std::string(256, 'x'));
}

BOOST_AUTO_TEST_CASE(without_a_service_manager_every_call_succeeds_and_does_nothing) {
  const auto notifier = opened({});
  BOOST_TEST(!notifier.is_heard());
  BOOST_TEST(!notifier.watchdog_interval().has_value());
  BOOST_TEST(notifier.ready("up").is_ok());
  BOOST_TEST(notifier.alive().is_ok());
}

BOOST_AUTO_TEST_CASE(the_watchdog_is_fed_twice_as_often_as_it_asks) {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "notify").string();
  const NotifySocket listener(path);
  const std::string self = std::to_string(::getpid());
  const auto watched =
      opened({.notify_socket = path, .watchdog_usec = "30000000", .watchdog_pid = self});
  BOOST_TEST((watched.watchdog_interval() == std::chrono::seconds(15)));
  const auto other =
      opened({.notify_socket = path, .watchdog_usec = "30000000", .watchdog_pid = "1"});
  BOOST_TEST(!other.watchdog_interval().has_value());
}

BOOST_AUTO_TEST_CASE(a_full_queue_is_an_error_and_no_wait) {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "notify").string();
  NotifySocket listener(path);
  const auto notifier = opened({.notify_socket = path, .watchdog_usec = "", .watchdog_pid = ""});
  Status last;
  // The queue of a unix socket holds net.unix.max_dgram_qlen datagrams, 10 to 512 by default.
  for (int n = 0; n < 100'000 && last.is_ok(); ++n) last = notifier.alive();
  BOOST_TEST((last.code() == Code::unreachable));
  while (!listener.next().empty()) {
  }
  BOOST_TEST(notifier.alive().is_ok());
}

BOOST_AUTO_TEST_CASE(an_environment_that_no_service_manager_writes_is_refused) {
  const auto code = [](const ServiceEnvironment& environment) {
    return ServiceNotifier::open(environment).status().code();
  };
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "notify").string();
  BOOST_TEST((code({.notify_socket = "vsock:2:1", .watchdog_usec = "", .watchdog_pid = ""}) ==
              Code::invalid_argument));
  BOOST_TEST((code({.notify_socket = "/" + std::string(107, 'x'),
                    .watchdog_usec = "",
                    .watchdog_pid = ""}) == Code::invalid_argument));
  BOOST_TEST((code({.notify_socket = path, .watchdog_usec = "", .watchdog_pid = ""}) ==
              Code::unreachable));
  const NotifySocket listener(path);
  for (const char* usec : {"0", "1", "-5", "10s", "99999999999999999999"}) {
    BOOST_TEST_CONTEXT(usec) {
      BOOST_TEST((code({.notify_socket = path, .watchdog_usec = usec, .watchdog_pid = ""}) ==
                  Code::invalid_argument));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
