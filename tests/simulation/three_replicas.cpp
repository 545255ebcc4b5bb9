#include "tests/simulation/three_replicas.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "common/base/random.hpp"
#include "tests/simulation/ledger_values.hpp"
#include "worker/core/replica_core.hpp"
#include "worker/core/shard_core.hpp"

namespace millrace::sim {

Path Path::random(std::uint64_t seed) {
  Path path;
  path.random_ = mix64(seed) | 1;
  return path;
}

std::uint32_t Path::choose(std::uint32_t possibilities) {
  std::uint32_t choice = 0;
  if (taken_.size() < prefix_.size()) {
    choice = std::min(prefix_[taken_.size()], possibilities - 1);
  } else if (random_ != 0) {
    random_ = mix64(random_);
    choice = static_cast<std::uint32_t>(random_ % possibilities);
  }
  taken_.push_back(choice);
  width_.push_back(possibilities);
  return choice;
}

std::optional<Path> Path::next(std::size_t depth) const {
  for (std::size_t i = std::min(depth, taken_.size()); i-- > 0;) {
    if (taken_[i] + 1 >= width_[i]) continue;
    std::vector<std::uint32_t> prefix(taken_.begin(),
                                      taken_.begin() + static_cast<std::ptrdiff_t>(i));
    prefix.push_back(taken_[i] + 1);
    return Path(std::move(prefix));
  }
  return std::nullopt;
}

namespace {

constexpr std::uint32_t kReplicas = 3;

struct Replica {
  explicit Replica(const ReplicaOptions& options) : core(options) {}
  ReplicaCore core;
  std::uint64_t records = 0;  // to read in all
  std::uint64_t learned_records = 0;
  RecordSums learned;
  Fingerprint pending;
  std::map<CutId, RecordSums> snapshots;
  Fingerprint pushed;
  std::vector<Fingerprint> moved;  // elastic
  bool is_done() const { return learned_records == records; }
};

class Scenario {
 public:
  Scenario(const ScenarioOptions& options, Path& path) : options_(options), path_(path) {
    for (std::uint32_t shard = 0; shard < options.shards; ++shard) {
      ShardOptions o;
      o.attempt = Attempt(1);
      o.shard = ShardId(shard);
      o.replicas = kReplicas;
      o.mode = options.mode;
      const bool is_elastic = o.mode == MergeMode::elastic;
      shards_.emplace_back(o, std::make_unique<LedgerValues>(Fingerprint{}, is_elastic),
                           ShardLedger{}, CutId(0));
    }
    entries_.resize(kReplicas * options.shards);
    answers_.resize(kReplicas * options.shards);
    cuts_.resize(options.shards);
    for (std::uint32_t replica = 0; replica < kReplicas; ++replica) {
      ReplicaOptions o;
      o.attempt = Attempt(1);
      o.replica = ReplicaId(replica);
      o.shards = options.shards;
      o.mode = options.mode;
      replicas_.emplace_back(o);
      replicas_.back().records = std::array<std::uint64_t, kReplicas>{0, 2, 4}[replica];
      replicas_.back().moved.resize(options.shards);
    }
    for (Replica& replica : replicas_) {
      const bool is_empty = replica.records == 0;
      execute(replica,
              replica.core.start(is_empty ? Participation::finished : Participation::active));
    }
  }

  std::optional<std::string> run() {
    for (int step = 0; step < 4000 && !violation_; ++step) {
      const auto moves = possible_moves();
      if (moves.empty()) break;
      const Move move = moves[path_.choose(static_cast<std::uint32_t>(moves.size()))];
      make(move);
    }
    if (!violation_) check_end();
    return violation_;
  }

 private:
  enum class Kind { entry, answer, step, reconnect, trigger, abort_shard, abort_replica };
  struct Move {
    Kind kind;
    std::size_t index;
  };

