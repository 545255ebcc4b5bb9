#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/base/version.hpp"
#include "common/net/socket.hpp"
#include "common/security/cluster_keys.hpp"
#include "common/store/disk.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/state_folder.hpp"
#include "coordinator/registry/files.hpp"

namespace millrace::cli {
namespace {

enum class Verdict : std::uint8_t { ok, warning, failed };

struct Check {
  std::string name;
  Verdict verdict = Verdict::ok;
  std::string found;
  std::string hint;
};
using Checks = std::vector<Check>;

constexpr std::int64_t kClockMsMax = 2'000;  // beyond, times of different machines mislead
constexpr std::uint64_t kFreeBytesMin = 1'000'000'000;

const char* word_of(Verdict verdict) {
  constexpr const char* kWords[] = {"ok", "warning", "failed"};
  return kWords[static_cast<std::size_t>(verdict)];
}

Check failed(std::string name, const Status& status) {
  return {std::move(name), Verdict::failed, status.message(), status.hint()};
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void check_clock(const control::ServerFacts& server, std::int64_t sent, std::int64_t received,
                 Checks& checks) {
  // The answer was made somewhere between.
  const auto theirs = static_cast<std::int64_t>(server.now_ms);
  const auto behind = std::max<std::int64_t>(0, sent - theirs);
  const auto ahead = std::max<std::int64_t>(0, theirs - received);
  const auto off = std::max(behind, ahead);
  checks.push_back({"clock", off > kClockMsMax ? Verdict::warning : Verdict::ok,
                    fmt::format("the coordinator's is within {} ms of this machine's", off),
                    off > kClockMsMax ? "let both follow a time server" : ""});
}

void check_versions(const control::ServerFacts& server, ControlClient& client, Checks& checks) {
  const std::string mine = program_version();
  checks.push_back({"versions", server.version == mine ? Verdict::ok : Verdict::warning,
                    fmt::format("this program {}, coordinator {}", mine, server.version),
                    server.version == mine ? "" : "use programs of one version"});
  const auto workers = client.ask_for<control::WorkerList>(control::ListWorkers{});
  if (!workers.is_ok()) {
    checks.push_back(failed("workers", workers.status()));
    return;
  }
  std::string others;
  for (const auto& worker : workers.value().workers)
    if (worker.version != server.version)
      others += (others.empty() ? "" : ", ") + worker.name + " " + worker.version;
  const auto count = workers.value().workers.size();
  if (count == 0)
    checks.push_back({"workers", Verdict::warning, "none has joined",
                      "start one with `millrace-worker --coordinator HOST:4700`"});
  else
    checks.push_back({"workers", others.empty() ? Verdict::ok : Verdict::warning,
                      counted(count, "worker") +
                          (others.empty() ? "" : "; of another version: " + one_line(others)),
                      others.empty() ? "" : "upgrade them"});
}

void check_coordinator(const ConnectionFlags& flags, Checks& checks) {
  const auto client = open_client(flags);
  if (!client.is_ok()) {
    checks.push_back(failed("coordinator", client.status()));
    return;
  }
  const auto sent = wall_ms();
  const auto server = client.value()->ask_for<control::ServerFacts>(control::GetVersion{});
  if (!server.is_ok()) {
    checks.push_back(failed("coordinator", server.status()));
    return;
  }
  const auto& found = server.value();
  std::string roles;
  for (const auto& role : found.roles) roles += (roles.empty() ? "" : ", ") + role;
  checks.push_back({"coordinator", Verdict::ok,
                    fmt::format("{} answers, {}; you are {}{}", client.value()->endpoint().text(),
                                found.is_encrypted ? "encrypted" : "not encrypted", found.client,
                                roles.empty() ? "" : " (" + roles + ")"),
                    ""});
  check_clock(found, sent, wall_ms(), checks);
  check_versions(found, *client.value(), checks);
}

void check_configuration(const ConnectionFlags& flags, Checks& checks) {
  const auto resolved = resolved_connection(flags);
  if (!resolved.is_ok()) {
    checks.push_back(failed("configuration", resolved.status()));
    return;
  }
  const auto& found = resolved.value();
  checks.push_back({"configuration", Verdict::ok,
                    found.coordinator + " (" + found.origin + "), " + context_path().string(), ""});
  if (found.keys.empty()) {
    checks.push_back({"keys", Verdict::ok, "none named", ""});
  } else {
    const auto keys = security::load_client_keys(found.keys, security::NodeRole::coordinator);
    checks.push_back(keys.is_ok() ? Check{"keys", Verdict::ok, found.keys + " can be used", ""}
                                  : failed("keys", keys.status()));
  }
  check_coordinator(flags, checks);
}

void check_state(const std::string& given, Checks& checks) {
  const auto folder = state_folder(given);
  auto written = make_folders(posix_disk(), folder);
  const auto probe = std::filesystem::path(folder) / fmt::format("doctor-{}", ::getpid());
  if (written.is_ok()) written = replace_file(posix_disk(), probe, as_bytes("written\n"));
  std::error_code error;
  std::filesystem::remove(probe, error);
  if (!written.is_ok()) {
    checks.push_back(failed("state folder", written));
    return;
  }
  const auto space = std::filesystem::space(folder, error);
  const bool is_low = !error && space.available < kFreeBytesMin;
  checks.push_back(
      {"state folder", is_low ? Verdict::warning : Verdict::ok,
       fmt::format("{} can be written, {} free", folder, error ? "?" : bytes_text(space.available)),
       is_low ? "make room, or name another folder with --state" : ""});
}

// A port that is taken is often just a daemon that runs here.
void check_ports(Checks& checks) {
  std::string taken;
  net::Context context;
  for (const int port : {4700, 4701, 4703, 4710, 4711, 4713}) {
    net::Endpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(port);
    const auto bound = net::Socket::bind(context, net::SocketKind::router, endpoint);
    if (!bound.is_ok()) taken += (taken.empty() ? "" : ", ") + std::to_string(port);
  }
  checks.push_back({"ports", Verdict::ok,
                    taken.empty() ? "the default ports are free on this machine"
                                  : "in use on this machine: " + taken,
                    ""});
}

void print_checks(const Checks& checks, bool is_well, Output& output) {
  std::string text;
  for (const auto& check : checks) {
    const auto style = check.verdict == Verdict::ok       ? Style::good
                       : check.verdict == Verdict::failed ? Style::bad
                                                          : Style::bold;
    text += output.styled(style, fmt::format("{:<8}", word_of(check.verdict))) +
            fmt::format("{:<14}{}\n", check.name, one_line(check.found));
    if (!check.hint.empty()) text += fmt::format("{:<22}try: {}\n", "", one_line(check.hint));
  }
  output.print(text + (is_well ? "\nnext: millrace jobs\n"
                               : "\nnext: mend what failed, then millrace doctor\n"));
}

}  // namespace

int verb_doctor(const DoctorVerb& options, Output& output) {
  Checks checks;
  check_configuration(options.connection, checks);
  check_state(options.state, checks);
  check_ports(checks);
  bool is_well = true;
  nlohmann::ordered_json document = {{"schema_version", 1}};
  document["checks"] = nlohmann::ordered_json::array();
  for (const auto& check : checks) {
    is_well = is_well && check.verdict != Verdict::failed;
    document["checks"].push_back({{"name", check.name},
                                  {"verdict", word_of(check.verdict)},
                                  {"found", check.found},
                                  {"hint", check.hint}});
  }
  document["is_well"] = is_well;
  if (output.is_table())
    print_checks(checks, is_well, output);
  else
    output.print_document(document);
  return is_well ? kExitDone : kExitFailed;
}

}  // namespace millrace::cli
