#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/config/nearest.hpp"
#include "common/store/store_audit.hpp"
#include "coordinator/cli/state_folder.hpp"
#include "coordinator/cli/stored_cut.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kOrphansShown = 10;  // in a table; documents name all

struct AuditedJob {
  std::string name;  // empty: nobody said
  std::string url;
  LogState log;
  StoreAudit audit;
};

std::string cut_text(CutRef ref) {
  return fmt::format("cut {} of attempt {}", ref.cut.value, ref.attempt.value);
}

// Jobs of the state folder that have a store, with its URL: all, or the one that was named.
Result<std::vector<AuditedJob>> stores_of(const std::string& state, const std::string& job) {
  std::vector<AuditedJob> found;
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state, error)) {
    std::error_code ignored;
    const auto folder = entry.path() / "checkpoints";
    if (!fs::is_directory(folder, ignored)) continue;
    const auto name = entry.path().filename().string();
    names.push_back(name);
    const bool is_archived = name.find(".archived-") != std::string::npos;
    if (job.empty() ? !is_archived : name == job)
      found.push_back({.name = name, .url = "file://" + folder.string(), .log = {}, .audit = {}});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Status(Code::io_error, "cannot read the state folder " + state + ": " + error.message(),
                  "name another with --state");
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  if (!found.empty()) return found;
  std::sort(names.begin(), names.end());
  if (job.empty() || names.empty()) {
    return Status(Code::not_found, "no job has checkpoints in " + state,
                  "name another folder with --state, or an object store with --store");
  }
  return Status(Code::not_found, "there is no job '" + job + "' with checkpoints in " + state,
                suggestion(job, names));
}

Result<std::vector<AuditedJob>> named_stores(const CheckpointsVerifyVerb& options) {
  if (options.store.empty()) return stores_of(state_folder(options.state), options.job);
  AuditedJob job{.name = options.job, .url = options.store, .log = {}, .audit = {}};
  if (!options.job.empty()) {
    MILLRACE_ASSIGN(job.url, job_store_url(options.store, options.job));
  }
  return std::vector<AuditedJob>{std::move(job)};
}

void tell_progress(const AuditedJob& job, const CutAudit& cut, Output& output) {
  const auto& name = job.name.empty() ? job.url : job.name;
  output.event({{"event", "verified"},
                {"job", name},
                {"cut", cut.ref.cut.value},
                {"attempt", cut.ref.attempt.value},
                {"objects", cut.objects},
                {"bytes", cut.bytes},
                {"state", cut.is_whole() ? "whole" : "damaged"}});
  output.note(fmt::format("{}: {}, {}, {}: {}", one_line(name), cut_text(cut.ref),
                          counted(cut.objects, "object"), bytes_text(cut.bytes),
                          cut.is_whole() ? "whole" : "damaged"));
}

Status verify(AuditedJob& job, const StoreOptions& options, Output& output) {
  MILLRACE_ASSIGN(const auto store, open_checkpoint_store(job.url, options));
  // What the entries say must fit together, too.
  MILLRACE_ASSIGN(job.log, read_log_state(*store));
  if (job.log.entries() == 0) {
    return {Code::not_found, store->describe("log/") + " holds no commit log",
            "name the store of one job, or the store that jobs share and the JOB"};
  }
  MILLRACE_ASSIGN(job.audit, audit_store(*store, [&](const CutAudit& cut) {
                    tell_progress(job, cut, output);
                  }));
  return {};
}

Json cut_json(const CutAudit& cut) {
  Json damage = Json::array();
  for (const auto& [object, reason] : cut.damage) {
    damage.push_back({{"object", object}, {"reason", reason}});
  }
  return {{"cut", cut.ref.cut.value},
          {"attempt", cut.ref.attempt.value},
          {"created_at", cut.created_at},
          {"savepoint", cut.savepoint},
          {"objects", cut.objects},
          {"bytes", cut.bytes},
          {"state", cut.is_whole() ? "whole" : "damaged"},
          {"damage", std::move(damage)}};
}

