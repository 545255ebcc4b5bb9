#include "worker/actors/volume_transfer.hpp"

#include <algorithm>

namespace millrace {
namespace {

// What a request costs beside its bytes.
constexpr std::size_t kRequestBytes = 1u << 10;

}  // namespace

VolumeTransfer::~VolumeTransfer() {
  for (const auto& flight : flying_) link_.give_back(flight.bytes, std::nullopt);
}

bool VolumeTransfer::send(VolumeRequest request, std::size_t bytes) {
  bytes = std::max(bytes, kRequestBytes);
  if (!link_.take(bytes, flying_.empty())) return false;
  flying_.push_back(
      {self_->request(volume_, caf::timespan(link_.options().answer_max), std::move(request)),
       bytes, Clock::now()});
  return true;
}

Result<VolumeReply> VolumeTransfer::receive() {
  Flight flight = flying_.front();
  flying_.pop_front();
  Result<VolumeReply> reply(Status(Code::timed_out, "the coordinator does not answer"));
  std::optional<std::chrono::milliseconds> late;
  flight.answer.receive(
      [&](VolumeReply& answer) {
        late = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - flight.sent_at);
        link_.allow(answer.credit_bytes);
        if (answer.status.is_ok()) {
          reply = std::move(answer);
        } else {
          reply = std::move(answer.status);
        }
      },
      [&](const caf::error& error) {
        reply = Status(Code::timed_out,
                       "the coordinator does not answer: " + self_->system().render(error));
      });
  link_.give_back(flight.bytes, late);
  return reply;
}

}  // namespace millrace
