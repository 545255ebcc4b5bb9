#include "common/security/access_policy.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/limits.hpp"

namespace millrace::security {
namespace {

constexpr std::uint64_t kFormatVersion = 1;
constexpr std::size_t kNamedBytesMax = 64;  // of a wrong word, in a message

std::string short_text(const std::string& text) {
  return text.substr(0, kNamedBytesMax);
}

// Reads one policy; the first error ends it, and names its place.
class PolicyReader {
 public:
  explicit PolicyReader(const std::string& where) : where_(where) {}

  Result<AccessPolicy> read(std::string_view text) {
    const auto document = nlohmann::json::parse(text, nullptr, false);
    if (document.is_discarded()) return wrong("it is not valid JSON");
    MILLRACE_TRY(check_members(document, "", {"format_version", "clients"}));
    const auto& version = document["format_version"];
    if (!version.is_number_unsigned()) return wrong("format_version is not a number");
    if (version.get<std::uint64_t>() != kFormatVersion) {
      return Status(Code::unsupported_format,
                    where_ + " has format version " + version.dump() + ", and this program reads " +
                        std::to_string(kFormatVersion),
                    "upgrade the program, or write the file again with its keygen");
    }
    const auto& clients = document["clients"];
    if (!clients.is_array()) return wrong("clients is not a list");
    if (clients.size() > limits::kPolicyClientsMax) return wrong("it names too many clients");
    AccessPolicy policy;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const auto place = "clients[" + std::to_string(i) + "]";
      MILLRACE_ASSIGN(PolicyClient client, read_client(clients[i], place));
      if (policy.find(client.id) != nullptr) return wrong("client " + client.id + " stands twice");
      if (const auto status = policy.put(std::move(client)); !status.is_ok()) {
        return status.with_context(where_ + ": " + place);
      }
    }
    return policy;
  }

 private:
  Status wrong(const std::string& why) const {
    return {Code::invalid_argument, where_ + ": " + why,
            "docs/security.md shows what a policy looks like"};
  }

  // Exactly these members: a misspelt one must not be a rule that does not hold.
  Status check_members(const nlohmann::json& object, const std::string& place,
                       const std::vector<std::string>& names) const {
    const auto prefix = place.empty() ? "" : place + ".";
    if (!object.is_object()) return wrong((place.empty() ? "it" : place) + " is not an object");
    for (const auto& member : object.items()) {
      if (std::find(names.begin(), names.end(), member.key()) == names.end()) {
        return wrong(prefix + short_text(member.key()) + " is not known");
      }
    }
    for (const auto& name : names) {
      if (!object.contains(name)) return wrong(prefix + name + " is missing");
    }
    return {};
  }

  Result<PolicyClient> read_client(const nlohmann::json& object, const std::string& place) const {
    MILLRACE_TRY(check_members(object, place, {"id", "roles", "keys"}));
    PolicyClient client;
    if (!object["id"].is_string()) return wrong(place + ".id is not a text");
    client.id = object["id"].get<std::string>();
    const auto named = check_name("client", client.id);
    if (!named.is_ok()) return named.with_context(where_ + ": " + place);
    if (!object["roles"].is_array()) return wrong(place + ".roles is not a list");
    for (const auto& role : object["roles"]) {
      if (!role.is_string()) return wrong(place + ".roles holds what is no text");
      const auto parsed = parse_client_role(role.get<std::string>());
      if (!parsed.is_ok()) return parsed.status().with_context(where_ + ": " + place);
      client.roles.add(parsed.value());
    }
    const auto& keys = object["keys"];
    if (!keys.is_array() || keys.empty() || keys.size() > limits::kPolicyKeysPerClientMax) {
      return wrong(place + ".keys is not a list of 1 to " +
                   std::to_string(limits::kPolicyKeysPerClientMax) + " keys");
    }
    for (const auto& key : keys) {
      if (!key.is_string()) return wrong(place + ".keys holds what is no text");
      const auto parsed = CurvePublicKey::parse(key.get<std::string>());
      if (!parsed.is_ok()) return parsed.status().with_context(where_ + ": " + place + ".keys");
      client.keys.push_back(parsed.value());
    }
    return client;
  }

  const std::string& where_;
};

}  // namespace

Result<AccessPolicy> AccessPolicy::parse(std::string_view text, const std::string& where) {
  return PolicyReader(where).read(text);
}

std::string AccessPolicy::text() const {
  std::string text =
      "{\"format_version\": " + std::to_string(kFormatVersion) + ",\n \"clients\": [";
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const auto& client = clients_[i];
    auto roles = nlohmann::json::array();
    for (const auto role : kClientRoles) {
      if (client.roles.names(role)) roles.push_back(to_string(role));
    }
    auto keys = nlohmann::json::array();
    for (const auto& key : client.keys) keys.push_back(key.text());
    text += (i == 0 ? "\n  {\"id\": \"" : ",\n  {\"id\": \"") + client.id +
            "\", \"roles\": " + roles.dump() + ", \"keys\": " + keys.dump() + "}";
  }
  return text + "\n]}\n";
}

const PolicyClient* AccessPolicy::find_key(const CurvePublicKey& key) const {
  return find_key(key.text());
}

const PolicyClient* AccessPolicy::find_key(std::string_view key_text) const {
  const auto found = by_key_.find(key_text);
  return found == by_key_.end() ? nullptr : &clients_[found->second];
}

const PolicyClient* AccessPolicy::find(std::string_view id) const {
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const PolicyClient& client) { return client.id == id; });
  return found == clients_.end() ? nullptr : &*found;
}

Status AccessPolicy::put(PolicyClient client) {
  for (const auto& key : client.keys) {
    const auto* owner = find_key(key);
    if (owner != nullptr && owner->id != client.id) {
      return {Code::conflict, "a key of client " + client.id + " belongs to client " + owner->id,
              "give every client keys of its own"};
    }
  }
  const auto* former = find(client.id);
  const auto index =
      former == nullptr ? clients_.size() : static_cast<std::size_t>(former - clients_.data());
  std::erase_if(by_key_, [&](const auto& entry) { return entry.second == index; });
  for (const auto& key : client.keys) by_key_.emplace(key.text(), index);
  if (former == nullptr) clients_.emplace_back();
  clients_[index] = std::move(client);
  return {};
}

}  // namespace millrace::security
