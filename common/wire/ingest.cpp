#include "common/wire/ingest.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/wire/message.hpp"
#include "schemas/ingest.capnp.h"

namespace millrace::wire {
namespace {

constexpr Code kErrorCodes[] = {Code::invalid_argument, Code::resource_exhausted,
                                Code::permission_denied, Code::unsupported_format};

Code code_of(std::string_view text) {
  for (const Code code : kErrorCodes) {
    if (text == to_string(code)) return code;
  }
  return Code::internal;
}

Status check_producer(std::string_view name) {
  const bool is_good = !name.empty() && name.size() <= limits::kProducerNameBytesMax &&
                       std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f'; });
  if (is_good) return {};
  return {Code::invalid_argument, "the producer has no name that could be remembered",
          "1 to " + std::to_string(limits::kProducerNameBytesMax) +
              " printable ASCII characters without spaces"};
}

void put(const IngestProgress& from, schema::IngestProgress::Builder to) {
  to.setReceived(from.received);
  to.setAcknowledged(from.acknowledged);
}

IngestProgress get(schema::IngestProgress::Reader from) {
  return {from.getReceived(), from.getAcknowledged()};
}

void put(const Status& from, schema::IngestError::Builder to) {
  put_text(to_string(from.code()), [&](unsigned size) { return to.initCode(size); });
  put_text(from.message(), [&](unsigned size) { return to.initMessage(size); });
  put_text(from.hint(), [&](unsigned size) { return to.initHint(size); });
}

}  // namespace

Result<Bytes> encode_ingest_request(const IngestRequest& request) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<schema::IngestRequest>();
  put_text(request.producer, [&](unsigned size) { return root.initProducer(size); });
  root.setAcknowledged(request.acknowledged);
  if (const auto* rows = std::get_if<IngestRows>(&request.what)) {
    auto to = root.initRows();
    to.setSequence(rows->sequence);
    auto lines = to.initLines(static_cast<unsigned>(rows->lines.size()));
    std::memcpy(lines.begin(), rows->lines.data(), rows->lines.size());
  } else {
    root.setHello();
  }
  MILLRACE_ASSIGN(Bytes frame, to_frame(message, "the rows"));
  if (frame.size() <= limits::kIngestFrameBytesMax) return frame;
  return Status(Code::resource_exhausted,
                "a message of " + std::to_string(frame.size()) + " bytes is more than the " +
                    std::to_string(limits::kIngestFrameBytesMax) + " that a source takes",
                "send fewer rows in one message");
}

Result<IngestRequest> decode_ingest_request(ByteView frame) {
  IngestRequest request;
  std::vector<std::uint64_t> copy;
  const auto read = [&](schema::IngestRequest::Reader root, std::size_t) -> Status {
    request.producer = std::string(view(root.getProducer()));
    MILLRACE_TRY(check_producer(request.producer));
    request.acknowledged = root.getAcknowledged();
    if (root.isHello()) {
      request.what = IngestHello{};
      return {};
    }
    if (!root.isRows()) return {Code::invalid_argument, "it asks for what is not known here"};
    IngestRows rows;
    rows.sequence = root.getRows().getSequence();
    if (rows.sequence <= request.acknowledged) {
      return {Code::invalid_argument, "number " + std::to_string(rows.sequence) +
                                          " was acknowledged before, as the message itself says"};
    }
    const auto lines = root.getRows().getLines();
    rows.lines.assign(reinterpret_cast<const char*>(lines.begin()), lines.size());
    request.what = std::move(rows);
    return {};
  };
  MILLRACE_TRY(read_message<schema::IngestRequest>("a producer's message", frame, copy, read));
  return request;
}

Bytes encode_ingest_reply(const IngestReply& reply) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<schema::IngestReply>();
  switch (reply.kind) {
    case IngestReplyKind::welcome:
      put(reply.progress, root.initWelcome());
      break;
    case IngestReplyKind::progress:
      put(reply.progress, root.initProgress());
      break;
    case IngestReplyKind::gap:
      put(reply.progress, root.initGap());
      break;
    case IngestReplyKind::error:
      put(reply.error, root.initError());
      break;
  }
  auto frame = to_frame(message, "the reply");
  MILLRACE_CHECK(frame.is_ok());  // an error's texts are bounded
  return std::move(frame).value();
}

Result<IngestReply> decode_ingest_reply(ByteView frame) {
  IngestReply reply;
  std::vector<std::uint64_t> copy;
  const auto read = [&](schema::IngestReply::Reader root, std::size_t) -> Status {
    if (root.isError()) {
      const auto error = root.getError();
      reply.kind = IngestReplyKind::error;
      reply.error = Status(code_of(view(error.getCode())), std::string(view(error.getMessage())),
                           std::string(view(error.getHint())));
    } else if (root.isWelcome()) {
      reply.kind = IngestReplyKind::welcome;
      reply.progress = get(root.getWelcome());
    } else if (root.isGap()) {
      reply.kind = IngestReplyKind::gap;
      reply.progress = get(root.getGap());
    } else if (root.isProgress()) {
      reply.kind = IngestReplyKind::progress;
      reply.progress = get(root.getProgress());
    } else {
      return {Code::invalid_argument, "it answers what is not known here"};
    }
    return {};
  };
  MILLRACE_TRY(read_message<schema::IngestReply>("the source's reply", frame, copy, read));
  return reply;
}

}  // namespace millrace::wire
