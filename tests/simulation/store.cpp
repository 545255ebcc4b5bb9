#include "tests/simulation/store.hpp"

#include "tests/simulation/checkers.hpp"

namespace millrace::sim {

Store::Store(World& world) : world_(world), process_(world.add_process([] {})) {}

// The fault of a scenario, if this is its place.
bool Store::strike(Address from, const char* what, std::function<void()>& apply,
                   std::function<void(StoreOutcome)>& reply) {
  const Directed& directed = world_.options().directed;
  if (from.process != kFirstCoordinator) return false;
  if (++operations_ != directed.store_operation) return false;
  constexpr Time kSleep = 1500 * kMillisecond;
  world_.injected().store_ambiguous += 1;
  const bool sleeps = directed.store_fault == StoreFault::written_late ||
                      directed.store_fault == StoreFault::answer_lost;
  if (directed.store_fault != StoreFault::crash_before) {
    const bool is_late = directed.store_fault == StoreFault::written_late;
    world_.outside(is_late ? kSleep : 1, std::move(apply));
  }
  if (!sleeps) {
    world_.outside(2, [this] { world_.crash(kFirstCoordinator); });
    return true;
  }
  world_.after(from, kSleep + 1, what, [reply] { reply(StoreOutcome::ambiguous); });
  world_.pause(kFirstCoordinator, world_.now() + kSleep);
  world_.outside(1, [this] { on_takeover(); });
  return true;
}

void Store::submit(Address from, const char* what, std::function<void()> apply,
                   std::function<void(StoreOutcome)> reply) {
  if (strike(from, what, apply, reply)) return;
  auto& random = world_.random();
  const auto& faults = world_.options().faults;
  const bool is_healed = world_.is_healed();
  const auto latency = [&](Time most) {
    return 1 + static_cast<Time>(random.below(static_cast<std::uint64_t>(most)));
  };
  const Time there = latency(faults.store_latency);
  const Time back = there + latency(faults.store_latency);
  const double draw = random.uniform();
  if (!is_healed && draw < faults.store_error) {
    world_.injected().store_errors += 1;
    world_.after(from, back, what, [reply] { reply(StoreOutcome::failed); });
    return;
  }
  if (!is_healed && draw < faults.store_error + faults.store_ambiguous) {
    world_.injected().store_ambiguous += 1;
    const std::uint64_t kind = random.below(3);
    if (kind == 0) {
      world_.outside(there, std::move(apply));
    } else if (kind == 1) {
      world_.outside(back + latency(2 * kSecond), std::move(apply));
    }
    world_.after(from, back, what, [reply] { reply(StoreOutcome::ambiguous); });
    return;
  }
  world_.outside(there, std::move(apply));
  world_.after(from, back, what, [reply] { reply(StoreOutcome::done); });
}

void Store::append(Address from, const WriteLog& write,
                   std::function<void(const LogWritten&)> reply) {
  auto outcome = std::make_shared<WriteOutcome>(WriteOutcome::failed);
  const auto apply = [this, write, outcome] {
    if (write.index > log_.size()) return;
    const bool is_new = present_.emplace(write.index, write.entry).second;
    *outcome = is_new ? WriteOutcome::created : WriteOutcome::exists;
    if (!is_new) return;
    if (write.index < log_.size()) {
      world_.injected().entries_again += 1;
      return;
    }
    log_.push_back(write.entry);
    if (on_append) on_append(write.entry);
  };
  submit(from, "log written", apply, [write, outcome, reply](StoreOutcome result) {
    LogWritten written{write.index, *outcome, {}};
    if (result == StoreOutcome::ambiguous) written.outcome = WriteOutcome::ambiguous;
    if (result == StoreOutcome::failed) written.outcome = WriteOutcome::failed;
    if (result != StoreOutcome::done) written.why = Status(Code::io_error, "simulated");
    reply(written);
  });
}

void Store::read(Address from, const ReadLog& read, std::function<void(const LogRead&)> reply) {
  auto found = std::make_shared<std::optional<CommitEntry>>();
  const auto apply = [this, read, found] {
    const auto entry = present_.find(read.index);
    if (entry != present_.end()) *found = entry->second;
  };
  submit(from, "log read", apply, [read, found, reply](StoreOutcome result) {
    if (result == StoreOutcome::done) {
      reply(LogRead{read.index, *found});
    } else {
      reply(LogRead{read.index, Status(Code::unreachable, "simulated")});
    }
  });
}

void Store::list(Address from, const ListLog& list, std::function<void(const LogListed&)> reply) {
  auto newest = std::make_shared<std::optional<std::uint64_t>>();
  const auto apply = [this, newest] {
    if (!present_.empty()) *newest = present_.rbegin()->first;
  };
  submit(from, "log listed", apply, [list, newest, reply](StoreOutcome result) {
    if (result == StoreOutcome::done) {
      reply(LogListed{list.query, *newest});
    } else {
      reply(LogListed{list.query, Status(Code::unreachable, "simulated")});
    }
  });
}

void Store::trim(const TrimLog& trim) {
  auto& random = world_.random();
  const bool is_burning = !world_.is_healed() && world_.options().faults.store_ambiguous > 0;
  for (auto entry = present_.begin(); entry != present_.end() && entry->first < trim.below;
       ++entry) {
    const auto latency = static_cast<std::uint64_t>(world_.options().faults.store_latency);
    const std::uint64_t draw = is_burning ? random.below(8) : 2;
    if (draw == 0) continue;
    const auto delay = random.below(draw == 1 ? 2 * kSecond : latency);
    const std::uint64_t index = entry->first;
    world_.outside(1 + static_cast<Time>(delay), [this, index] { present_.erase(index); });
  }
}

void Store::put_manifest(Address from, const CutContents& contents,
                         std::function<void(const ManifestWritten&)> reply) {
  const auto apply = [this, contents] {
    manifests_[{contents.cut, contents.attempt}] = contents;
    const bool rots = !world_.is_healed() && contents.cut != CutId(0) &&
                      world_.random().uniform() < world_.options().faults.rot;
    if (rots && rotten_.insert(contents.cut).second) world_.injected().rotten += 1;
  };
  submit(from, "manifest written", apply, [contents, reply](StoreOutcome result) {
    Status status;
    if (result != StoreOutcome::done) status = Status(Code::io_error, "simulated");
    reply(ManifestWritten{contents.attempt, contents.cut, status});
  });
}

void Store::get_manifest(Address from, const ReadManifest& read,
                         std::function<void(const ManifestRead&)> reply) {
  auto found = std::make_shared<std::optional<CutContents>>();
  const auto apply = [this, read, found] {
    const CutContents* contents = manifest(read.cut, read.attempt);
    if (contents != nullptr && !is_rotten(read.cut)) *found = *contents;
  };
  submit(from, "manifest read", apply, [read, found, reply](StoreOutcome result) {
    if (result != StoreOutcome::done) {
      reply(ManifestRead{read.cut, Status(Code::unreachable, "simulated")});
    } else if (!*found) {
      reply(ManifestRead{read.cut, Status(Code::corrupted, "simulated")});
    } else {
      reply(ManifestRead{read.cut, **found});
    }
  });
}

void Store::put_splits(Address from, const Truth& truth, const StoreSplits& splits,
                       std::function<void(const SplitsStored&)> reply) {
  auto stored = std::make_shared<std::vector<SplitProgress>>();
  const auto apply = [this, &truth, splits, stored] {
    splits_.emplace(splits.splits.front().split.value, splits.splits);
    *stored = this->splits(truth);
  };
  submit(from, "splits written", apply, [stored, reply](StoreOutcome result) {
    const Status refused(Code::unreachable, "simulated");
    reply(SplitsStored{result == StoreOutcome::done ? Status() : refused, *stored});
  });
}

std::vector<SplitProgress> Store::splits(const Truth& truth) const {
  auto splits = truth.start(0, truth.planned());
  auto found = splits_.find(truth.planned());
  while (found != splits_.end()) {
    splits.insert(splits.end(), found->second.begin(), found->second.end());
    found = splits_.find(static_cast<std::uint32_t>(splits.size()));
  }
  return splits;
}

void Store::put_part(Address from, std::shared_ptr<const StoredPart> part,
                     std::function<void(StoreOutcome)> reply) {
  const auto apply = [this, part] { parts_[{{part->cut, part->attempt}, part->worker}] = part; };
  submit(from, "part written", apply, std::move(reply));
}

void Store::get_parts(Address from, std::shared_ptr<const CutContents> contents,
                      std::function<void(std::optional<std::vector<StoredPart>>)> reply) {
  world_.after(from, world_.options().faults.store_latency, "parts read", [this, contents, reply] {
    std::vector<StoredPart> parts;
    for (const PartDigest& named : contents->parts) {
      const auto* found = part(contents->cut, contents->attempt, named.worker);
      if (found == nullptr) {
        reply(std::nullopt);
        return;
      }
      parts.push_back(*found);
    }
    reply(std::move(parts));
  });
}

void Store::remove(Address from, CutId cut, Attempt attempt) {
  std::function<void()> apply = [this, cut, attempt] {
    const auto is_left = [&](const Key& key) { return key.first == cut && key.second <= attempt; };
    std::erase_if(manifests_, [&](const auto& entry) { return is_left(entry.first); });
    std::erase_if(parts_, [&](const auto& entry) { return is_left(entry.first.first); });
  };
  std::function<void(StoreOutcome)> nobody = [](StoreOutcome) {};
  if (strike(from, "removed", apply, nobody)) return;
  const bool is_burning = !world_.is_healed() && world_.options().faults.store_ambiguous > 0;
  const std::uint64_t kind = is_burning ? world_.random().below(6) : 0;
  if (kind == 1) return;
  const auto late = static_cast<Time>(kind == 2 ? world_.random().below(2 * kSecond) : 0);
  world_.outside(world_.options().faults.store_latency + late, std::move(apply));
}

const CutContents* Store::manifest(CutId cut, Attempt attempt) const {
  const auto found = manifests_.find({cut, attempt});
  return found == manifests_.end() ? nullptr : &found->second;
}

const StoredPart* Store::part(CutId cut, Attempt attempt, WorkerId worker) const {
  const auto found = parts_.find({{cut, attempt}, worker});
  return found == parts_.end() ? nullptr : found->second.get();
}

}  // namespace millrace::sim
