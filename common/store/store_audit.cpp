#include "common/store/store_audit.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "common/store/checkpoint_reader.hpp"
#include "common/store/commit_log_store.hpp"

namespace millrace {
namespace {

class Auditor {
 public:
  explicit Auditor(CheckpointStore& store) : store_(store) {}

  Result<StoreAudit> run(const std::function<void(const CutAudit&)>& on_cut);

 private:
  Result<std::vector<CutRef>> read_complete();
  Result<CutAudit> audit_cut(CutRef ref);
  Result<std::optional<std::string>> audit_object(const StoredFile& file);
  Status find_orphans(StoreAudit& audit);
  Status leave_out_retired(StoreAudit& audit);

  CheckpointStore& store_;
  // What was read already: cuts share what changes rarely. The reason why it is damaged, if it is.
  std::map<std::string, std::pair<StoredFile, std::optional<std::string>>> seen_;
  std::set<std::string> referenced_;
  std::optional<CutId> unreadable_;  // the newest whose manifest cannot be read
};

Result<std::vector<CutRef>> Auditor::read_complete() {
  MILLRACE_ASSIGN(const auto entries, CommitLogStore(store_).read_all());
  return complete_cuts(entries);
}

// Nothing, or why it is not what was stored.
Result<std::optional<std::string>> Auditor::audit_object(const StoredFile& file) {
  const auto found = seen_.find(file.name);
  if (found != seen_.end() && found->second.first == file) return found->second.second;
  PartDescriptor one;
  one.files.push_back(file);
  const auto status = verify_part(store_, one);
  if (!status.is_ok() && !is_damage(status)) return status.with_context("verifying " + file.name);
  std::optional<std::string> reason;
  if (!status.is_ok()) reason = status.message();
  seen_.insert_or_assign(file.name, std::pair(file, reason));
  return reason;
}

Result<CutAudit> Auditor::audit_cut(CutRef ref) {
  CutAudit audit{.ref = ref, .objects = 1};
  const auto name = manifest_name(ref.cut, ref.attempt);
  referenced_.insert(name);
  const auto manifest = read_manifest(store_, ref);
  if (!manifest.is_ok()) {
    if (!is_damage(manifest.status())) return manifest.status();
    audit.damage.push_back({name, manifest.status().message()});
    unreadable_ = std::max(unreadable_.value_or(ref.cut), ref.cut);
    return audit;
  }
  audit.created_at = manifest.value().created_at;
  audit.savepoint = manifest.value().savepoint;
  for (const auto& part : manifest.value().parts) {
    audit.bytes += part.bytes();
    for (const auto& file : part.files) {
      ++audit.objects;
      referenced_.insert(file.name);
      MILLRACE_ASSIGN(auto reason, audit_object(file));
      if (reason) audit.damage.push_back({file.name, std::move(*reason)});
    }
  }
  return audit;
}

Status Auditor::find_orphans(StoreAudit& audit) {
  for (const char* folder : {"manifests/", "parts/"}) {
    MILLRACE_ASSIGN(const auto names, store_.list(folder));
    for (const auto& name : names) {
      if (referenced_.contains(name)) continue;
      const auto origin = object_origin(name);
      const bool may_be_used = origin.is_ok() && unreadable_ && origin.value().cut <= *unreadable_;
      if (!may_be_used) audit.orphans.push_back(name);
    }
  }
  return {};
}

Status Auditor::leave_out_retired(StoreAudit& audit) {
  MILLRACE_ASSIGN(const auto complete, read_complete());
  std::erase_if(audit.cuts, [&](const CutAudit& cut) {
    return std::find(complete.begin(), complete.end(), cut.ref) == complete.end();
  });
  return {};
}

Result<StoreAudit> Auditor::run(const std::function<void(const CutAudit&)>& on_cut) {
  StoreAudit audit;
  MILLRACE_ASSIGN(const auto complete, read_complete());
  for (const auto& ref : complete) {
    MILLRACE_ASSIGN(auto cut, audit_cut(ref));
    on_cut(cut);
    audit.cuts.push_back(std::move(cut));
  }
  MILLRACE_TRY(find_orphans(audit));
  // A job that runs deletes what it has retired; the log says so first.
  if (audit.is_damaged()) MILLRACE_TRY(leave_out_retired(audit));
  for (const auto& cut : audit.cuts) {
    if (cut.is_whole()) audit.restore_point = cut.ref;
  }
  return audit;
}

}  // namespace

bool StoreAudit::is_damaged() const {
  return std::ranges::any_of(cuts, [](const CutAudit& cut) { return !cut.is_whole(); });
}

Result<StoreAudit> audit_store(CheckpointStore& store,
                               const std::function<void(const CutAudit&)>& on_cut) {
  return Auditor(store).run(on_cut);
}

}  // namespace millrace
