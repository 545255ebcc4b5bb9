#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "common/config/job_keys.hpp"
#include "common/config/job_value.hpp"
#include "common/config/kafka_properties.hpp"

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

void add_range(const KeyRules& rules, Json& schema) {
  if (rules.type == KeyType::duration) return;
  if (rules.minimum > -1e300)
    schema[rules.minimum_is_open ? "exclusiveMinimum" : "minimum"] = rules.minimum;
  if (rules.maximum < 1e300)
    schema[rules.maximum_is_open ? "exclusiveMaximum" : "maximum"] = rules.maximum;
}

// Of librdkafka's settings: what the checks allow, and no more.
Json settings_schema() {
  const Json secret = {{"type", "object"},
                       {"additionalProperties", false},
                       {"properties", Json{{"secret", Json{{"type", "string"}}}}},
                       {"required", {"secret"}}};
  Json all = Json::object();
  for (const auto& rule : kafka_property_rules()) {
    Json value = {{"type", {"string", "number", "boolean"}}};
    if (rule.is_secret) {
      value = secret;
    } else if (rule.range.second != 0) {
      value =
          Json{{"type", "integer"}, {"minimum", rule.range.first}, {"maximum", rule.range.second}};
    } else if (rule.choices.empty()) {
      value = Json{{"anyOf", {value, secret}}};
    }
    value["description"] = rule.help;
    all[rule.name] = value;
  }
  return all;
}

Json scalar_schema(const KeyRules& rules) {
  Json schema;
  switch (rules.type) {
    case KeyType::boolean:
      schema["type"] = "boolean";
      break;
    case KeyType::integer:
    case KeyType::integer_list:
      schema["type"] = "integer";
      break;
    case KeyType::number:
    case KeyType::number_list:
      schema["type"] = "number";
      break;
    case KeyType::duration:
      schema["type"] = "string";
      schema["pattern"] = "^[0-9.]+(ms|s|m|h)$";
      break;
    case KeyType::choice:
      schema["enum"] = rules.choices;
      break;
    case KeyType::text:
    case KeyType::text_list:
      schema["type"] = {"string", "number", "boolean"};  // `positive: 2` is the text "2"
      break;
    case KeyType::character:
      schema["type"] = "string";
      break;
    case KeyType::properties:
      schema["type"] = "object";
      schema["additionalProperties"] = false;
      schema["properties"] = settings_schema();
      break;
  }
  add_range(rules, schema);
  return schema;
}

Json value_as_json(const KeyRules& rules, const JobValue& value) {
  if (rules.type == KeyType::duration) return to_yaml(rules, value);
  return std::visit(
      [](const auto& v) -> Json {
        using Value = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<Value, std::monostate> || std::is_same_v<Value, Properties>)
          return nullptr;
        else
          return v;
      },
      value);
}

Json key_schema(const KeyRules& rules, const JobValue& default_value) {
  Json schema = scalar_schema(rules);
  if (is_list(rules.type)) schema = Json{{"type", "array"}, {"items", schema}};
  schema["description"] = rules.help + (rules.unit.empty() ? "" : ", in " + rules.unit);
  if (!is_empty(default_value)) schema["default"] = value_as_json(rules, default_value);
  return schema;
}

Json closed_object(const std::string& description) {
  return Json{{"type", "object"},
              {"description", description},
              {"additionalProperties", false},
              {"properties", Json::object()}};
}

// The object of a section ("source.csv"), made with its parents when it is not there yet.
Json& object_at(Json& root, std::string_view path) {
  Json* place = &root;
  while (!path.empty()) {
    const auto dot = path.find('.');
    place = &(*place)["properties"][std::string(path.substr(0, dot))];
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *place;
}

Json transforms_schema(const std::string& description) {
  Json steps = Json::array();
  for (const auto& name : transform_names()) {
    Json options = closed_object(name);
    for (const auto& key : transform_keys())
      if (key.path.starts_with(name + "."))
        options["properties"][key.path.substr(name.size() + 1)] =
            key_schema(key, key.get(TransformSpec{}));
    options["type"] = {"object", "null"};
    Json step = closed_object(name);
    step["properties"][name] = options;
    step["required"] = {name};
    steps.push_back(step);
    steps.push_back(Json{{"const", name}});
  }
  return Json{{"type", "array"}, {"description", description}, {"items", Json{{"anyOf", steps}}}};
}

}  // namespace

std::string job_file_json_schema() {
  Json root = closed_object("A Millrace job file");
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = "Millrace job file, version 1";
  root["required"] = {"version", "schema"};
  root["properties"]["version"] = Json{{"const", 1}};
  for (const auto& section : job_sections()) {
    if (section.path.empty()) continue;
    if (section.path == "preprocess")
      root["properties"]["preprocess"] = transforms_schema(section.help);
    else
      object_at(root, section.path) = closed_object(section.help);
  }
  JobSpec defaults;
  defaults.optimizer.emplace();
  defaults.training.emplace();
  defaults.merge.emplace();
  defaults.predictions.emplace();
  for (const auto& key : job_keys()) {
    const auto dot = key.path.rfind('.');
    const auto section = dot == std::string::npos ? std::string() : key.path.substr(0, dot);
    auto& object = object_at(root, section);
    object["properties"][key.path.substr(dot + 1)] = key_schema(key, key.get(defaults));
    if (key.is_required) object["required"].push_back(key.path.substr(dot + 1));
  }
  return root.dump(2);
}

}  // namespace millrace
