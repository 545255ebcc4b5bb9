#include "coordinator/registry/job_catalog.hpp"

#include <algorithm>
#include <array>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/config/job_file.hpp"
#include "common/store/sealed_json.hpp"
#include "coordinator/registry/files.hpp"

namespace millrace {
namespace {

// 2: `rescale_to`.
constexpr std::uint16_t kFormat = 2;
constexpr std::string_view kEnding = ".json";
constexpr std::array kWanted = {"running", "stopped", "cancelled", "deleted"};

std::optional<WantedState> parse_wanted(std::string_view word) {
  const auto* const found = std::ranges::find(kWanted, word);
  if (found == kWanted.end()) return {};
  return static_cast<WantedState>(found - kWanted.begin());
}

OrderedJson ending_json(const JobEnding& ending) {
  OrderedJson json = {
      {"state", to_string(ending.state)}, {"cut", ending.cut}, {"at_ms", ending.at_ms}};
  if (ending.error)
    json["error"] = {{"code", static_cast<std::uint64_t>(ending.error->code)},
                     {"message", ending.error->message},
                     {"hint", ending.error->hint}};
  return json;
}

OrderedJson job_json(const CatalogJob& job) {
  OrderedJson json = {{"name", job.name},
                      {"file_name", job.file_name},
                      {"yaml", job.yaml},
                      {"overrides", job.overrides},
                      {"spec_hash", job.spec_hash},
                      {"wanted", to_string(job.wanted)},
                      {"store_url", job.store_url},
                      {"from", job.from},
                      {"rescale_to", job.rescale_to},
                      {"revision", job.revision},
                      {"client", job.client},
                      {"submitted_at_ms", job.submitted_at_ms}};
  json["endings"] = OrderedJson::array();
  if (job.ending) json["endings"].push_back(ending_json(*job.ending));
  return json;
}

JobEnding read_ending(const nlohmann::json& member, Status& status) {
  JobEnding ending;
  JsonFields fields(member, "ending", status);
  const auto state = control::parse_job_state(fields.text("state"));
  if (!state) fields.fail("state is no state of a job");
  ending.state = state.value_or(control::JobState::unknown);
  ending.cut = fields.number<std::uint64_t>("cut");
  ending.at_ms = fields.number<std::uint64_t>("at_ms");
  if (!member.is_object() || !member.contains("error")) return ending;
  JsonFields error(fields.object("error"), "error", status);
  const auto code = error.number<std::uint8_t>("code");
  if (code == 0 || code > static_cast<std::uint8_t>(Code::internal)) error.fail("code is unknown");
  ending.error = control::Error{.code = static_cast<Code>(code),
                                .message = error.text("message"),
                                .hint = error.text("hint")};
  return ending;
}

Result<CatalogJob> read_job(ByteView bytes, const std::string& name) {
  MILLRACE_ASSIGN(const auto json, open_sealed_json(bytes, kFormat, "the job"));
  Status status;
  CatalogJob job;
  JsonFields fields(json, "job", status);
  job.name = fields.text("name");
  if (job.name != name) fields.fail("is of job '" + job.name + "', not of '" + name + "'");
  job.file_name = fields.text("file_name");
  job.yaml = fields.text("yaml");
  for (const auto& member : fields.array("overrides")) {
    if (!member.is_string()) fields.fail("overrides are not texts");
    job.overrides.push_back(member.is_string() ? member.get<std::string>() : "");
  }
  job.spec_hash = fields.text("spec_hash");
  const auto wanted = parse_wanted(fields.text("wanted"));
  if (!wanted) fields.fail("wanted is no state that can be wanted");
  job.wanted = wanted.value_or(WantedState::stopped);
  job.store_url = fields.text("store_url");
  job.from = fields.text("from");
  if (fields.number<std::uint16_t>("format_version") >= 2)
    job.rescale_to = fields.number<std::uint32_t>("rescale_to");
  job.revision = fields.number<std::uint64_t>("revision");
  job.client = fields.text("client");
  job.submitted_at_ms = fields.number<std::uint64_t>("submitted_at_ms");
  for (const auto& member : fields.array("endings")) job.ending = read_ending(member, status);
  MILLRACE_TRY(status);
  return job;
}

}  // namespace

const char* to_string(WantedState state) {
  return kWanted.at(static_cast<std::size_t>(state));
}

std::string spec_hash(const JobSpec& spec) {
  return sha256_hex(as_bytes(print_job(spec)));
}

Result<control::SubmitOutcome> judge_submit(const CatalogJob* known, const CatalogJob& offered,
                                            bool is_update) {
  if (known == nullptr || known->wanted == WantedState::deleted)
    return control::SubmitOutcome::created;
  const bool is_same = known->spec_hash == offered.spec_hash;
  const bool is_ended = known->ending.has_value() || known->wanted != WantedState::running;
  const bool has_finished =
      known->ending && known->ending->state == control::JobState::finished && is_same;
  if (is_same && (!is_ended || has_finished)) return control::SubmitOutcome::unchanged;
  if (is_update) return control::SubmitOutcome::updated;
  if (is_same)
    return Status(Code::conflict, "job '" + offered.name + "' was submitted before and has ended",
                  "run it again with `millrace resume " + offered.name + "`");
  return Status(Code::conflict, "there is another job '" + offered.name + "'",
                "see what differs with `millrace job diff`; replace it with --update, or give this "
                "one another name");
}

Result<JobCatalog> JobCatalog::open(const std::filesystem::path& folder, Disk& disk) {
  MILLRACE_TRY(make_folders(disk, folder.string()));
  JobCatalog catalog(folder, disk);
  remove_temporaries(disk, folder);
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == kEnding) paths.push_back(entry->path());
  }
  if (error) return disk_error("list", folder.string(), error.value());
  if (paths.size() > limits::kCatalogJobsMax)
    return Status(Code::resource_exhausted,
                  folder.string() + " holds " + std::to_string(paths.size()) + " jobs, more than " +
                      std::to_string(limits::kCatalogJobsMax),
                  "move those that are not wanted any more away");
  std::ranges::sort(paths);
  for (const auto& path : paths) catalog.read(path);
  return catalog;
}

