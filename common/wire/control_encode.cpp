#include <capnp/dynamic.h>
#include <fmt/format.h>

#include <limits>

#include "common/wire/control_codec.hpp"
#include "common/wire/control_names.hpp"
#include "common/wire/control_status_fields.hpp"
#include "common/wire/message.hpp"
#include "schemas/control.capnp.h"

namespace millrace::wire {
namespace {

// Writes the fields of one struct. After the first text or list beyond its limit nothing more is
// written, and `status` says why.
class StructWriter {
 public:
  StructWriter(capnp::DynamicStruct::Builder to, Status& status) : to_(to), status_(status) {}

  template <typename T>
  void operator()(const char* name, const T& value) {
    if (status_.is_ok()) put(schema_field(to_.getSchema(), name), name, value);
  }
  template <typename T>
  void operator()(const char* name, control::Document<T> document) {
    put_text(schema_field(to_.getSchema(), name), name, document.text,
             limits::kControlDocumentBytesMax);
  }
  // The member of the union that the variant's place names.
  template <typename... Ts>
  void one_of(std::span<const char* const> names, const std::variant<Ts...>& what) {
    const auto* name = names[what.index()];
    auto member = to_.init(schema_field(to_.getSchema(), name)).template as<capnp::DynamicStruct>();
    std::visit(
        [&](const auto& held) {
          StructWriter writer(member, status_);
          control::fields(writer, held);
        },
        what);
  }

 private:
  using Field = capnp::StructSchema::Field;

  template <typename T>
  void put(Field field, const char* name, const T& value) {
    if constexpr (std::is_same_v<T, Code>) {
      to_.set(field, capnp::Text::Reader(to_string(value)));
    } else if constexpr (std::is_enum_v<T>) {
      to_.set(field,
              capnp::DynamicEnum(field.getType().asEnum(), static_cast<std::uint16_t>(value)));
    } else if constexpr (std::is_arithmetic_v<T>) {
      to_.set(field, value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      put_text(field, name, value, limits::kControlTextBytesMax);
    } else {
      StructWriter writer(to_.init(field).template as<capnp::DynamicStruct>(), status_);
      control::fields(writer, value);
    }
  }
  void put(Field field, const char* /*name*/, const std::optional<double>& value) {
    to_.set(field, value.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  void put(Field field, const char* name, const std::optional<control::Error>& value) {
    if (value) put(field, name, *value);
  }
  template <typename T>
  void put(Field field, const char* name, const std::vector<T>& values) {
    if (values.empty() || !admit(name, values.size(), limits::kControlListMax)) return;
    put_list(
        to_.init(field, static_cast<unsigned>(values.size())).template as<capnp::DynamicList>(),
        name, values);
  }

  template <typename T>
  void put_list(capnp::DynamicList::Builder list, const char* name, const std::vector<T>& values) {
    for (unsigned i = 0; i < values.size() && status_.is_ok(); ++i) {
      if constexpr (std::is_arithmetic_v<T>) {
        list.set(i, values[i]);
      } else if constexpr (std::is_same_v<T, std::string>) {
        if (!admit(name, values[i].size(), limits::kControlTextBytesMax)) return;
        list.set(i, capnp::Text::Reader(values[i].c_str(), values[i].size()));
      } else if constexpr (requires { typename T::value_type; }) {
        if (!admit(name, values[i].size(), limits::kControlListMax)) return;
        put_list(
            list.init(i, static_cast<unsigned>(values[i].size())).template as<capnp::DynamicList>(),
            name, values[i]);
      } else {
        StructWriter writer(list[i].template as<capnp::DynamicStruct>(), status_);
        control::fields(writer, values[i]);
      }
    }
  }

  void put_text(Field field, const char* name, const std::string& text, std::size_t limit) {
    if (text.empty() || !admit(name, text.size(), limit)) return;
    to_.set(field, capnp::Text::Reader(text.c_str(), text.size()));
  }
  bool admit(const char* name, std::size_t size, std::size_t limit) {
    if (size <= limit) return true;
    status_ = {Code::resource_exhausted,
               fmt::format("{} has a size of {}, more than {}", name, size, limit),
               "ask for less at a time"};
    return false;
  }

  capnp::DynamicStruct::Builder to_;
  Status& status_;
};

template <typename Root, typename Write>
Result<Bytes> encode_with(const char* what, const Write& write) {
  Status status;
  capnp::MallocMessageBuilder message;
  StructWriter writer(message.initRoot<Root>(), status);
  write(writer);
  if (!status.is_ok()) return status.with_context(fmt::format("writing {}", what));
  return to_frame(message, what);
}

}  // namespace

static_assert(kRequestNames.size() == std::variant_size_v<control::RequestKind>);
static_assert(kReplyNames.size() == std::variant_size_v<control::ReplyKind>);

const char* name_of(const control::RequestKind& what) {
  return kRequestNames.at(what.index());
}

Result<Bytes> encode(const control::Request& request) {
  return encode_with<schema::ControlRequest>("the request", [&](StructWriter& writer) {
    writer("id", request.id);
    writer("deadline_ms", request.deadline_ms);
    writer.one_of(kRequestNames, request.what);
  });
}

Result<Bytes> encode(const control::Reply& reply) {
  return encode_with<schema::ControlReply>("the reply", [&](StructWriter& writer) {
    writer("id", reply.id);
    writer.one_of(kReplyNames, reply.what);
  });
}

}  // namespace millrace::wire
