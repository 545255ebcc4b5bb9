// A real object store behind a network that loses requests and answers, and stores opened through
// it.
#pragma once

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <functional>

#include "common/store/s3_store.hpp"
#include "tests/support/http_stand_in.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace::test {

// What happens to a request; `after`: the store has carried it out.
enum class Fault : std::uint8_t {
  none,
  cut_before,
  cut_after,
  stalled_before,
  stalled_after,
  refused_before,  // 503
  refused_after,
  half_an_answer
};
inline constexpr Fault kFaults[] = {
    Fault::cut_before,     Fault::cut_after,     Fault::stalled_before, Fault::stalled_after,
    Fault::refused_before, Fault::refused_after, Fault::half_an_answer};

inline bool reaches_the_store(Fault fault) {
  return fault != Fault::cut_before && fault != Fault::stalled_before &&
         fault != Fault::refused_before;
}

inline std::string setting(const char* name) {
  const char* value = std::getenv(name);
  BOOST_REQUIRE_MESSAGE(value != nullptr, name << " is not set: run by tests/support/s3_server.py");
  return value;
}

// Between a store and the server. `fault_of` says what happens to each request; it is called from
// several threads.
class LossyNetwork {
 public:
  using FaultOf = std::function<Fault(const HttpRequest&)>;
  explicit LossyNetwork(FaultOf fault_of)
      : fault_of_(std::move(fault_of)),
        port_(std::stoi(setting("MILLRACE_TEST_S3_PORT"))),
        proxy_([this](const HttpRequest& request) { return answer(request); }) {}

  // Stores on different networks can be of one job.
  std::unique_ptr<CheckpointStore> open(const std::string& job, int attempts = 4) {
    static std::atomic<std::uint64_t> seed{1};
    S3Options options;
    options.part_bytes = std::uint64_t{5} << 20;
    options.limits.silence = std::chrono::seconds(1);
    options.retry.attempts = attempts;
    options.retry.backoff = std::chrono::milliseconds(1);
    options.retry.seed = seed++;
    options.leftover_age = std::chrono::seconds(0);
    const auto url = "s3://checkpoints/network/" + job +
                     "?endpoint=http://127.0.0.1:" + std::to_string(proxy_.port());
    auto store = open_s3_store(url, {.secrets = SecretsFolder(setting("MILLRACE_TEST_S3_SECRETS"))},
                               options);
    BOOST_REQUIRE_MESSAGE(store.is_ok(), store.status().message());
    return std::move(store).value();
  }
  std::vector<std::string> seen() { return proxy_.seen(); }

 private:
  StandInReply answer(const HttpRequest& request) {
    const bool is_probe = request.target.find("/.probe") != std::string::npos;
    const auto fault = is_probe ? Fault::none : fault_of_(request);
    auto reply = reaches_the_store(fault) ? http_forward(request, port_) : StandInReply();
    if (fault == Fault::cut_before || fault == Fault::cut_after)
      reply.end = StandInReply::End::nothing;
    if (fault == Fault::stalled_before || fault == Fault::stalled_after)
      reply.end = StandInReply::End::silence;
    if (fault == Fault::half_an_answer) reply.end = StandInReply::End::half;
    if (fault == Fault::refused_before || fault == Fault::refused_after)
      return http_reply(503, "<Error><Code>SlowDown</Code></Error>");
    return reply;
  }

  FaultOf fault_of_;
  int port_;
  HttpStandIn proxy_;
};

}  // namespace millrace::test
