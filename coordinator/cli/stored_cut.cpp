#include "coordinator/cli/stored_cut.hpp"

#include <algorithm>
#include <iterator>

#include "common/store/checkpoint_reader.hpp"
#include "common/store/commit_log_store.hpp"
#include "common/store/state_db.hpp"
#include "worker/training/trainer_state.hpp"

namespace millrace {
namespace {

Status read_part(CheckpointStore& store, const Manifest& manifest, const PartDescriptor& part,
                 const std::filesystem::path& folder, StoredCut& stored) {
  MILLRACE_ASSIGN(const auto db, StateDb::open_restored(part, store, folder.string()));
  MILLRACE_ASSIGN(const auto keys, db->list(manifest.cut, "replica/"));
  for (const auto& key : keys) {
    MILLRACE_ASSIGN(const Bytes bytes, db->get(manifest.cut, key));
    MILLRACE_ASSIGN(TrainerState state, TrainerState::decode(bytes));
    stored.evaluations.push_back(std::move(state.evaluation));
    std::ranges::move(state.quarantine, std::back_inserter(stored.quarantine));
  }
  return {};
}

}  // namespace

Result<LogState> read_log_state(CheckpointStore& store) {
  CommitLogStore log(store);
  MILLRACE_ASSIGN(const auto entries, log.read_all());
  LogState state;
  for (const auto& entry : entries) MILLRACE_TRY(state.apply(entry));
  return state;
}

Result<StoredCut> read_newest_cut(CheckpointStore& store, const LogState& log,
                                  const std::filesystem::path& scratch) {
  std::vector<CutRef> complete;
  for (const auto& [cut, attempt] : log.complete()) complete.push_back({cut, attempt});
  MILLRACE_ASSIGN(RestorePoint point, choose_restore_point(store, complete));
  StoredCut stored;
  stored.manifest = std::move(point.manifest);
  for (const auto& part : stored.manifest.parts) {
    const auto folder = scratch / std::to_string(part.worker.value);
    const auto status = read_part(store, stored.manifest, part, folder, stored);
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    MILLRACE_TRY(status);
  }
  return stored;
}

}  // namespace millrace
