#include "common/net/client_gate.hpp"

#include <zmq.h>

#include <array>
#include <mutex>
#include <thread>

#include "common/observe/log.hpp"

namespace millrace::net {
namespace {

// Where libzmq looks for it, and what it speaks.
constexpr const char* kAddress = "inproc://zeromq.zap.01";
constexpr std::string_view kVersion = "1.0";
// version, request id, domain, address, identity, mechanism, key
constexpr std::size_t kFrames = 7;
constexpr std::size_t kRequestIdBytesMax = 256;

using Clock = std::chrono::steady_clock;

// A socket that ends with its owner.
class Handle {
 public:
  explicit Handle(void* socket) : socket_(socket) {}
  ~Handle() {
    if (socket_ != nullptr) zmq_close(socket_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  void* get() const { return socket_; }

 private:
  void* socket_;
};

struct Question {
  std::array<Message, kFrames> frames;
  std::size_t count = 0;  // as sent; more than kFrames are dropped

  std::string_view text(std::size_t frame) const { return as_text(frames[frame].bytes()); }
  std::string_view request_id() const { return text(1).substr(0, kRequestIdBytesMax); }
  std::string_view address() const { return text(3); }
  bool is_ours() const {
    return count == kFrames && text(0) == kVersion && text(2) == kZapDomain && text(5) == "CURVE" &&
           frames[6].bytes().size() == security::kCurveKeyBytes;
  }
};

// Lets so many lines through each second: who is refused may try again as fast as he can.
class LineLimit {
 public:
  explicit LineLimit(std::uint32_t lines_per_second) : lines_max_(lines_per_second) {}

  // The number of lines kept back since the last one, when this one may be written.
  std::optional<std::uint64_t> admit(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (now - begin_ >= std::chrono::seconds(1)) {
      begin_ = now;
      lines_ = 0;
    }
    if (lines_ == lines_max_) {
      ++held_back_;
      return {};
    }
    ++lines_;
    return std::exchange(held_back_, 0);
  }

 private:
  const std::uint32_t lines_max_;
  std::mutex mutex_;
  Clock::time_point begin_{};
  std::uint32_t lines_ = 0;
  std::uint64_t held_back_ = 0;
};

}  // namespace

struct ClientGate::State {
  State(std::shared_ptr<security::WatchedPolicy> watched, const GateOptions& gate_options,
        void* zap_socket)
      : policy(std::move(watched)),
        options(gate_options),
        socket(zap_socket),
        lines(gate_options.log_lines_per_second) {}

  void run();
  void answer_all();
  bool receive(Question& question) const;
  void answer(const Question& question);
  void reply(std::string_view request_id, const char* code, const char* text,
             std::string_view user) const;
  void refresh();

