#include "worker/sinks/output_messages.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>

#include "common/base/limits.hpp"
#include "common/ml/evaluation/class_scores.hpp"

namespace millrace {
namespace {

// Room for a key and the headers of a message beside its value.
constexpr std::size_t kHeadBytesMax = 64u << 10;

std::string as_json(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + '"';
}

void put_number(float number, std::string& into) {
  if (std::isfinite(number)) {
    fmt::format_to(std::back_inserter(into), "{}", number);
  } else {
    into += "null";
  }
}

}  // namespace

PredictionMessages::PredictionMessages(const std::string& job, Task task, std::uint32_t outputs)
    : task_(task), outputs_(outputs), head_("{\"job\":" + as_json(job) + ",\"split\":") {}

void PredictionMessages::put_class(std::uint32_t id) {
  if (id < classes_.size()) {
    value_ += classes_[id];
  } else {
    fmt::format_to(std::back_inserter(value_), "\"(class {})\"", id);
  }
}

// Of two classes the model gives the probability of the second.
void PredictionMessages::put_classes(const float* output, float label) {
  const std::array<float, 2> both = {1.0f - output[0], output[0]};
  const float* probabilities = outputs_ == 1 ? both.data() : output;
  const auto known =
      outputs_ == 1 ? 2u : std::min(outputs_, static_cast<std::uint32_t>(classes_.size()));
  const std::uint32_t best = outputs_ == 1 ? static_cast<std::uint32_t>(predicts_one(output[0]))
                                           : most_probable(output, std::max(known, 1u));
  put_class(best);
  value_ += ",\"probabilities\":{";
  for (std::uint32_t id = 0; id < known; ++id) {
    if (id > 0) value_ += ',';
    put_class(id);
    value_ += ':';
    put_number(probabilities[id], value_);
  }
  value_ += "},\"label\":";
  put_class(static_cast<std::uint32_t>(label));
}

void PredictionMessages::add(const MicroBatch& batch, std::span<const float> predictions,
                             const Dictionary& dictionary, OutputBatch& into) {
  if (task_ != Task::regression) {
    for (auto id = static_cast<std::uint32_t>(classes_.size()); id < dictionary.size(kLabelField);
         ++id) {
      classes_.push_back(as_json(dictionary.text(kLabelField, id)));
    }
  }
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const std::uint64_t offset = batch.offsets[row].value;
    const float* output = predictions.data() + row * outputs_;
    key_.clear();
    fmt::format_to(std::back_inserter(key_), "{}:{}", batch.split.value, offset);
    value_ = head_;
    fmt::format_to(std::back_inserter(value_),
                   "{},\"offset\":{},\"prediction\":", batch.split.value, offset);
    if (task_ == Task::regression) {
      put_number(output[0], value_);
      value_ += ",\"label\":";
      put_number(batch.labels[row], value_);
    } else {
      put_classes(output, batch.labels[row]);
    }
    value_ += '}';
    into.add(key_, value_);
  }
}

void add_dead_letter(const DeadLetter& letter, const std::string& job, const std::string& topic,
                     OutputBatch& into) {
  constexpr std::size_t kRoom = limits::kOutputMessageBytesMax - kHeadBytesMax;
  const auto partition = std::to_string(letter.entry.split.value);
  const auto offset = std::to_string(letter.entry.offset.value);
  const auto reason = std::string_view(letter.entry.reason).substr(0, limits::kStringBytesMax);
  std::vector<OutputHeader> headers = {
      {"job", job},     {"reason", reason},       {"column", letter.entry.column},
      {"topic", topic}, {"partition", partition}, {"offset", offset},
  };
  std::optional<std::string_view> key = letter.key, value = letter.value;
  std::string key_bytes, value_bytes;
  if (key && key->size() > limits::kStringBytesMax) {
    key_bytes = std::to_string(key->size());
    headers.push_back({"truncated_key_of_bytes", key_bytes});
    key = key->substr(0, limits::kStringBytesMax);
  }
  if (value && value->size() > kRoom) {
    value_bytes = std::to_string(value->size());
    headers.push_back({"truncated_value_of_bytes", value_bytes});
    value = value->substr(0, kRoom);
  }
  into.add(key, value, headers);
}

}  // namespace millrace
