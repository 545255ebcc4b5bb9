// How a described message becomes an envelope and fields, and is read again: included only by the
// sources that describe messages and instantiate these for them.
//
// A message has a name for errors (kMessageName) and a format. What a later format added stands in
// `added_fields`, behind what earlier ones had, so that an older message is read with its defaults;
// a program that does not know the addition refuses the message, since it would act without it.
#pragma once

#include "common/actors/codec.hpp"
#include "common/base/fields.hpp"

namespace millrace {

template <typename Message>
inline constexpr const char* kMessageName = nullptr;
template <typename Message>
inline constexpr std::uint16_t kMessageFormat = 1;

// A status that may be ok: errors alone have a code of their own.
inline void outcome(FieldWriter& f, Status& status) {
  bool is_ok = status.is_ok();
  f(is_ok);
  if (!is_ok) f(status);
}
inline void outcome(FieldReader& f, Status& status) {
  bool is_ok = false;
  f(is_ok);
  if (!is_ok) f(status);
}

template <typename Visitor, typename Message>
concept HasAddedFields = requires(Visitor& visitor, Message& message) {
  added_fields(visitor, message);
};

template <typename Message>
Result<Frame> encode_message(const Message& message) {
  static_assert(HasAddedFields<FieldWriter, Message> == (kMessageFormat<Message> > 1));
  ByteWriter bytes;
  bytes.envelope(kMessageFormat<Message>, kMessageFormat<Message>);
  FieldWriter writer(bytes);
  auto& described = const_cast<Message&>(message);  // one description reads and writes; this writes
  fields(writer, described);
  if constexpr (kMessageFormat < Message >> 1) added_fields(writer, described);
  if (!writer.status().is_ok()) return writer.status().with_context(kMessageName<Message>);
  return Frame{std::move(bytes).take(), {}, {}};
}

template <typename Message>
Result<Message> decode_message(ByteView bytes) {
  ByteReader reader(bytes);
  const auto format = reader.envelope(kMessageFormat<Message>, kMessageName<Message>);
  Message message;
  FieldReader visitor(reader);
  if (reader.is_ok()) fields(visitor, message);
  if constexpr (kMessageFormat < Message >> 1) {
    if (reader.is_ok() && format > 1) added_fields(visitor, message);
  }
  if (const auto status = reader.finish(); !status.is_ok()) {
    return status.with_context(kMessageName<Message>);
  }
  return message;
}

}  // namespace millrace
