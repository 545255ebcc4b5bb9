// Between what the job machine knows of a cut and the manifest that says it in the store.
//
// Place: the checkpoint actor writes and reads manifests through it. Pure but for the date.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/actors/job_package.hpp"
#include "common/store/manifest.hpp"
#include "coordinator/core/cut_contents.hpp"

namespace millrace {

// What a manifest holds beside the machine's view of its cut.
struct ManifestExtras {
  std::vector<PartDescriptor> parts;  // every file of every worker's part
  RecordTotals totals;
  std::map<std::string, double> metrics;  // at the cut
};

Manifest make_manifest(const CutContents& contents, const JobPackage& job,
                       const ManifestExtras& extras);
CutContents read_contents(const Manifest& manifest);
std::map<std::string, double> read_metrics(const Manifest& manifest);

// A part as the job machine refers to it.
PartDigest part_digest(const PartDescriptor& part);

}  // namespace millrace