void JobCatalog::read(const std::filesystem::path& path) {
  const auto name = path.stem().string();
  const auto bytes = read_file(path, limits::kCatalogFileBytesMax);
  auto job = bytes.is_ok() ? read_job(bytes.value(), name) : Result<CatalogJob>(bytes.status());
  if (job.is_ok()) {
    jobs_.emplace(name, std::move(job).value());
    return;
  }
  const auto& why = job.status();
  damaged_.push_back({name,
                      {why.code(), path.string() + ": " + why.message(),
                       "move the file away and submit the job again: it goes on from its newest "
                       "checkpoint"}});
}

const CatalogJob* JobCatalog::find(const std::string& name) const {
  const auto found = jobs_.find(name);
  return found == jobs_.end() ? nullptr : &found->second;
}

std::filesystem::path JobCatalog::path_of(const std::string& name) const {
  return folder_ / (name + std::string(kEnding));
}

Status JobCatalog::put(const CatalogJob& job) {
  const auto damaged = std::ranges::find(damaged_, job.name, &Damaged::name);
  if (damaged != damaged_.end()) return damaged->status;
  const bool is_new = !jobs_.contains(job.name);
  if (is_new && jobs_.size() >= limits::kCatalogJobsMax)
    return {Code::resource_exhausted,
            "this coordinator has " + std::to_string(jobs_.size()) + " jobs, the most it may have",
            "delete one with `millrace job delete`"};
  MILLRACE_ASSIGN(const Bytes bytes, seal_json(job_json(job), kFormat, JsonLayout::pretty));
  if (bytes.size() > limits::kCatalogFileBytesMax)
    return {Code::resource_exhausted, "job '" + job.name + "' is too large to be kept",
            "shorten its job file"};
  const bool may_exist = !is_new || unsettled_.contains(job.name);
  const auto path = path_of(job.name);
  Status status = may_exist ? replace_file(*disk_, path, bytes) : create_file(*disk_, path, bytes);
  if (!status.is_ok()) {
    // Of `create_file`, conflict alone says that nothing was changed.
    if (status.code() == Code::conflict)
      return {Code::conflict, path.string() + " was made by somebody else",
              "let one coordinator alone use a state folder"};
    unsettled_.insert(job.name);
    return status;
  }
  unsettled_.erase(job.name);
  jobs_.insert_or_assign(job.name, job);
  return {};
}

Status JobCatalog::remove(const std::string& name) {
  if (!jobs_.contains(name)) return {Code::not_found, "there is no job '" + name + "'"};
  const auto path = path_of(name);
  if (disk_->unlink(path.string()) != 0 && errno != ENOENT)
    return disk_error("remove", path.string(), errno);
  MILLRACE_TRY(sync_folder(*disk_, folder_.string()));
  jobs_.erase(name);
  unsettled_.erase(name);
  return {};
}

}  // namespace millrace
