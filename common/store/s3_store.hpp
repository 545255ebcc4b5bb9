// The checkpoint store in a bucket of an object store: an object is created by a PUT that succeeds
// only where nothing stands under its name.
//
// Place: open_checkpoint_store makes one for s3:// URLs. Threads: as CheckpointStore says.
//
// Every object carries its SHA-256, which `get` checks, and a number that its writer drew. A writer
// whose answer was lost asks again: the condition then fails on its own object, which the number
// tells it. So a put that says `created` or `existed` is certain, and one that cannot find out is
// timed_out, which is_ambiguous.
//
// Invariant: nothing is written under a name twice, unless the URL says single_coordinator=true and
// the store ignores the condition: then names are looked up first, which two writers can do at the
// same time.
#pragma once

#include <memory>
#include <string>

#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/s3_client.hpp"

namespace millrace {

struct S3Options {
  S3TimeLimits limits = {};
  S3RetryOptions retry = {};
  // Files larger than this are stored in parts of this size. S3 takes no parts below 5 MiB, and no
  // more than 10,000: beyond 640 GiB parts grow.
  std::uint64_t part_bytes = std::uint64_t{64} << 20;
  // Uploads in parts that were begun longer ago belong to nobody: far more than any takes.
  std::chrono::seconds leftover_age = std::chrono::hours(24);
};

// `options.retry.seed` must differ between any two stores that are ever opened.
Result<std::unique_ptr<CheckpointStore>> open_s3_store(const std::string& url,
                                                       const StoreOptions& store,
                                                       const S3Options& options);

}  // namespace millrace
