#include "common/config/kafka_columns.hpp"

namespace millrace {

std::string kafka_key_column(const KafkaSpec& kafka, const std::string& label) {
  return kafka.label_from == KafkaPart::key ? label : kafka.key_field.value_or("");
}

std::vector<std::string> kafka_columns_behind(const KafkaSpec& kafka, const std::string& label) {
  std::vector<std::string> columns;
  if (const auto key = kafka_key_column(kafka, label); !key.empty()) columns.push_back(key);
  if (kafka.timestamp_field) columns.push_back(*kafka.timestamp_field);
  columns.insert(columns.end(), kafka.header_fields.begin(), kafka.header_fields.end());
  return columns;
}

}  // namespace millrace
