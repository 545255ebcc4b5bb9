// What producers and a zeromq source say to each other, as plain values and as frames.
//
// Place: the source (worker/sources) and `millrace send` speak through it. Decoding checks every
// bound on untrusted bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"

namespace millrace::wire {

struct IngestHello {};
struct IngestRows {
  std::uint64_t sequence = 0;
  std::string lines;
};
struct IngestRequest {
  std::string producer;
  std::uint64_t acknowledged = 0;
  std::variant<IngestHello, IngestRows> what;
};

struct IngestProgress {
  std::uint64_t received = 0;
  std::uint64_t acknowledged = 0;
  friend bool operator==(const IngestProgress&, const IngestProgress&) = default;
};
enum class IngestReplyKind : std::uint8_t { welcome, progress, gap, error };
struct IngestReply {
  IngestReplyKind kind = IngestReplyKind::progress;
  IngestProgress progress;  // of all kinds but error
  Status error;
};

// Fails with resource_exhausted past limits::kIngestFrameBytesMax.
Result<Bytes> encode_ingest_request(const IngestRequest& request);
// Fails with invalid_argument.
Result<IngestRequest> decode_ingest_request(ByteView frame);
Bytes encode_ingest_reply(const IngestReply& reply);
Result<IngestReply> decode_ingest_reply(ByteView frame);

}  // namespace millrace::wire
