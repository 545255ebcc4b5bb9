#include "worker/daemon/worker_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "common/base/limits.hpp"
#include "common/security/roles.hpp"

namespace millrace {
namespace {

using Kind = NodeKey::Kind;

constexpr std::uint32_t kSlotsMax = 1'024;
constexpr std::uint64_t kMemoryMin = std::uint64_t{64} << 20;

std::vector<NodeKey> make_keys() {
  std::vector<NodeKey> keys = {
      {"coordinator", Kind::list, "HOST:PORT", "127.0.0.1:4700",
       "where the coordinator's actors listen; several, with commas, are tried in turn"},
      {"listen", Kind::text, "HOST:PORT", "127.0.0.1:4710", "where this worker's actors listen"},
      {"advertise", Kind::text, "HOST", "",
       "host under which other workers and clients reach this one (the one it listens at)"},
      {"predictions", Kind::text, "tcp://HOST:PORT", "tcp://127.0.0.1:4711",
       "where predictions are answered"},
      {"metrics", Kind::text, "HOST:PORT", "127.0.0.1:4713", "where metrics and health are told"},
      {"state", Kind::text, "DIR", "/var/lib/millrace", "folder for what this worker writes"},
      {"name", Kind::text, "NAME", "", "of this node (the certificate's, or the host's)"},
      {"slots", Kind::text, "N", "", "replicas trained at a time (one for each core)"},
      {"memory", Kind::text, "BYTES", "", "that may be used (what the machine gives)"},
      {"roles", Kind::list, "ROLES", "train,parameters,serve", "what it may be used for"},
      {"label", Kind::list, "KEY=VALUE", "",
       "told by `millrace workers --output json`; may be repeated"},
      {"data-root", Kind::list, "DIR", "",
       "folder below which jobs may read files; may be repeated (none: no files)"},
      {"secrets", Kind::text, "DIR", "", "folder with a file for each secret that jobs name"}};
  for (auto& key : shared_node_keys()) keys.push_back(std::move(key));
  return keys;
}

Result<std::vector<NodeAddress>> coordinators(const NodeValues& values) {
  std::vector<NodeAddress> addresses;
  for (const auto& word : values.list("coordinator")) {
    auto parsed = net::Endpoint::parse(word);
    if (!parsed.is_ok()) return values.wrong("coordinator", parsed.status().message());
    if (parsed.value().port == 0 || parsed.value().host == "*") {
      return values.wrong("coordinator", "'" + word + "' is no address to connect to");
    }
    addresses.push_back({parsed.value().host, parsed.value().port});
  }
  if (!addresses.empty()) return addresses;
  return values.wrong("coordinator", "names no address", "write HOST:PORT");
}

Result<WorkerRoles> roles(const NodeValues& values) {
  WorkerRoles roles{false, false, false};
  for (const auto& word : values.list("roles")) {
    if (word == "train") {
      roles.train = true;
    } else if (word == "parameters") {
      roles.parameters = true;
    } else if (word == "serve") {
      roles.serve = true;
    } else {
      return values.wrong("roles", "'" + word + "' is no role", "train, parameters, serve");
    }
  }
  if (roles.train || roles.parameters || roles.serve) return roles;
  return values.wrong("roles", "names no role", "train, parameters, serve");
}

Result<std::vector<WorkerLabel>> labels(const NodeValues& values) {
  std::vector<WorkerLabel> labels;
  for (const auto& word : values.list("label")) {
    const auto equals = word.find('=');
    if (equals == 0 || equals == word.npos) {
      return values.wrong("label", "'" + word + "' is no label", "write KEY=VALUE");
    }
    labels.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  if (labels.size() <= limits::kLabelsMax) return labels;
  return values.wrong("label", "there are more than " + std::to_string(limits::kLabelsMax));
}

// The number in a file of the control group; none where there is no limit.
std::optional<std::uint64_t> read_number(const char* path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

// Whole cores that the control group may use; none where there is no limit.
std::optional<std::uint32_t> cores_of_group() {
  std::optional<std::uint64_t> quota, period;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::uint64_t first = 0, second = 0;
  if (file >> first >> second) {
    quota = first;
    period = second;
  } else {
    quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  }
  const bool is_limited = quota && period && *period > 0 && *quota < (std::uint64_t{1} << 40);
  if (!is_limited) return std::nullopt;
  return std::max(1u, static_cast<std::uint32_t>(*quota / *period));
}

}  // namespace

std::span<const NodeKey> worker_keys() {
  static const std::vector<NodeKey> keys = make_keys();
  return keys;
}

Machine this_machine() {
  Machine machine;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) machine.name = name;
  std::ranges::transform(machine.name, machine.name.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  machine.name = machine.name.substr(0, machine.name.find('.'));
  machine.cores = std::max(1u, std::thread::hardware_concurrency());
  if (const auto quota = cores_of_group()) machine.cores = std::min(machine.cores, *quota);
  machine.memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const auto limit = read_number(path)) {
      machine.memory_bytes = std::min(machine.memory_bytes, *limit);
    }
  }
  return machine;
}

Result<WorkerDaemonOptions> make_worker_options(const NodeValues& values, const Machine& machine) {
  WorkerDaemonOptions options;
  MILLRACE_ASSIGN(static_cast<DaemonOptions&>(options), read_daemon_options(values));
  MILLRACE_ASSIGN(options.coordinators, coordinators(values));
  MILLRACE_ASSIGN(options.roles, roles(values));
  if (options.roles.serve) {
    MILLRACE_ASSIGN(options.predictions, read_client_endpoint(values, "predictions", options));
  } else if (values.origin("predictions").starts_with("--")) {
    return values.wrong("predictions", "has no effect: --roles does not name serve",
                        "add serve to the roles, or leave --predictions out");
  }
  MILLRACE_ASSIGN(options.labels, labels(values));
  options.data_roots = values.list("data-root");
  options.slots = machine.cores;
  if (!values.text("slots").empty()) {
    MILLRACE_ASSIGN(const auto slots, values.number("slots", 1, kSlotsMax));
    options.slots = static_cast<std::uint32_t>(slots);
  }
  options.memory_bytes = machine.memory_bytes;
  if (!values.text("memory").empty()) {
    MILLRACE_ASSIGN(options.memory_bytes, values.bytes("memory"));
    if (options.memory_bytes < kMemoryMin) return values.wrong("memory", "is less than 64MiB");
  }
  options.is_named = !values.text("name").empty();
  options.name = options.is_named ? values.text("name") : machine.name;
  const auto named = security::check_name("node", options.name);
  if (!named.is_ok()) return values.wrong("name", named.message(), "choose one with --name");
  options.advertise = values.text("advertise");
  if (options.advertise.empty()) {
    const bool is_everywhere = options.listen.host == "*" || options.listen.host == "0.0.0.0" ||
                               options.listen.host == "::";
    options.advertise = is_everywhere ? machine.name : options.listen.host;
  }
  return options;
}

}  // namespace millrace
