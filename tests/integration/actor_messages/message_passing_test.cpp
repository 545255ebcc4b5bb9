// Every message between two actor systems that share nothing but a connection.
#include <condition_variable>
#include <mutex>

#include "tests/compat/actor_messages.hpp"
#include "tests/integration/actor_messages/nodes.hpp"

namespace millrace {
namespace {

using test::Node;

// What an actor hears, for the thread of the test.
template <typename Message>
class Heard {
 public:
  void add(Message message) {
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    changed_.notify_all();
  }
  // The message with this number, from 0.
  Message wait(std::size_t number = 0) {
    std::unique_lock lock(mutex_);
    const bool is_here =
        changed_.wait_for(lock, test::kPatience, [&] { return messages_.size() > number; });
    BOOST_REQUIRE_MESSAGE(is_here, "nothing arrived");
    return messages_[number];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Message> messages_;
};

template <typename Message>
typename caf::typed_actor<caf::reacts_to<Message>>::behavior_type listen(
    std::shared_ptr<Heard<Message>> heard) {
  return {[heard](const Message& message) { heard->add(message); }};
}

// Anything that CAF can carry, sent to a listener in another system.
template <typename Message>
Message pass(const Message& message) {
  Node here, there;
  auto heard = std::make_shared<Heard<Message>>();
  auto listener = there.system().spawn(listen<Message>, heard);
  const auto port = there.publish(listener);
  using Listener = caf::typed_actor<caf::reacts_to<Message>>;
  caf::anon_send(here.template find<Listener>(port), message);
  const Message arrived = heard->wait();
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
  return arrived;
}

template <typename Message>
bool has_equal_bytes(const Message& a, const Message& b) {
  return encode_message(a).value().join() == encode_message(b).value().join();
}

template <typename Message>
void check_passes(const Message& message) {
  BOOST_TEST(has_equal_bytes(pass(message), message));
}

std::uint64_t faults() {
  return message_faults().count;
}

Entry large_entry(std::size_t floats) {
  Entry entry = test::example_entry();
  auto push = test::example_push();
  push->vectors[0].dense.resize(floats);
  for (std::size_t i = 0; i < floats; ++i) {
    push->vectors[0].dense[i] = static_cast<float>(i) * 0.5f;
  }
  entry.payload = std::move(push);
  return entry;
}

Answer large_answer(std::size_t floats) {
  Answer answer = test::example_answer();
  auto view = test::example_view();
  const auto entry = large_entry(floats);
  view->vectors[0].dense = static_cast<const ParameterPush&>(*entry.payload).vectors[0].dense;
  answer.values = std::move(view);
  return answer;
}

// A worker of which only the handle matters.
worker_control spawn_nobody(caf::actor_system& system) {
  return system.spawn([]() -> worker_control::behavior_type {
    return {[](const order::StartAttempt&) {}, [](const order::StopAttempt&) {},
            [](const order::TriggerCut&) {},   [](const order::AbortCut&) {},
            [](const order::SendShards&) {},   [](const order::ReleaseOutputs&) {},
            [](const AdoptAttempt&) {}};
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_actor_messages)

BOOST_AUTO_TEST_CASE(orders_ticks_and_reports_arrive_as_they_were_sent) {
  const auto before = faults();
  check_passes(order::StopAttempt{Attempt(3)});
  check_passes(order::TriggerCut{Attempt(3), CutId(8)});
  check_passes(order::AbortCut{Attempt(3), CutId(8)});
  check_passes(order::SendShards{Attempt(3), CutId(8)});
  check_passes(order::ReleaseOutputs{Attempt(3), CutId(8), Term(4)});
  check_passes(WorkerTick{WorkerId(11), 900});
  check_passes(ChunkAck{5, 2, true});
  check_passes(test::example_chunk());
  check_passes(test::example_report(report::AttemptFailed{Status(Code::io_error, "a", "b")}));
  check_passes(test::example_report(report::ShardContent{
      CutId(8), ShardId(1), std::make_shared<const Bytes>(Bytes(3'000'000, std::byte{7}))}));
  BOOST_TEST(faults() == before);
}

BOOST_AUTO_TEST_CASE(a_push_and_an_answer_of_100000_floats_arrive_bit_for_bit) {
  const auto before = faults();
  check_passes(large_entry(100'000));
  check_passes(large_answer(100'000));
  BOOST_TEST(faults() == before);
}

// The worker is registered at the coordinator, ordered about through the handle that it sent, and
// reports to the handle that came with the order.
BOOST_AUTO_TEST_CASE(a_registered_worker_is_ordered_about_and_reports) {
  const auto before = faults();
  Node coordinator, worker;
  auto registrations = std::make_shared<Heard<RegisterWorker>>();
  auto reports = std::make_shared<Heard<WorkerReport>>();
  auto orders = std::make_shared<Heard<order::StartAttempt>>();
  auto triggers = std::make_shared<Heard<order::TriggerCut>>();

  worker_registry registry = coordinator.system().spawn(listen<RegisterWorker>, registrations);
  report_sink sink = coordinator.system().spawn(listen<WorkerReport>, reports);
  worker_control hand = worker.system().spawn([=]() -> worker_control::behavior_type {
    return {[=](const order::StartAttempt& start) {
              orders->add(start);
              caf::anon_send(start.routes->reports, test::example_report(report::AttemptStarted{}));
            },
            [](const order::StopAttempt&) {},
            [=](const order::TriggerCut& trigger) { triggers->add(trigger); },
            [](const order::AbortCut&) {},
            [](const order::SendShards&) {},
            [](const order::ReleaseOutputs&) {},
            [](const AdoptAttempt&) {}};
  });

  caf::anon_send(worker.find<worker_registry>(coordinator.publish(registry)),
                 RegisterWorker{WorkerId(11), hand});
  const auto registered = registrations->wait();
  BOOST_TEST((registered.worker == WorkerId(11)));
  BOOST_TEST((registered.handle.node() == worker.system().node()));

  auto start = test::example_start();
  auto routes = std::make_shared<Routes>();
  routes->replicas = {registered.handle, registered.handle};
  routes->shards = {registered.handle, registered.handle};
  routes->reports = sink;
  start.routes = routes;
  caf::anon_send(registered.handle, start);
  const auto ordered = orders->wait();
  BOOST_TEST(has_equal_bytes(ordered, start));
  // There the handles mean the worker itself, and the coordinator's report sink.
  BOOST_TEST((ordered.routes->replicas.at(1) == hand));
  BOOST_TEST((ordered.routes->reports.node() == coordinator.system().node()));
  const auto reported = reports->wait();
  BOOST_TEST((reported.worker == WorkerId(11)));
  BOOST_TEST(std::holds_alternative<report::AttemptStarted>(reported.what));
  caf::anon_send(registered.handle, order::TriggerCut{Attempt(3), CutId(8)});
  BOOST_TEST((triggers->wait().cut == CutId(8)));
  BOOST_TEST(faults() == before);

  caf::anon_send_exit(hand, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(registry, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(an_order_without_all_its_hosts_reaches_nobody) {
  for (const std::size_t hosts : {1u, 3u}) {
    const auto before = faults();
    Node here, there;
    auto heard = std::make_shared<Heard<order::StartAttempt>>();
    auto listener = there.system().spawn(listen<order::StartAttempt>, heard);
    using Listener = caf::typed_actor<caf::reacts_to<order::StartAttempt>>;
    const auto remote = here.find<Listener>(there.publish(listener));
    auto nobody = spawn_nobody(here.system());
    auto sink = here.system().spawn(listen<WorkerReport>, std::make_shared<Heard<WorkerReport>>());

    auto start = test::example_start();
    const auto send = [&](std::size_t replicas) {
      auto routes = std::make_shared<Routes>();
      routes->replicas.assign(replicas, nobody);
      routes->shards = {nobody, nobody};
      routes->reports = sink;
      start.routes = routes;
      caf::anon_send(remote, start);
    };
    send(hosts);  // of two replicas
    send(2);
    (void)heard->wait();
    BOOST_TEST(heard->count() == 1u);
    BOOST_TEST(faults() == before + 1);
    caf::anon_send_exit(nobody, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
  }
}

// What says that it is an order, and is not.
struct Forgery {
  Bytes bytes;
};
caf::error inspect(caf::serializer& sink, Forgery& forgery) {
  return save_frame(sink, Frame{forgery.bytes, {}, {}});
}
caf::error inspect(caf::deserializer&, Forgery&) {
  return caf::none;
}
struct ForgerConfig : test::NodeConfig {
  ForgerConfig() { add_message_type<Forgery>("millrace::order::TriggerCut"); }
};

BOOST_AUTO_TEST_CASE(a_damaged_message_is_dropped_and_told_and_the_connection_lives_on) {
  const auto before = faults();
  Node there;
  Node<ForgerConfig> here;
  auto heard = std::make_shared<Heard<order::TriggerCut>>();
  auto listener = there.system().spawn(listen<order::TriggerCut>, heard);
  const auto port = there.publish(caf::actor_cast<caf::actor>(listener));
  const auto remote = here.find<caf::actor>(port);

  const Bytes good = encode_message(order::TriggerCut{Attempt(3), CutId(8)}).value().join();
  for (std::size_t size = 0; size < good.size(); ++size) {
    caf::anon_send(remote, Forgery{Bytes(good.begin(), good.begin() + size)});
  }
  Bytes newer = good;
  newer[2] = std::byte{9};
  caf::anon_send(remote, Forgery{newer});
  caf::anon_send(remote, Forgery{good});
  BOOST_TEST((heard->wait().cut == CutId(8)));
  BOOST_TEST(heard->count() == 1u);
  const auto told = message_faults();
  BOOST_TEST(told.count == before + good.size() + 1);
  BOOST_TEST((told.last.code() == Code::unsupported_format));
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
}

// The handles themselves travel, too.
BOOST_AUTO_TEST_CASE(typed_handles_are_messages) {
  Node here, there;
  auto heard = std::make_shared<Heard<worker_control>>();
  auto listener = there.system().spawn(listen<worker_control>, heard);
  using Listener = caf::typed_actor<caf::reacts_to<worker_control>>;
  auto nobody = spawn_nobody(here.system());
  caf::anon_send(here.find<Listener>(there.publish(listener)), nobody);
  BOOST_TEST((heard->wait().node() == here.system().node()));
  caf::anon_send_exit(nobody, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
