// One training slot: a thread that decodes, transforms, predicts and trains, micro-batch after
// micro-batch.
//
// Place: owned by a trainer actor, which feeds its inbox and listens to it. The protocol decisions
// are ReplicaCore's; the arithmetic of merging is ReplicaParameters'; this class is the loop that
// joins them with a source, the pipeline and the model.
//
// The thread never waits for a mailbox, a disk or a merge, except for the short lock of a shard in
// its own process. It waits only for records, for its rate limit, for the id of a new class, and
// where the merge mode says so (`synchronous`, `async_gradient` in mini-batches, `max_staleness`).
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "worker/core/replica_core.hpp"
#include "worker/sinks/output_messages.hpp"
#include "worker/sinks/replica_outputs.hpp"
#include "worker/sources/rate_limiter.hpp"
#include "worker/sources/record_source.hpp"
#include "worker/training/replica_parameters.hpp"
#include "worker/training/trainer_inbox.hpp"
#include "worker/training/trainer_state.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace {

// Called from the training thread; must hand over and return.
class TrainerListener {
 public:
  virtual ~TrainerListener() = default;
  virtual void send(Entry entry) = 0;
  virtual void on_snapshot(TrainerCut snapshot) = 0;
  virtual void on_progress(TrainerProgress progress) = 0;
  // Every record of its splits is learned; the thread goes on taking part in cuts.
  virtual void on_finished() = 0;
  // What people should know: a broker is away, it is back.
  virtual void on_warning(const std::string& /*text*/) {}
  // Of what the replica puts out; called from the threads of its sinks, too. So much waits that a
  // cut should be taken.
  virtual void on_cut_wanted() {}
  // The sinks have everything up to this cut.
  virtual void on_released(CutId /*cut*/) {}
  virtual void on_sink_warning(const std::string& /*text*/) {}
  virtual void on_sink_written(OutputKind /*kind*/, std::uint64_t /*messages*/,
                               std::uint64_t /*bytes*/) {}
  virtual void on_sink_trouble(OutputKind /*kind*/) {}
  // The thread has ended; the attempt cannot go on.
  virtual void on_failed(Status status) = 0;
};

struct TrainerPlan {
  TrainingSetupPtr setup;
  ReplicaId replica;
  Attempt attempt;
  CutId cut;  // restored from; its barrier has been passed
  // Ascending; files are read one after the other, partitions of a topic in turn.
  std::vector<SplitDescription> splits;
  std::vector<SplitProgress> positions = {};  // of the splits, as the cut has them
  std::optional<Bytes> state;                 // TrainerState of the cut; absent: fresh
  SecretsFolder secrets;
  MakeChannel channels = {};              // to sinks; absent: to Kafka
  net::GuardedSocketOptions ingest = {};  // of sources that producers send to
};

class Trainer {
 public:
  // Fails when the stored state does not fit the plan.
  static Result<std::unique_ptr<Trainer>> prepare(TrainerPlan plan, TrainerListener& listener);
  // Starts the thread; the inbox must be reachable by then.
  void start();
  // Stops the thread and joins it.
  ~Trainer();

  // The cut is complete: what was put out before it may go to the sinks. Any thread.
  void complete(CutId cut);

  // Outlives the trainer where others still post to it.
  const std::shared_ptr<TrainerInbox>& inbox() const { return inbox_; }

 private:
  // How long the thread sleeps at most before it looks at everything again.
  static constexpr std::chrono::milliseconds kPatience{50};

  Trainer(TrainerPlan plan, TrainerState state, TrainerListener& listener);

  void run();
  void begin_beside_the_centre();
  // One turn of the loop; false when the thread is to end.
  Result<bool> turn();
  void absorb(std::chrono::milliseconds timeout);
  void resend_unanswered();
  void execute(std::vector<ReplicaEffect> effects, const PushPayloads& payloads = {});
  void paste(Rebase rebase);
  void adopt_shared_state(const ParameterView& view, Sequence answered);

  Status read();
  Status open_source();
  void end_split();
  bool is_read_to_end() const { return unfinished_ == 0; }
  // Whether splits are taken in an order that depends on nothing but what was read.
  bool is_order_fixed() const;
  std::size_t choose_split(std::chrono::steady_clock::time_point now) const;
  void turn_to_split(std::size_t index);
  void on_starved();
  void tell_warnings();
  Status check_quarantined();
  Status account_for_batch();
  Status finish_reading();
  void propose_categories();
  bool awaits_class();