Json job_json(const AuditedJob& job) {
  const auto& point = job.audit.restore_point;
  Json object = {{"job", job.name},
                 {"store", job.url},
                 {"term", job.log.term().value},
                 {"attempt", job.log.attempt().value}};
  object["cuts"] = Json::array();
  for (const auto& cut : job.audit.cuts) object["cuts"].push_back(cut_json(cut));
  object["orphans"] = job.audit.orphans;
  object["restores"] =
      point ? Json{{"cut", point->cut.value}, {"attempt", point->attempt.value}} : Json();
  return object;
}

std::string orphans_text(const std::vector<std::string>& orphans) {
  if (orphans.empty()) return {};
  auto text =
      "\n" + counted(orphans.size(), "orphan") +
      ": left by attempts that failed, retired as a run ended, or part of a checkpoint that "
      "is being taken\n";
  for (std::size_t i = 0; i < std::min(orphans.size(), kOrphansShown); ++i) {
    text += "  " + one_line(orphans[i]) + "\n";
  }
  if (orphans.size() > kOrphansShown) {
    text += fmt::format("  and {} more; --output json names all\n",
                        grouped(orphans.size() - kOrphansShown));
  }
  return text;
}

void print_job(const AuditedJob& job, Output& output) {
  output.print(output.styled(Style::bold, one_line(job.name.empty() ? job.url : job.name)) + "\n");
  std::vector<std::vector<std::string>> rows = {
      {"cut", "attempt", "taken", "objects", "size", "state"}};
  std::string damage;
  for (const auto& cut : job.audit.cuts) {
    rows.push_back({std::to_string(cut.ref.cut.value), std::to_string(cut.ref.attempt.value),
                    cut.created_at.empty() ? "unknown" : one_line(cut.created_at),
                    grouped(cut.objects), bytes_text(cut.bytes),
                    (cut.is_whole() ? "whole" : "damaged") +
                        (cut.savepoint.empty() ? "" : ", savepoint " + one_line(cut.savepoint))});
    for (const auto& [object, reason] : cut.damage) damage += "  " + one_line(reason) + "\n";
  }
  output.print(aligned(rows));
  if (!damage.empty()) output.print("\ndamaged\n" + damage);
  output.print(orphans_text(job.audit.orphans));
  const auto& point = job.audit.restore_point;
  output.print(point                    ? "\nwould be restored: " + cut_text(*point) + "\n"
               : job.audit.cuts.empty() ? "\nno checkpoint is complete yet\n"
                                        : "\nno complete checkpoint is whole: restore the store "
                                          "from a backup, or begin anew with --fresh\n");
}

Result<bool> run(const CheckpointsVerifyVerb& options, Output& output) {
  MILLRACE_ASSIGN(auto jobs, named_stores(options));
  const StoreOptions store{.secrets = SecretsFolder(secrets_folder(options.secrets)),
                           .is_read_only = true};
  Json document = {{"schema_version", 1}, {"jobs", Json::array()}};
  bool is_damaged = false;
  for (auto& job : jobs) {
    MILLRACE_TRY(verify(job, store, output));
    is_damaged = is_damaged || job.audit.is_damaged();
    if (output.is_table()) {
      print_job(job, output);
    } else {
      document["jobs"].push_back(job_json(job));
    }
  }
  document["damaged"] = is_damaged;
  if (!output.is_table()) output.print_document(document);
  return is_damaged;
}

}  // namespace

int verb_checkpoints_verify(const CheckpointsVerifyVerb& options, Output& output) {
  const auto is_damaged = run(options, output);
  if (!is_damaged.is_ok()) return output.fail(is_damaged.status());
  return is_damaged.value() ? kExitFailed : kExitDone;
}

}  // namespace millrace::cli
