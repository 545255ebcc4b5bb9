#include "common/base/fields.hpp"

#include <algorithm>

namespace millrace {

bool FieldWriter::admit(std::size_t count, std::size_t max, const char* what) {
  if (count <= max) {
    writer_.put(static_cast<std::uint32_t>(count));
    return true;
  }
  if (status_.is_ok()) {
    status_ =
        Status(Code::resource_exhausted, std::string(what) + ": " + std::to_string(count) +
                                             " cannot be sent, at most " + std::to_string(max));
  }
  return false;
}

void FieldWriter::put_blob(ByteView bytes, std::size_t max, const char* what) {
  if (admit(bytes.size(), max, what)) writer_.put_raw(bytes);
}

void FieldWriter::put(TextField& field) {
  put_blob(as_bytes(field.text), field.max, field.what);
}

void FieldWriter::put(std::string& text) {
  put_blob(as_bytes(text), limits::kStringBytesMax, "bytes of a text");
}

void FieldWriter::put(BlobField& field) {
  put_blob(field.bytes, field.max, field.what);
}

void FieldWriter::put(SharedBlobField& field) {
  writer_.put<std::uint8_t>(field.bytes != nullptr ? 1 : 0);
  if (field.bytes != nullptr) put_blob(*field.bytes, field.max, field.what);
}

void FieldWriter::put(Status& status) {
  writer_.put(static_cast<std::uint8_t>(status.code()));
  for (const std::string* text : {&status.message(), &status.hint()}) {
    const auto size = std::min(text->size(), limits::kStatusTextBytesMax);
    put_blob(as_bytes(*text).first(size), limits::kStatusTextBytesMax, "bytes of an error");
  }
}

std::size_t FieldReader::count(std::size_t max, const char* what) {
  const auto size = reader_.get<std::uint32_t>();
  if (size <= max && size <= reader_.remaining()) return size;
  refuse(what);
  return 0;
}

ByteView FieldReader::view_of(std::size_t max, const char* what) {
  return reader_.get_view(count(max, what));
}

void FieldReader::get(TextField& field) {
  field.text = as_text(view_of(field.max, field.what));
}

void FieldReader::get(std::string& text) {
  text = as_text(view_of(limits::kStringBytesMax, "bytes of a text"));
}

void FieldReader::get(BlobField& field) {
  const auto bytes = view_of(field.max, field.what);
  field.bytes.assign(bytes.begin(), bytes.end());
}

void FieldReader::get(SharedBlobField& field) {
  field.bytes = nullptr;
  if (!flag()) return;
  const auto bytes = view_of(field.max, field.what);
  field.bytes = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
}

void FieldReader::get(Status& status) {
  const auto code = reader_.get<std::uint8_t>();
  const auto text = [&] {
    return std::string(as_text(view_of(limits::kStatusTextBytesMax, "bytes of an error")));
  };
  std::string message = text();
  std::string hint = text();
  if (code == 0 || code > static_cast<std::uint8_t>(Code::internal)) {
    return refuse("the code of an error");
  }
  status = Status(static_cast<Code>(code), std::move(message), std::move(hint));
}

bool FieldReader::flag() {
  const auto value = reader_.get<std::uint8_t>();
  if (value > 1) refuse("a flag");
  return value == 1;
}

void FieldReader::refuse(const char* what) {
  reader_.fail((std::string(what) + ": not what was written, or beyond its limit").c_str());
}

}  // namespace millrace
