// Decoding of untrusted frames: a size is held against its limit and against the frame before
// anything is allocated for it.
#include <capnp/dynamic.h>
#include <fmt/format.h>

#include <cmath>

#include "common/wire/control_codec.hpp"
#include "common/wire/control_names.hpp"
#include "common/wire/control_status_fields.hpp"
#include "common/wire/message.hpp"
#include "schemas/control.capnp.h"

namespace millrace::wire {
namespace {

Code parse_code(std::string_view word) {
  for (auto number = 1; number <= static_cast<int>(Code::internal); ++number) {
    if (word == to_string(static_cast<Code>(number))) return static_cast<Code>(number);
  }
  return Code::internal;  // of a newer program
}

// Of a whole message. Lists of elements without bytes, and pointers that lead to one list many
// times, may claim more elements than the frame could hold: two honest ones take a word at least.
struct Budget {
  std::size_t elements;
  Status status;

  bool admit_text(const char* name, std::size_t size, std::size_t limit) {
    if (status.is_ok() && size > limit) {
      status = {Code::resource_exhausted,
                fmt::format("its {} has {} bytes, more than {}", name, size, limit),
                "send a shorter text"};
    }
    return status.is_ok();
  }
  bool admit_list(const char* name, std::size_t size) {
    if (status.is_ok() && (size > limits::kControlListMax || size > elements)) {
      status = {Code::resource_exhausted,
                fmt::format("its {} claims {} elements, more than {}", name, size,
                            std::min(elements, limits::kControlListMax)),
                "send fewer elements at a time"};
    }
    if (status.is_ok()) elements -= size;
    return status.is_ok();
  }
};

// Reads the fields of one struct; what the description does not name is ignored.
class StructReader {
 public:
  StructReader(capnp::DynamicStruct::Reader from, Budget& budget) : from_(from), budget_(budget) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    if (budget_.status.is_ok()) get(schema_field(from_.getSchema(), name), name, value);
  }
  template <typename T>
  void operator()(const char* name, control::Document<T> document) {
    get_text(from_.get(schema_field(from_.getSchema(), name)), name, document.text,
             limits::kControlDocumentBytesMax);
  }
  template <typename... Ts>
  void one_of(std::span<const char* const> names, std::variant<Ts...>& what) {
    KJ_IF_MAYBE (field, from_.which()) {
      const std::string_view found = field->getProto().getName().cStr();
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (found != names[i]) continue;
        StructReader reader(from_.get(*field).template as<capnp::DynamicStruct>(), budget_);
        get_alternative(reader, what, i, std::index_sequence_for<Ts...>());
        return;
      }
    }
    budget_.status = {Code::invalid_argument, "it is of a kind that this version does not know",
                      "use a client and a coordinator of the same version"};
  }

 private:
  using Field = capnp::StructSchema::Field;

  template <typename Variant, std::size_t... I>
  static void get_alternative(StructReader& reader, Variant& what, std::size_t index,
                              std::index_sequence<I...>) {
    ((I == index ? control::fields(reader, what.template emplace<I>()) : void()), ...);
  }

  template <typename T>
  void get(Field field, const char* name, T& value) {
    const auto read = from_.get(field);
    if constexpr (std::is_same_v<T, Code>) {
      value = parse_code(view(read.template as<capnp::Text>()));
    } else if constexpr (std::is_enum_v<T>) {
      const auto number = read.template as<capnp::DynamicEnum>().getRaw();
      // A newer program's word is no word here.
      const auto known = field.getType().asEnum().getEnumerants().size();
      value = static_cast<T>(number < known ? number : 0);
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = read.template as<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      get_text(read, name, value, limits::kControlTextBytesMax);
    } else {
      StructReader reader(read.template as<capnp::DynamicStruct>(), budget_);
      control::fields(reader, value);
    }
  }
  void get(Field field, const char* /*name*/, std::optional<double>& value) {
    const auto number = from_.get(field).as<double>();
    if (!std::isnan(number)) value = number;
  }
  void get(Field field, const char* name, std::optional<control::Error>& value) {
    if (from_.has(field)) get(field, name, value.emplace());
  }
  template <typename T>
  void get(Field field, const char* name, std::vector<T>& values) {
    get_list(from_.get(field).template as<capnp::DynamicList>(), name, values);
  }

  template <typename T>
  void get_list(capnp::DynamicList::Reader list, const char* name, std::vector<T>& values) {
    if (!budget_.admit_list(name, list.size())) return;
    values.reserve(list.size());
    for (unsigned i = 0; i < list.size() && budget_.status.is_ok(); ++i) {
      auto& value = values.emplace_back();
      if constexpr (std::is_arithmetic_v<T>) {
        value = list[i].template as<T>();
      } else if constexpr (std::is_same_v<T, std::string>) {
        get_text(list[i], name, value, limits::kControlTextBytesMax);
      } else if constexpr (requires { typename T::value_type; }) {
        get_list(list[i].template as<capnp::DynamicList>(), name, value);
      } else {
        StructReader reader(list[i].template as<capnp::DynamicStruct>(), budget_);
        control::fields(reader, value);
      }
    }
  }

  void get_text(const capnp::DynamicValue::Reader& read, const char* name, std::string& text,
                std::size_t limit) {
    const auto found = view(read.as<capnp::Text>());
    if (budget_.admit_text(name, found.size(), limit)) text = found;
  }

  capnp::DynamicStruct::Reader from_;
  Budget& budget_;
};

template <typename Root, typename Read>
Status decode_with(const char* what, ByteView frame, const Read& read) {
  std::vector<std::uint64_t> aligned_copy;
  return read_message<Root>(what, frame, aligned_copy, [&](auto root, std::size_t words) {
    Budget budget{.elements = 2 * words, .status = {}};
    StructReader reader(root, budget);
    read(reader);
    return budget.status;
  });
}

}  // namespace

Result<control::Request> decode_control_request(ByteView frame, std::uint64_t& id) {
  id = 0;
  control::Request request;
  MILLRACE_TRY(decode_with<schema::ControlRequest>("the request", frame, [&](StructReader& reader) {
    reader("id", request.id);
    id = request.id;
    reader("deadline_ms", request.deadline_ms);
    reader.one_of(kRequestNames, request.what);
  }));
  return request;
}

std::uint64_t control_request_id(ByteView frame) {
  std::uint64_t id = 0;
  const auto status = decode_with<schema::ControlRequest>(
      "the request", frame, [&](StructReader& reader) { reader("id", id); });
  return status.is_ok() ? id : 0;
}

Result<control::Reply> decode_control_reply(ByteView frame) {
  control::Reply reply;
  MILLRACE_TRY(decode_with<schema::ControlReply>("the reply", frame, [&](StructReader& reader) {
    reader("id", reply.id);
    reader.one_of(kReplyNames, reply.what);
  }));
  return reply;
}

}  // namespace millrace::wire
