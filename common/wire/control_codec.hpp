// Control requests and replies as bytes.
//
// Place: between ControlServer or ControlClient and the network. `decode_*` accept bytes from
// anyone: every length, depth and count is checked (limits.hpp) before it is used, fields that are
// not known are ignored, and an unknown kind of request is an error that says so. Values, any
// thread.
#pragma once

#include <array>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "common/wire/control.hpp"

namespace millrace::wire {

// By position in the variant: the words of the schema, and of `audit` lines.
inline constexpr std::array kRequestNames = {
    "submit",  "jobs",      "status",      "describe", "events",  "stop",
    "cancel",  "savepoint", "checkpoints", "resume",   "rescale", "delete",
    "workers", "drain",     "operation",   "models",   "aliases", "version"};
inline constexpr std::array kReplyNames = {"error",       "submitted", "jobs",        "status",
                                           "description", "events",    "checkpoints", "workers",
                                           "operation",   "models",    "aliases",     "version"};
const char* name_of(const control::RequestKind& what);

// Fails with resource_exhausted where a reader would refuse a length or a count.
Result<Bytes> encode(const control::Request& request);
Result<Bytes> encode(const control::Reply& reply);

// invalid_argument when the bytes are no such message, resource_exhausted past a limit. On failure
// `id` is the sender's number when it could be read, else 0. `client` is never read from the bytes.
Result<control::Request> decode_control_request(ByteView frame, std::uint64_t& id);
Result<control::Reply> decode_control_reply(ByteView frame);
// The id of a request that is not looked at further; 0 when it cannot be read.
std::uint64_t control_request_id(ByteView frame);

}  // namespace millrace::wire
