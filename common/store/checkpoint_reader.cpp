#include "common/store/checkpoint_reader.hpp"

#include <algorithm>
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

Status verify_cut(CheckpointStore& store, const Manifest& manifest) {
  for (const auto& part : manifest.parts) MILLRACE_TRY(verify_part(store, part));
  return Status();
}

// An object that is gone is damage to its cut; a disk or a store that does not answer is not.
bool is_damage(const Status& status) {
  return status.code() == Code::corrupted || status.code() == Code::not_found;
}

std::string name_of(CutRef ref) {
  return "cut " + std::to_string(ref.cut.value) + " of attempt " +
         std::to_string(ref.attempt.value);
}

bool contains(std::span<const CutRef> refs, const ObjectOrigin& origin) {
  return std::find(refs.begin(), refs.end(), CutRef{origin.cut, origin.attempt}) != refs.end();
}

}  // namespace

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
    auto manifest = read_manifest(store, ref);
    const auto status = manifest.is_ok() ? verify_cut(store, manifest.value()) : manifest.status();
    if (status.is_ok()) {
      point.manifest = std::move(manifest).value();
      return point;
    }
    if (!is_damage(status)) return status.with_context("verifying " + name_of(ref));
    point.warnings.push_back(name_of(ref) + " is damaged and not used: " + status.message());
  }
  std::string all;
  for (const auto& warning : point.warnings) all += "\n  " + warning;
  return Status(Code::corrupted, "every complete checkpoint is damaged:" + all,
                "restore the state folder from a backup, or begin anew with --fresh");
}

Result<std::vector<std::string>> collect_garbage(CheckpointStore& store,
                                                 const GarbageQuery& query) {
  std::set<std::string> referenced;
  for (const auto& ref : query.unretired) {
    auto manifest = read_manifest(store, ref);
    if (!manifest.is_ok()) {
      return manifest.status().with_context("nothing is deleted, since what " + name_of(ref) +
                                            " refers to is unknown");
    }
    referenced.insert(manifest_name(ref.cut, ref.attempt));
    for (const auto& part : manifest.value().parts) {
      for (const auto& file : part.files) referenced.insert(file.name);
    }
  }
  std::vector<std::string> removed;
  for (const char* folder : {"manifests/", "parts/"}) {
    MILLRACE_ASSIGN(const auto names, store.list(folder));
    for (const auto& name : names) {
      const auto origin = object_origin(name);
      if (!origin.is_ok() || referenced.contains(name)) continue;
      const bool is_fenced = origin.value().attempt < query.attempt;
      const bool is_dead = is_fenced || contains(query.dead, origin.value()) ||
                           contains(query.unretired, origin.value());
      if (!is_dead) continue;
      MILLRACE_TRY(store.remove(name));
      removed.push_back(name);
    }
  }
  return removed;
}

}  // namespace millrace
