#include "coordinator/registry/stored_package.hpp"

#include <algorithm>

namespace millrace {
namespace {

std::string splits_name(std::size_t first) {
  return "job/splits-" + std::to_string(first);
}

}  // namespace

Result<JobPackage> read_package(CheckpointStore& store) {
  MILLRACE_ASSIGN(const Bytes bytes, store.get(kPackageName));
  MILLRACE_ASSIGN(JobPackage package, JobPackage::decode(bytes));
  MILLRACE_TRY(add_stored_splits(store, package).status());
  return package;
}

Result<bool> add_stored_splits(CheckpointStore& store, JobPackage& package) {
  const std::size_t before = package.splits.size();
  while (true) {
    const auto bytes = store.get(splits_name(package.splits.size()));
    if (bytes.status().code() == Code::not_found) return package.splits.size() > before;
    MILLRACE_TRY(bytes.status());
    MILLRACE_ASSIGN(JoinedSplits joined, JoinedSplits::decode(bytes.value()));
    MILLRACE_TRY(package.join(std::move(joined)));
  }
}

Status join_splits(CheckpointStore& store, JoinedSplits found, JobPackage& package) {
  MILLRACE_TRY(add_stored_splits(store, package).status());
  std::erase_if(found.splits,
                [&](const SplitOutline& split) { return split.id.value < package.splits.size(); });
  if (found.splits.empty()) return {};
  MILLRACE_TRY(JobPackage(package).join(found));
  // What it says of an object that is there already is read back below.
  MILLRACE_TRY(store.put_if_absent(splits_name(package.splits.size()), found.encode()).status());
  return add_stored_splits(store, package).status();
}

}  // namespace millrace
