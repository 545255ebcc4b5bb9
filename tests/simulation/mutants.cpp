// Deliberate bugs. Each is a mistake that a tired person could make; the simulator must find every
// one.
#include "tests/simulation/simulation.hpp"

namespace millrace::sim {

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = {
      {"shard_applies_duplicates", [](Mutations& m) { m.shard.apply_duplicates = true; }},
      {"shard_accepts_old_attempts", [](Mutations& m) { m.shard.accept_old_attempts = true; }},
      {"shard_skips_gaps", [](Mutations& m) { m.shard.skip_gaps = true; }},
      {"shard_answers_live_while_aligning",
       [](Mutations& m) { m.shard.answer_live_while_aligning = true; }},
      {"shard_puts_late_push_into_cut", [](Mutations& m) { m.shard.late_push_into_cut = true; }},
      {"shard_forgets_cut_view_of_early_push",
       [](Mutations& m) { m.shard.forget_cut_view_of_early_push = true; }},
      {"shard_counts_aborted_barriers",
       [](Mutations& m) { m.shard.reuse_aborted_barriers = true; }},
      {"replica_rebases_on_old_answers",
       [](Mutations& m) { m.replica.rebase_on_old_answers = true; }},
      {"replica_accepts_old_attempts", [](Mutations& m) { m.replica.accept_old_attempts = true; }},
      {"replica_weighs_per_shard", [](Mutations& m) { m.replica.weigh_per_shard = true; }},
      {"replica_sends_barrier_before_push",
       [](Mutations& m) { m.replica.barrier_without_push = true; }},
      {"trainer_snapshots_one_batch_late", [](Mutations& m) { m.snapshot_one_batch_late = true; }},
      {"trainer_forgets_its_ledger", [](Mutations& m) { m.restore_without_learned = true; }},
      {"worker_acknowledges_before_stored",
       [](Mutations& m) { m.acknowledge_part_before_store = true; }},
      {"cut_complete_before_all_trainers",
       [](Mutations& m) { m.job.tracker.complete_before_all_trainers = true; }},
      {"cut_complete_before_all_parts",
       [](Mutations& m) { m.job.tracker.complete_before_all_parts = true; }},
      {"cut_takes_reports_of_other_cuts",
       [](Mutations& m) { m.job.tracker.ignore_cut_of_report = true; }},
      {"job_publishes_before_complete", [](Mutations& m) { m.job.publish_before_complete = true; }},
      {"job_retires_before_complete", [](Mutations& m) { m.job.retire_before_complete = true; }},
      {"job_reuses_cut_id", [](Mutations& m) { m.job.reuse_cut_id = true; }},
      {"job_accepts_old_attempts",
       [](Mutations& m) {
         m.job.accept_old_attempts = true;
         m.job.tracker.ignore_cut_of_report = true;
       }},
      {"job_forgets_to_raise_the_attempt", [](Mutations& m) { m.job.forget_attempt_raise = true; }},
      {"log_trusts_ambiguous_writes",
       [](Mutations& m) { m.job.log.trust_ambiguous_writes = true; }},
      {"log_ignores_other_writers", [](Mutations& m) { m.job.log.ignore_other_writers = true; }},
      {"log_leads_with_the_id_of_an_open_cut",
       [](Mutations& m) { m.job.log.lead_reuses_open_cut = true; }},
      {"log_snapshot_forgets_savepoints",
       [](Mutations& m) { m.job.log.snapshot_without_savepoints = true; }},
      {"worker_obeys_old_terms", [](Mutations& m) { m.accept_old_terms = true; }},
      {"job_adopts_with_parts_missing",
       [](Mutations& m) { m.job.adopt_with_parts_missing = true; }},
      {"job_restores_an_attempt_it_did_not_adopt",
       [](Mutations& m) { m.job.restore_unadopted_attempt = true; }},
      {"job_retires_savepoints", [](Mutations& m) { m.job.retire_savepoints = true; }},
      {"job_reports_savepoints_too_early", [](Mutations& m) { m.job.name_before_durable = true; }},
      {"job_forgets_where_to_go_on_from", [](Mutations& m) { m.job.forget_branch = true; }},
      {"job_forgets_new_splits", [](Mutations& m) { m.job.forget_new_splits = true; }},
      {"job_reads_splits_before_they_are_stored",
       [](Mutations& m) { m.job.read_splits_undurable = true; }},
      {"job_skips_the_beginning_of_new_splits",
       [](Mutations& m) { m.job.skip_new_splits_begin = true; }},
      {"log_skips_confirmation", [](Mutations& m) { m.job.log.skip_confirmation = true; }},
      {"log_trims_before_its_snapshot",
       [](Mutations& m) { m.job.log.trim_before_committed = true; }},
      {"log_trims_its_newest_snapshot",
       [](Mutations& m) { m.job.log.trim_newest_snapshot = true; }},
  };
  return all;
}

}  // namespace millrace::sim
