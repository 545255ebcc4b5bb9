#include "common/store/s3_store.hpp"

#include <algorithm>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/store/s3_files.hpp"
#include "common/store/s3_limits.hpp"
#include "common/store/s3_put.hpp"
#include "common/store/s3_xml.hpp"

namespace millrace {
namespace {

// A download that is not what was stored is fetched once more: what was damaged on the way is not
// damaged in the store.
constexpr int kDownloadsMax = 2;

class S3Store final : public CheckpointStore {
 public:
  S3Store(S3Address address, const StoreOptions& store, const S3Options& options)
      : client_(std::move(address), store.secrets, options.limits, options.retry),
        put_(client_, options.part_bytes),
        leftover_age_(options.leftover_age),
        is_read_only_(store.is_read_only) {}

  Status open();

  Result<PutOutcome> put_if_absent(const std::string& name, ByteView bytes) override;
  Result<PutOutcome> put_file(const std::string& name, const std::string& local_path) override;
  Result<Bytes> get(const std::string& name) override;
  Status get_to_file(const std::string& name, const std::string& local_path) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Status remove(const std::string& name) override;
  Status remove_leftovers() override;
  // Nothing is kept back here that a later request could find lost.
  Status health() const override { return {}; }
  std::string describe(const std::string& name) const override {
    return client_.address().describe(name);
  }

 private:
  Status check_change(const std::string& name) const;
  Status download(const std::string& name, const S3Download& to);
  Result<S3Page> list_page(const std::string& prefix, const std::string& token);

  S3Client client_;
  S3Put put_;
  std::chrono::seconds leftover_age_;
  bool is_read_only_;
};

Status S3Store::open() {
  if (is_read_only_) return {};
  MILLRACE_ASSIGN(const bool refuses_to_overwrite, put_.probe());
  if (refuses_to_overwrite || client_.address().is_single_coordinator) return {};
  return {Code::invalid_argument,
          "the store at " + client_.address().endpoint +
              " ignores If-None-Match: two coordinators could overwrite each other's commits",
          "use a store that knows conditional writes, or add single_coordinator=true to the URL "
          "and see to it that there is only ever one"};
}

Status S3Store::check_change(const std::string& name) const {
  MILLRACE_TRY(check_object_name(name));
  if (is_read_only_) {
    return {Code::permission_denied, describe(name) + ": the store was opened to be read only"};
  }
  if (client_.address().key_of(name).size() > limits::kS3KeyBytesMax) {
    return {Code::invalid_argument, describe(name) + " is longer than 1024 bytes with its prefix",
            "use a shorter prefix"};
  }
  return {};
}

Result<PutOutcome> S3Store::put_if_absent(const std::string& name, ByteView bytes) {
  MILLRACE_TRY(check_change(name));
  return put_.bytes(name, bytes);
}

Result<PutOutcome> S3Store::put_file(const std::string& name, const std::string& local_path) {
  MILLRACE_TRY(check_change(name));
  MILLRACE_ASSIGN(const auto source, S3FileSource::open(local_path));
  return put_.file(name, source);
}

Status S3Store::download(const std::string& name, const S3Download& to) {
  std::string found, wanted;
  for (int i = 0; i < kDownloadsMax; ++i) {
    std::optional<Sha256> hash;
    const S3Download hashed{[&] {
                              hash.emplace();
                              return to.restart();
                            },
                            [&](ByteView bytes) {
                              hash->update(bytes);
                              return to.take(bytes);
                            }};
    S3Request request;
    request.key = client_.address().key_of(name);
    request.download = &hashed;
    MILLRACE_ASSIGN(const auto outcome, client_.send(request));
    if (outcome.answer.status != 200) return client_.error("get", name, outcome, false);
    wanted = outcome.answer.header(kS3HashHeader);
    found = hash->hex();
    if (wanted.empty() || found == wanted) return {};
  }
  return {Code::corrupted, describe(name) + " has the SHA-256 " + found + " instead of " + wanted,
          "the object was damaged in the store or changed by another program"};
}

Result<Bytes> S3Store::get(const std::string& name) {
  MILLRACE_TRY(check_object_name(name));
  Bytes bytes;
  const S3Download to{[&] {
                        bytes.clear();
                        return Status();
                      },
                      [&](ByteView more) {
                        if (bytes.size() + more.size() > limits::kObjectBytesMax) {
                          return Status(Code::corrupted,
                                        describe(name) +
                                            " is larger than any object that is read "
                                            "into memory");
                        }
                        bytes.insert(bytes.end(), more.begin(), more.end());
                        return Status();
                      }};
  MILLRACE_TRY(download(name, to));
  return bytes;
}

Status S3Store::get_to_file(const std::string& name, const std::string& local_path) {
  MILLRACE_TRY(check_object_name(name));
  MILLRACE_ASSIGN(auto file, S3FileTarget::create(local_path));
  const S3Download to{[&] { return file.restart(); },
                      [&](ByteView bytes) { return file.append(bytes); }};
  MILLRACE_TRY(download(name, to));
  return file.keep();
}

Result<S3Page> S3Store::list_page(const std::string& prefix, const std::string& token) {
  S3Request request;
  if (!token.empty()) request.query.emplace_back("continuation-token", token);
  request.query.emplace_back("list-type", "2");
  request.query.emplace_back("prefix", client_.address().key_of(prefix));
  MILLRACE_ASSIGN(const auto outcome, client_.send(request));
  if (!outcome.is_good()) return client_.error("list", prefix, outcome, false);
  auto page = parse_s3_page(outcome.answer.text);
  if (!page.is_ok()) return page.status().with_context("listing " + describe(prefix));
  return page;
}

Result<std::vector<std::string>> S3Store::list(const std::string& prefix) {
  const auto root = client_.address().key_of("").size();
  std::vector<std::string> names;
  std::string token;
  do {
    MILLRACE_ASSIGN(auto page, list_page(prefix, token));
    for (const auto& key : page.keys) {
      auto name = key.substr(std::min(root, key.size()));
      // The probe, and what other programs put here, are no objects.
      if (check_object_name(name).is_ok()) names.push_back(std::move(name));
    }
    if (names.size() > limits::kS3NamesMax) {
      return Status(Code::resource_exhausted,
                    describe(prefix) + " holds more than a million objects",
                    "give each job a prefix of its own");
    }
    token = std::move(page.next);
  } while (!token.empty());
  std::sort(names.begin(), names.end());
  return names;
}

Status S3Store::remove(const std::string& name) {
  MILLRACE_TRY(check_change(name));
  S3Request request;
  request.method = "DELETE";
  request.key = client_.address().key_of(name);
  MILLRACE_ASSIGN(const auto outcome, client_.send(request));
  if (outcome.is_good()) return {};
  const auto status = client_.error("remove", name, outcome, true);
  return status.code() == Code::not_found ? Status() : status;
}

Status S3Store::remove_leftovers() {
  if (is_read_only_) return {};
  return put_.abort_uploads(leftover_age_);
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> open_s3_store(const std::string& url,
                                                       const StoreOptions& store,
                                                       const S3Options& options) {
  MILLRACE_ASSIGN(auto address, parse_s3_url(url));
  MILLRACE_TRY(read_s3_credentials(store.secrets, address.credentials).status());
  auto opened = std::make_unique<S3Store>(std::move(address), store, options);
  MILLRACE_TRY(opened->open());
  return std::unique_ptr<CheckpointStore>(std::move(opened));
}

}  // namespace millrace