  const std::shared_ptr<security::WatchedPolicy> policy;
  const GateOptions options;
  const Handle socket;
  Waker waker;
  LineLimit lines;
  std::atomic<bool> is_stopping = false;
  std::atomic<std::uint64_t> admitted = 0, unknown_keys = 0, malformed = 0, denied_requests = 0,
                             reloads = 0, failed_reloads = 0;
  std::thread thread;
};

void ClientGate::State::run() {
  auto next_refresh = Clock::now() + options.refresh;
  while (!is_stopping.load(std::memory_order_acquire)) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(next_refresh - Clock::now()).count();
    zmq_pollitem_t items[2] = {{socket.get(), 0, ZMQ_POLLIN, 0},
                               {nullptr, waker.descriptor(), ZMQ_POLLIN, 0}};
    const int ready = zmq_poll(items, 2, std::max<long>(0, static_cast<long>(left)));
    MILLRACE_CHECK(ready >= 0 || zmq_errno() == EINTR);
    if (Clock::now() >= next_refresh) {
      refresh();
      next_refresh = Clock::now() + options.refresh;
    }
    answer_all();
  }
}

// At most so many before the policy is looked at again.
void ClientGate::State::answer_all() {
  constexpr int kQuestionsMax = 1'024;
  for (int i = 0; i < kQuestionsMax; ++i) {
    Question question;
    if (!receive(question)) return;
    answer(question);
  }
}

// False when none waits.
bool ClientGate::State::receive(Question& question) const {
  for (bool has_more = true; has_more; ++question.count) {
    Message beyond;
    Message& frame = question.count < kFrames ? question.frames[question.count] : beyond;
    auto* message = static_cast<zmq_msg_t*>(frame.handle());
    int received = -1;
    do {
      received = zmq_msg_recv(message, socket.get(), ZMQ_DONTWAIT);
    } while (received < 0 && zmq_errno() == EINTR);
    if (received < 0) return false;
    has_more = zmq_msg_more(message) != 0;
  }
  return true;
}

void ClientGate::State::answer(const Question& question) {
  if (!question.is_ours()) {
    ++malformed;
    reply(question.count > 1 ? question.request_id() : "", "500", "not expected here", "");
    return;
  }
  const std::string key = security::CurvePublicKey(question.frames[6].bytes()).text();
  const auto current = policy->current();
  const auto* client = current->find_key(key);
  if (client != nullptr) {
    ++admitted;
    // What requests are judged by later: an id may get another key.
    reply(question.request_id(), "200", "OK", key);
    return;
  }
  ++unknown_keys;
  if (const auto held_back = lines.admit(Clock::now())) {
    log(LogLevel::warning, "a client was refused: its key is not in the policy",
        {{"key", key},
         {"address", question.address()},
         {"policy", policy->path()},
         {"not_shown", *held_back}});
  }
  reply(question.request_id(), "400", "key not in the policy", "");
}

void ClientGate::State::reply(std::string_view request_id, const char* code, const char* text,
                              std::string_view user) const {
  const std::string_view frames[] = {kVersion, request_id, code, text, user, ""};
  for (std::size_t i = 0; i < std::size(frames); ++i) {
    const int more = i + 1 < std::size(frames) ? ZMQ_SNDMORE : 0;
    int sent = -1;
    do {
      sent = zmq_send(socket.get(), frames[i].data(), frames[i].size(), more);
    } while (sent < 0 && zmq_errno() == EINTR);
    // A connection that is not answered is never admitted.
    if (sent < 0) return;
  }
}

void ClientGate::State::refresh() {
  const auto changed = policy->refresh();
  if (!changed.is_ok()) {
    ++failed_reloads;
    log(LogLevel::error, "the policy cannot be read again; the one before stays in force",
        changed.status());
  } else if (changed.value()) {
    ++reloads;
    log(LogLevel::info, "the policy was read again",
        {{"policy", policy->path()}, {"clients", policy->current()->clients().size()}});
  }
}

Result<std::unique_ptr<ClientGate>> ClientGate::start(
    Context& context, std::shared_ptr<security::WatchedPolicy> policy, const GateOptions& options) {
  MILLRACE_TRY(check_curve());
  void* socket = zmq_socket(context.handle(), ZMQ_REP);
  if (socket == nullptr) {
    return Status(Code::resource_exhausted,
                  std::string("opening the gate of clients: ") + zmq_strerror(zmq_errno()),
                  "raise the limit of open files (ulimit -n)");
  }
  auto state = std::make_unique<State>(std::move(policy), options, socket);
  const int linger = 0;
  MILLRACE_CHECK(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)) == 0);
  if (zmq_bind(socket, kAddress) != 0) {
    return Status(Code::conflict,
                  std::string("the context has a gate of clients: ") + zmq_strerror(zmq_errno()),
                  "start one per context");
  }
  state->thread = std::thread([gate = state.get()] { gate->run(); });
  return std::unique_ptr<ClientGate>(new ClientGate(std::move(state)));
}

ClientGate::ClientGate(std::unique_ptr<State> state) : state_(std::move(state)) {}

ClientGate::~ClientGate() {
  state_->is_stopping.store(true, std::memory_order_release);
  state_->waker.wake();
  state_->thread.join();
}

GateStats ClientGate::stats() const {
  return {.admitted = state_->admitted,
          .unknown_keys = state_->unknown_keys,
          .malformed = state_->malformed,
          .denied_requests = state_->denied_requests,
          .reloads = state_->reloads,
          .failed_reloads = state_->failed_reloads};
}

ClientGate::Guard::Guard(ClientGate& gate) : gate_(gate), policy_(gate.state_->policy) {}

const security::PolicyClient* ClientGate::Guard::sender(const Message& message) {
  return policy_.get().find_key(message.sender());
}

Status ClientGate::Guard::authorize(const Message& message, const security::ClientRoles& any_of) {
  const auto key = message.sender();
  const auto* client = sender(message);
  if (client != nullptr && client->roles.allow_any(any_of)) return {};
  auto& gate = *gate_.state_;
  ++gate.denied_requests;
  const std::string_view id = client == nullptr ? "unknown" : std::string_view(client->id);
  if (const auto held_back = gate.lines.admit(Clock::now())) {
    log(LogLevel::warning, "a request was refused",
        {{"client", id},
         {"key", key},
         {"needs", any_of.text()},
         {"is_in_policy", client != nullptr},
         {"not_shown", *held_back}});
  }
  if (client == nullptr) {
    return {Code::permission_denied,
            "the key of this client is not in the server's policy any more",
            "ask the operator for a new one (`millrace keygen --client`)"};
  }
  return {Code::permission_denied,
          "client " + client->id + " may not do this, which needs the role " + any_of.text(" or "),
          "ask the operator to add the role to the policy"};
}

}  // namespace millrace::net