  // Nothing more may be put out before a sink has taken something.
  bool awaits_sinks() const;
  void open_outputs();
  void put_out_predictions(std::span<const float> predictions);
  Status put_out_dead_letters();
  void wish_for_cut();

  Status learn();
  Status train_mini_batch();
  Status push_gradient();
  void count_records();
  bool has_pending() const { return records_pending_ > 0 || !proposals_.empty(); }
  // Ends a round: pushes what is pending, where the protocol has room.
  Status merge();
  Result<PushContent> freeze_pending(PushPayloads& payloads, PushExtent extent);
  Status take_cut();
  TrainerCut make_snapshot(CutId cut);
  std::vector<SplitProgress> positions() const;
  template <typename Visit>
  void visit_open_sources(const Visit& visit);

  void report_progress(bool is_due_anyway);
  const JobSpec& spec() const { return plan_.setup->spec; }
  bool is_elastic() const { return spec().merge->mode == MergeMode::elastic; }
  bool is_synchronous() const { return spec().merge->mode == MergeMode::synchronous; }

  TrainerPlan plan_;
  TrainerListener& listener_;
  std::shared_ptr<TrainerInbox> inbox_ = std::make_shared<TrainerInbox>();
  std::vector<TrainerEvent> events_;

  ReplicaCore core_;
  ReplicaParameters parameters_;
  Pipeline pipeline_;
  std::deque<std::pair<Sequence, std::vector<double>>> statistics_in_flight_;
  Dictionary dictionary_;
  std::size_t dictionary_known_ = 0;        // entries of the shard's log adopted so far
  std::vector<DictionaryEntry> proposals_;  // not pushed yet
  std::string awaited_class_;               // reading stands until it has an id

  TrainerState state_;
  SlotSources slot_;
  std::size_t unfinished_ = 0;  // splits
  std::size_t current_ = 0;     // index into plan_.splits
  std::unique_ptr<RecordSource> source_;
  DecodeCounters counters_before_;  // of the open split, before it was opened here
  std::optional<RateLimiter> limiter_;
  MicroBatch batch_;
  // The other open splits, with what they have read of their next micro-batch.
  struct ParkedSplit {
    std::unique_ptr<RecordSource> source;
    DecodeCounters counters_before;
    MicroBatch batch;
  };
  std::map<std::size_t, ParkedSplit> parked_;  // by index into plan_.splits
  // By index: nothing had arrived, and it is not asked again before.
  std::vector<std::chrono::steady_clock::time_point> starved_until_;

  std::unique_ptr<ReplicaOutputs> outputs_;  // null: the job has no sinks
  std::optional<PredictionMessages> messages_;
  std::chrono::steady_clock::time_point next_wish_;  // for a cut

  Workspace workspace_;
  std::vector<float> predictions_;
  Gradient gradient_;
  bool has_gradient_ = false;  // gradient_ waits to be pushed

  // Learned since the last push.
  std::uint32_t batches_pending_ = 0;
  std::uint64_t records_pending_ = 0;
  Fingerprint ledger_pending_;

  std::optional<TrainerCut> open_snapshot_;          // elastic: waits for the last moves of its cut
  std::chrono::milliseconds resend_delay_;           // doubles while no answer comes
  std::chrono::steady_clock::time_point resend_at_;  // a delay after what was sent last
  std::chrono::milliseconds patience_{0};            // how long the next turn may wait for events
  bool wants_push_ = false;                          // a class waits for its id: push at once
  bool is_stopping_ = false;
  bool is_finished_ = false;
  std::chrono::steady_clock::time_point next_progress_;
  std::jthread thread_;  // last: it uses all of the above
};

template <typename Visit>
void Trainer::visit_open_sources(const Visit& visit) {
  if (source_ != nullptr) visit(state_.splits[current_], *source_);
  for (auto& [index, parked] : parked_) {
    if (parked.source != nullptr) visit(state_.splits[index], *parked.source);
  }
}

}  // namespace millrace
