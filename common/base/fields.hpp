// The fields of a type, described once and both written and read by that description.
//
// Place: under the codecs of messages. A type lists its fields in `fields(visitor, value)` beside
// its codec, or in the `inspect` that ids and ledgers have; FieldWriter and FieldReader visit them.
//
// Invariant: no length is believed. A list, text or blob is held against its limit and against the
// bytes that remain before anything is allocated, and a writer refuses what a reader would refuse.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/limits.hpp"

namespace millrace {

// Fields that need more than their type says.
template <typename T>
struct ListField {
  std::vector<T>& values;
  std::size_t max;
  const char* what;
};
template <typename T>
ListField(std::vector<T>&, std::size_t, const char*) -> ListField<T>;
struct TextField {
  std::string& text;
  std::size_t max;
  const char* what;
};
struct BlobField {
  Bytes& bytes;
  std::size_t max;
  const char* what;
};
// A shared blob that may be absent.
struct SharedBlobField {
  std::shared_ptr<const Bytes>& bytes;
  std::size_t max;
  const char* what;
};
template <typename E>
struct EnumField {
  E& value;
  E last;  // the greatest enumerator; enumerators count from 0
  const char* what;
};
template <typename E>
EnumField(E&, E, const char*) -> EnumField<E>;

template <typename Visitor, typename T>
concept HasFields = requires(Visitor& visitor, T& value) {
  fields(visitor, value);
};

class FieldWriter {
 public:
  using result_type = void;

  explicit FieldWriter(ByteWriter& writer) : writer_(writer) {}

  template <typename... Ts>
  void operator()(Ts&&... values) {
    (put(values), ...);
  }
  // ok, or the first field that is beyond its limit.
  const Status& status() const { return status_; }

 private:
  template <typename T>
  void put(T& value) {
    if constexpr (std::is_same_v<std::remove_const_t<T>, bool>) {
      writer_.put<std::uint8_t>(value ? 1 : 0);
    } else if constexpr (std::is_arithmetic_v<T>) {
      writer_.put(value);
    } else if constexpr (HasFields<FieldWriter, T>) {
      fields(*this, value);
    } else {
      inspect(*this, value);
    }
  }
  template <typename T>
  void put(ListField<T>& list) {
    if (!admit(list.values.size(), list.max, list.what)) return;
    for (auto& value : list.values) put(value);
  }
  template <typename K, typename V>
  void put(std::map<K, V>& map) {
    if (!admit(map.size(), limits::kSplitsMax, "splits")) return;
    for (auto& [key, value] : map) {
      auto id = key;
      (*this)(id, value);
    }
  }
  template <typename T>
  void put(std::optional<T>& value) {
    writer_.put<std::uint8_t>(value ? 1 : 0);
    if (value) put(*value);
  }
  template <typename... Ts>
  void put(std::variant<Ts...>& value) {
    static_assert(sizeof...(Ts) < 256);
    writer_.put(static_cast<std::uint8_t>(value.index()));
    std::visit([this](auto& held) { this->put(held); }, value);
  }
  template <typename E>
  void put(EnumField<E>& field) {
    writer_.put(static_cast<std::uint8_t>(field.value));
  }
  void put(TextField& field);
  void put(std::string& text);
  void put(BlobField& field);
  void put(SharedBlobField& field);
  void put(Status& status);
  bool admit(std::size_t count, std::size_t max, const char* what);
  void put_blob(ByteView bytes, std::size_t max, const char* what);

  ByteWriter& writer_;
  Status status_;
};

// After the first failure what was read is of no use; the reader's status says why.
class FieldReader {
 public:
  using result_type = void;

  explicit FieldReader(ByteReader& reader) : reader_(reader) {}

  template <typename... Ts>
  void operator()(Ts&&... values) {
    (get(values), ...);
  }
  ByteReader& reader() { return reader_; }
  // A count of things of at least one byte each, held against `max` and the bytes that remain.
  std::size_t count(std::size_t max, const char* what);

 private:
  template <typename T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = flag();
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = reader_.get<T>();
    } else if constexpr (HasFields<FieldReader, T>) {
      fields(*this, value);
    } else {
      inspect(*this, value);
    }
  }
  template <typename T>
  void get(ListField<T>& list) {
    const auto size = count(list.max, list.what);
    for (std::size_t i = 0; i < size && reader_.is_ok(); ++i) get(list.values.emplace_back());
  }
  // Ascending, so that a map has one encoding.
  template <typename K, typename V>
  void get(std::map<K, V>& map) {
    const auto size = count(limits::kSplitsMax, "splits");
    for (std::size_t i = 0; i < size && reader_.is_ok(); ++i) {
      K key;
      V value;
      (*this)(key, value);
      if (!map.empty() && key <= map.rbegin()->first) return reader_.fail("keys out of order");
      map.emplace_hint(map.end(), key, std::move(value));
    }
  }
  template <typename T>
  void get(std::optional<T>& value) {
    if (flag()) get(value.emplace());
  }
  template <typename... Ts>
  void get(std::variant<Ts...>& value) {
    const std::size_t index = reader_.get<std::uint8_t>();
    if (index >= sizeof...(Ts)) return refuse("the kind of a message");
    get_alternative(value, index, std::index_sequence_for<Ts...>());
  }
  template <typename Variant, std::size_t... I>
  void get_alternative(Variant& value, std::size_t index, std::index_sequence<I...>) {
    ((I == index ? get(value.template emplace<I>()) : void()), ...);
  }
  template <typename E>
  void get(EnumField<E>& field) {
    const auto number = reader_.get<std::uint8_t>();
    if (number > static_cast<std::uint8_t>(field.last)) return refuse(field.what);
    field.value = static_cast<E>(number);
  }
  void get(TextField& field);
  void get(std::string& text);
  void get(BlobField& field);
  void get(SharedBlobField& field);
  void get(Status& status);
  bool flag();
  void refuse(const char* what);
  ByteView view_of(std::size_t max, const char* what);

  ByteReader& reader_;
};

}  // namespace millrace
