// Which jobs are wanted, on disk: what a restarted coordinator goes on with.
//
// Place: the coordinator owns one over <state>/jobs, one sealed file per job, and answers a submit
// only after `put` returned ok. One owner, one thread.
//
// Invariant: what `put` returned ok for is found by every later `open`. A file that cannot be read
// is reported, blocks its name, is never overwritten, and keeps no other job from being read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/store/disk.hpp"
#include "common/wire/control.hpp"

namespace millrace {

enum class WantedState : std::uint8_t {
  running,
  stopped,    // after a checkpoint or savepoint
  cancelled,  // at once
  deleted,    // its file goes when what it left was tidied up
};
const char* to_string(WantedState state);

// How the job's last run ended.
struct JobEnding {
  control::JobState state = control::JobState::unknown;
  std::uint64_t cut = 0;  // the last complete one
  std::uint64_t at_ms = 0;
  std::optional<control::Error> error;  // failed
};

struct CatalogJob {
  std::string name;
  std::string file_name;
  std::string yaml;                    // as submitted
  std::vector<std::string> overrides;  // as submitted; `rescale` adds its own
  std::string spec_hash;               // of the job that both together mean
  WantedState wanted = WantedState::running;
  std::string store_url;
  std::string from;  // checkpoint or savepoint to begin with; empty: the newest
  // Replicas that were asked for and are not begun with yet: `overrides` say with how many it runs.
  std::uint32_t rescale_to = 0;  // 0: no other number
  std::uint64_t revision = 1;
  std::string client;  // who submitted this revision
  std::uint64_t submitted_at_ms = 0;
  std::optional<JobEnding> ending;  // absent while it is to run
};

// SHA-256 of the whole job, so that comments and the order of keys make no difference.
std::string spec_hash(const JobSpec& spec);

// What a submit means beside what is known of the name (null: nothing). conflict when another job
// runs under it and `is_update` is not said, or when the same one was stopped.
Result<control::SubmitOutcome> judge_submit(const CatalogJob* known, const CatalogJob& offered,
                                            bool is_update);

class JobCatalog {
 public:
  struct Damaged {
    std::string name;  // as the file is called
    Status status;
  };

  // Creates the folder where it is missing and reads every job of it.
  static Result<JobCatalog> open(const std::filesystem::path& folder, Disk& disk = posix_disk());

  const std::map<std::string, CatalogJob>& jobs() const { return jobs_; }
  const CatalogJob* find(const std::string& name) const;
  const std::vector<Damaged>& damaged() const { return damaged_; }

  // Durable when it returns ok; after an error the name holds what it held before, or this, and
  // putting it again settles it. corrupted for a name whose file is damaged.
  Status put(const CatalogJob& job);
  // not_found when there is none.
  Status remove(const std::string& name);

 private:
  JobCatalog(std::filesystem::path folder, Disk& disk) : folder_(std::move(folder)), disk_(&disk) {}
  void read(const std::filesystem::path& path);
  std::filesystem::path path_of(const std::string& name) const;

  std::filesystem::path folder_;
  Disk* disk_;
  std::map<std::string, CatalogJob> jobs_;
  std::vector<Damaged> damaged_;
  // Written, and nobody knows whether it took: there may be a file.
  std::set<std::string> unsettled_;
};

}  // namespace millrace
