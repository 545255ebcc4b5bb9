#include "common/store/checkpoint_reader.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/digest.hpp"

namespace millrace {
namespace {

Status check_bytes(const StoredFile& file, ByteView bytes, const std::string& where) {
  const auto damaged = [&](const std::string& why) {
    return Status(Code::corrupted, where + " " + why);
  };
  if (bytes.size() != file.size) {
    return damaged("has " + std::to_string(bytes.size()) + " bytes instead of " +
                   std::to_string(file.size));
  }
  if (crc32c(bytes) != file.crc32c) return damaged("fails its CRC32C");
  if (sha256_hex(bytes) != file.sha256) return damaged("fails its SHA-256");
  return Status();
}

std::string name_of(CutRef ref) {
  return "cut " + std::to_string(ref.cut.value) + " of attempt " +
         std::to_string(ref.attempt.value);
}

}  // namespace

bool is_damage(const Status& status) {
  return status.code() == Code::corrupted || status.code() == Code::not_found;
}

Result<Manifest> read_manifest(CheckpointStore& store, CutRef ref) {
  const auto name = manifest_name(ref.cut, ref.attempt);
  MILLRACE_ASSIGN(const auto bytes, store.get(name));
  auto manifest = decode_manifest(bytes);
  if (!manifest.is_ok()) return manifest.status().with_context(store.describe(name));
  if (manifest.value().cut != ref.cut || manifest.value().attempt != ref.attempt) {
    return Status(Code::corrupted, store.describe(name) + " is the manifest of another cut");
  }
  return manifest;
}

Status write_manifest(CheckpointStore& store, const Manifest& manifest) {
  const auto name = manifest_name(manifest.cut, manifest.attempt);
  MILLRACE_ASSIGN(const auto bytes, encode_manifest(manifest));
  MILLRACE_ASSIGN(const auto put, store.put_if_absent(name, bytes));
  if (put.created) return Status();
  MILLRACE_ASSIGN(const auto stored, store.get(name));
  if (stored == bytes) return Status();
  return Status(Code::conflict, store.describe(name) + " exists already, with other contents");
}

Status verify_part(CheckpointStore& store, const PartDescriptor& part) {
  for (const auto& file : part.files) {
    MILLRACE_ASSIGN(const auto bytes, store.get(file.name));
    MILLRACE_TRY(check_bytes(file, bytes, store.describe(file.name)));
  }
  return Status();
}

Result<Manifest> read_cut(CheckpointStore& store, CutRef ref) {
  MILLRACE_ASSIGN(auto manifest, read_manifest(store, ref));
  for (const auto& part : manifest.parts) MILLRACE_TRY(verify_part(store, part));
  return manifest;
}

Result<CutRef> find_cut(CheckpointStore& store, CutId cut) {
  // Up to the attempt's digits.
  auto prefix = manifest_name(cut, Attempt(0));
  prefix.resize(prefix.rfind('0'));
  MILLRACE_ASSIGN(const auto names, store.list(prefix));
  std::optional<CutRef> newest;
  for (const auto& name : names) {
    const auto origin = object_origin(name);
    if (!origin.is_ok() || origin.value().cut != cut) continue;
    if (!newest || newest->attempt < origin.value().attempt) newest = origin.value();
  }
  if (newest) return *newest;
  return Status(Code::not_found, "the store has no manifest of cut " + std::to_string(cut.value));
}

Result<RestorePoint> choose_restore_point(CheckpointStore& store,
                                          std::span<const CutRef> complete) {
  std::vector<CutRef> newest_first(complete.begin(), complete.end());
  std::sort(newest_first.begin(), newest_first.end(), [](const CutRef& a, const CutRef& b) {
    return a.cut != b.cut ? a.cut > b.cut : a.attempt > b.attempt;
  });
  if (newest_first.empty()) {
    return Status(Code::not_found, "there is no complete checkpoint to restore");
  }
  RestorePoint point;
  for (const auto& ref : newest_first) {
    auto manifest = read_cut(store, ref);
    if (manifest.is_ok()) {
      point.manifest = std::move(manifest).value();
      return point;
    }
    const auto& status = manifest.status();
    if (!is_damage(status)) return status.with_context("verifying " + name_of(ref));
    point.warnings.push_back(name_of(ref) + " is damaged and not used: " + status.message());
  }
  std::string all;
  for (const auto& warning : point.warnings) all += "\n  " + warning;
  return Status(Code::corrupted, "every complete checkpoint is damaged:" + all,
                "restore the state folder from a backup, or begin anew with --fresh");
}

Result<GarbageReport> collect_garbage(CheckpointStore& store, const GarbageQuery& query) {
  GarbageReport report;
  std::set<std::string> referenced;
  std::optional<CutId> unreadable;  // the newest: its own and older objects stay
  for (const auto& ref : query.unretired) {
    referenced.insert(manifest_name(ref.cut, ref.attempt));
    auto manifest = read_manifest(store, ref);
    if (!manifest.is_ok()) {
      report.warnings.push_back(
          "nothing up to " + name_of(ref) +
          " is deleted, since what it refers to is unknown: " + manifest.status().message());
      unreadable = std::max(unreadable.value_or(ref.cut), ref.cut);
      continue;
    }
    for (const auto& part : manifest.value().parts) {
      for (const auto& file : part.files) referenced.insert(file.name);
    }
  }
  const std::set<CutId> dead(query.dead.begin(), query.dead.end());
  for (const char* folder : {"manifests/", "parts/"}) {
    MILLRACE_ASSIGN(const auto names, store.list(folder));
    for (const auto& name : names) {
      const auto origin = object_origin(name);
      if (!origin.is_ok() || referenced.contains(name)) continue;
      const auto& [cut, attempt] = origin.value();
      if (attempt > query.attempt) continue;
      if (!dead.contains(cut) && attempt == query.attempt) continue;
      if (unreadable && cut <= *unreadable) continue;
      MILLRACE_TRY(store.remove(name));
      report.removed.push_back(name);
    }
  }
  return report;
}

}  // namespace millrace
