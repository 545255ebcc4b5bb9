// What one seed runs: the size of the cluster, the job, the faults and their rates.
//
// Each seed draws its own subset and rates ("swarm testing"), so that some runs are calm, some
// burn.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/job_machine.hpp"
#include "worker/core/release_plan.hpp"
#include "worker/core/replica_core.hpp"
#include "worker/core/shard_core.hpp"

namespace millrace::sim {

using Time = std::int64_t;  // microseconds since the start of the run
inline constexpr Time kMillisecond = 1'000;
inline constexpr Time kSecond = 1'000'000;

struct ServingMutations {
  bool start_over = false;            // each order replaces all that was served before
  bool aliases_follow_later = false;  // the version is served first
  bool ignore_min_revision = false;
  bool share_all_at_once = false;   // sharings overtake each other
  bool move_back_revision = false;  // production moves, its revision does not
  bool promote_again = false;       // what was promoted before is, again
  bool skip_what_is_there = false;  // a version whose promotion was interrupted never is
};

// Deliberate bugs: in the cores, and in how a shell uses them.
struct Mutations {
  ShardMutations shard;
  ReplicaMutations replica;
  JobMutations job;
  ReleaseMutations release;
  bool snapshot_one_batch_late = false;  // offsets taken after more was learned
  bool acknowledge_part_before_store = false;
  bool restore_without_learned = false;  // the ledger of the splits is forgotten
  bool accept_old_terms = false;
  ServingMutations serving;
};

struct Faults {
  double loss = 0.0;  // share of messages
  double duplicate = 0.0;
  Time delay_mean = kMillisecond;
  bool local_is_fast = true;   // trainer and shard of one worker: short delays, no loss
  double clog = 0.0;           // share of messages that take up to 2 s
  int crashes = 0;             // of any process, at an event boundary
  double crash_in_step = 0.0;  // chance between two effects of one step
  int pauses = 0;
  int partitions = 0;
  double store_error = 0.0;      // refused, nothing written
  double store_ambiguous = 0.0;  // no answer; may be written, or be written later
  double rot = 0.0;              // manifests damaged at rest
  Time store_latency = kMillisecond;
  int takeovers = 0;            // a second coordinator starts although the first lives
  int coordinator_crashes = 0;  // beside those among `crashes`
};

// One fault at one place, for scenarios that walk through all places.
enum class StoreFault : std::uint8_t {
  written_late,  // and the coordinator sleeps until then, while a second one takes over
  answer_lost,   // written at once; likewise
  crash_before,  // nothing is written
  crash_after    // written, and never answered
};
struct Directed {
  std::uint64_t crash_at_effect = 0;  // the first coordinator dies before its n-th effect
  std::uint64_t store_operation = 0;  // of the first coordinator
  StoreFault store_fault = StoreFault::written_late;
  bool cuts_off_a_worker = false;  // from the coordinator, when that has died, for a short while
};

// What a scenario says happens at a moment.
struct Scripted {
  // The first three name a process: 1 and 2 are the coordinators, 3 the first worker.
  enum class Kind : std::uint8_t {
    crash,
    pause,
    block,  // messages from `process` to `other`
    take_over,
    cut,
    savepoint,
    release,
    stop,
    cancel,
    branch,   // from the oldest cut that is kept
    rescale,  // to `process` replicas and `other` shards
    move_back
  };
  Time at = 0;
  Kind kind = Kind::crash;
  std::uint32_t process = 0, other = 0;
  Time lasts = 0;
  std::string name;
};

struct SimOptions {
  std::uint64_t seed = 0;
  Directed directed;
  std::vector<Scripted> script;
  std::uint32_t workers = 1;
  std::uint32_t replicas = 1;
  std::uint32_t shards = 1;
  std::uint32_t splits = 1;
  std::uint32_t late_splits = 0;          // of them: those that appear during the run
  std::uint32_t records_per_split = 100;  // at most; splits differ
  bool has_equal_splits = false;          // all of them have that many
  bool is_one_each = false;               // a worker takes one replica and one shard
  std::uint32_t batch = 8;
  std::uint32_t merge_every = 1;
  std::uint32_t max_staleness = 16;
  bool has_slow_splits = false;  // data arrives over time: replicas become idle
  std::size_t second_view_bytes_max = 1u << 30;
  MergeMode mode = MergeMode::async_average;
  Time step_mean = 10 * kMillisecond;  // per micro-batch
  Time cut_interval = 300 * kMillisecond;
  Time cut_timeout = 3 * kSecond;
  Time safety_phase = 3 * kSecond;
  std::uint32_t retain = 2;
  std::uint32_t log_snapshot_every = 4;
  Time adoption_patience = 0;
  int extra_cuts = 0;  // asked for by a client
  int savepoints = 0;
  int releases = 0;
  int rescales = 0;  // drained and started again with other numbers of replicas and shards
  std::uint32_t predict_clients = 0;  // 0: nothing is served
  std::uint32_t versions_served = 2;  // kept by a server beside those an alias names
  int moves_back = 0;                 // of production, to any version that is kept
  bool is_branched = false;           // goes on from an older cut, in a new life of the coordinator
  bool is_cancelled = false;
  bool is_stopped_early = false;  // a client drains the job
  bool has_sinks = false;         // what is learned is put out, to be found once
  bool is_in_order = false;       // messages of one sender to one receiver do not overtake
  Faults faults;
  Mutations mutations;
};

// `without`: fault classes that are left out (loss, duplicate, clog, crash, pause, partition,
// store, rot, takeover), which is how a failure is made smaller.
SimOptions draw_options(std::uint64_t seed, const std::set<std::string>& without = {});

std::string describe(const SimOptions& options);

}  // namespace millrace::sim