  std::vector<Move> possible_moves() const {
    std::vector<Move> moves;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].empty()) moves.push_back({Kind::entry, i});
    }
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (!answers_[i].empty()) moves.push_back({Kind::answer, i});
    }
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      if (can_step(replicas_[i])) moves.push_back({Kind::step, i});
    }
    if (!is_triggered_[0]) moves.push_back({Kind::trigger, 0});
    if (is_triggered_[0] && !is_triggered_[1]) moves.push_back({Kind::trigger, 1});
    // Cut 1 may be aborted, seen by each shard and replica at its own time or never, before cut 2.
    if (is_triggered_[1]) {
      for (std::size_t i = 0; i < shards_.size(); ++i) {
        if (!(aborted_shards_ >> i & 1)) moves.push_back({Kind::abort_shard, i});
      }
      for (std::size_t i = 0; i < replicas_.size(); ++i) {
        if (!(aborted_replicas_ >> i & 1)) moves.push_back({Kind::abort_replica, i});
      }
    }
    if (reconnects_ < 2) {
      for (std::size_t i = 0; i < replicas_.size(); ++i) {
        if (!replicas_[i].core.is_drained()) moves.push_back({Kind::reconnect, i});
      }
    }
    return moves;
  }

  bool can_step(const Replica& replica) const {
    if (replica.core.cut_due()) return true;
    if (replica.core.must_wait()) return false;
    if (!replica.is_done()) return true;
    return replica.core.participation() == Participation::active && replica.core.can_push();
  }

  void make(const Move& move) {
    switch (move.kind) {
      case Kind::entry:
        deliver_entry(move.index);
        break;
      case Kind::answer:
        deliver_answer(move.index);
        break;
      case Kind::step:
        step(replicas_[move.index]);
        break;
      case Kind::reconnect:
        reconnect(move.index);
        break;
      case Kind::trigger:
        trigger(move.index);
        break;
      case Kind::abort_shard:
        aborted_shards_ |= 1u << move.index;
        execute(move.index, shards_[move.index].abort_cut(CutId(1)));
        break;
      case Kind::abort_replica:
        aborted_replicas_ |= 1u << move.index;
        replicas_[move.index].core.abort_cut(CutId(1));
        break;
    }
  }

  void trigger(std::size_t which) {
    is_triggered_[which] = true;
    const CutId cut(which + 1);
    for (Replica& replica : replicas_) replica.core.request_cut(cut);
    execute(0, shards_[0].request_cut(cut));
  }

  // The connection breaks: what is under way in both directions is lost, the rest is sent again.
  void reconnect(std::size_t index) {
    ++reconnects_;
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
      const std::size_t queue = index * shards_.size() + shard;
      if (path_.choose(2) == 0) entries_[queue].clear();
      if (path_.choose(2) == 0) answers_[queue].clear();
    }
    execute(replicas_[index], replicas_[index].core.resend());
  }

  void step(Replica& replica) {
    const bool is_synchronous = options_.mode == MergeMode::synchronous;
    const bool must_cut = replica.core.cut_due().has_value();
    // A due cut is taken now or, in asynchronous modes, after one more record.
    const bool may_learn = !is_synchronous && !replica.core.must_wait() && !replica.is_done();
    if (must_cut && (!may_learn || path_.choose(2) == 0)) {
      std::optional<PushContent> pending;
      if (!replica.pending.splits.empty()) pending = take_pending(replica, Participation::active);
      if (pending) pending->participation = replica.core.participation();
      execute(replica, replica.core.begin_cut(std::move(pending)));
      return;
    }
    if (!replica.is_done()) {
      const SplitId split(static_cast<std::uint32_t>(&replica - replicas_.data()));
      RecordSums sums;
      sums.add(split, Offset(replica.learned_records++));
      replica.learned.add(sums);
      replica.pending.add(split, sums);
      replica.core.end_round();
    }
    if (!replica.core.can_push()) return;
    const bool has_ended = replica.is_done();
    execute(replica, replica.core.push(take_pending(
                         replica, has_ended ? Participation::finished : Participation::active)));
  }

  PushContent take_pending(Replica& replica, Participation participation) {
    PushContent content;
    content.participation = participation;
    if (!replica.pending.splits.empty()) {
      content.records = replica.pending.records();
      content.fingerprint = replica.pending;
      content.payloads.assign(options_.shards, std::make_shared<LedgerPush>(replica.pending));
    }
    replica.pushed.add(replica.pending);
    replica.pending = {};
    return content;
  }

  void execute(Replica& replica, std::vector<ReplicaEffect> effects) {
    const std::size_t index = static_cast<std::size_t>(&replica - replicas_.data());
    for (ReplicaEffect& effect : effects) {
      if (auto* send = std::get_if<SendEntry>(&effect)) {
        entries_[index * shards_.size() + send->entry.shard.value].push_back(send->entry);
      } else if (const auto* take = std::get_if<TakeSnapshot>(&effect)) {
        replica.snapshots[take->cut] = replica.learned;
      } else if (const auto* rebase = std::get_if<Rebase>(&effect)) {
        if (options_.mode != MergeMode::elastic) continue;
        replica.moved[rebase->shard.value].add(
            static_cast<const LedgerView&>(*rebase->values).records);
      }
    }
  }

  void execute(std::size_t shard, std::vector<ShardEffect> effects) {
    for (ShardEffect& effect : effects) {
      if (auto* send = std::get_if<SendAnswer>(&effect)) {
        answers_[send->answer.replica.value * shards_.size() + shard].push_back(send->answer);
      } else if (auto* ready = std::get_if<CutReady>(&effect)) {
        check_cut(shard, *ready);
      }
    }
  }

  void deliver_entry(std::size_t queue) {
    const Entry entry = entries_[queue].front();
    entries_[queue].pop_front();
    const std::size_t shard = queue % shards_.size();
    execute(shard, shards_[shard].on_entry(entry));
  }

  void deliver_answer(std::size_t queue) {
    const Answer answer = answers_[queue].front();
    answers_[queue].pop_front();
    Replica& replica = replicas_[queue / shards_.size()];
    execute(replica, replica.core.on_answer(answer));
  }

  // Per view: what every replica had learned when it passed the cut, once. Per cut: the same in all
  // shards.
  void check_cut(std::size_t shard, const CutReady& ready) {
    const auto& values = static_cast<const LedgerValues&>(*ready.values);
    Fingerprint expected;
    for (std::uint32_t i = 0; i < kReplicas; ++i) {
      const auto found = replicas_[i].snapshots.find(ready.cut);
      if (found == replicas_[i].snapshots.end()) {
        violation_ = "a shard completed a cut that a replica has not passed";
        return;
      }
      expected.add(SplitId(i), found->second);
    }
    if (values.records() != expected || ready.ledger.records != expected) {
      violation_ = "a view does not hold what was learned before the cut, once";
    }
    cuts_[shard][ready.cut] = ready.ledger;
    for (const auto& other : cuts_) {
      const auto same = other.find(ready.cut);
      if (same == other.end() || same->second == ready.ledger) continue;
      violation_ = "two shards applied different pushes or weights in one cut";
    }
  }

  void check_end() {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      Fingerprint expected;
      for (std::uint32_t r = 0; r < kReplicas; ++r) expected.add(SplitId(r), replicas_[r].learned);
      if (shards_[i].live_ledger().records != expected) {
        violation_ = "in the end a shard does not hold every record once";
      }
      if (shards_[i].live_ledger() != shards_[0].live_ledger()) {
        violation_ = "in the end the shards' weights differ";
      }
      if (!cuts_[i].contains(CutId(2))) violation_ = "cut 2 was never completed";
    }
    for (const Replica& replica : replicas_) {
      if (!replica.is_done() || !replica.core.is_drained()) violation_ = "a replica is stuck";
      if (options_.mode != MergeMode::elastic) continue;
      for (const Fingerprint& moved : replica.moved) {
        if (moved != replica.pushed) violation_ = "an elastic answer was lost or applied twice";
      }
    }
  }

  ScenarioOptions options_;
  Path& path_;
  std::vector<ShardCore> shards_;
  std::vector<Replica> replicas_;
  std::vector<std::deque<Entry>> entries_;
  std::vector<std::deque<Answer>> answers_;
  std::vector<std::map<CutId, ShardLedger>> cuts_;
  bool is_triggered_[2] = {false, false};
  std::uint32_t aborted_shards_ = 0, aborted_replicas_ = 0;
  int reconnects_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace

std::optional<std::string> run_three_replicas(const ScenarioOptions& options, Path& path) {
  Scenario scenario(options, path);
  return scenario.run();
}

}  // namespace millrace::sim
