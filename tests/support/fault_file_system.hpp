// A RocksDB file system that fails at a chosen operation: open, write, sync, rename, link or
// delete.
//
// Place: under StateDb in tests. The counter is shared by all files and threads.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace millrace::test {

class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  static constexpr int kNever = 1 << 30;

  FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "millrace.FaultFileSystem"; }

  std::atomic<int> fail_at{kNever};
  std::atomic<int> calls{0};
  std::atomic<bool> is_full{false};  // the failure is a full disk, otherwise an I/O error

  rocksdb::IOStatus next() {
    if (calls++ != fail_at) return rocksdb::IOStatus::OK();
    return is_full ? rocksdb::IOStatus::NoSpace("injected")
                   : rocksdb::IOStatus::IOError("injected");
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    if (auto fault = next(); !fault.ok()) return fault;
    auto status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok()) *file = std::make_unique<File>(std::move(*file), *this);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (auto fault = next(); !fault.ok()) return fault;
    return target()->RenameFile(from, to, options, debug);
  }
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (auto fault = next(); !fault.ok()) return fault;
    return target()->DeleteFile(name, options, debug);
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile>&& file, FaultFileSystem& owner)
        : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner) {}
    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (auto fault = owner_.next(); !fault.ok()) return fault;
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& verification,
                             rocksdb::IODebugContext* debug) override {
      if (auto fault = owner_.next(); !fault.ok()) return fault;
      return FSWritableFileOwnerWrapper::Append(data, options, verification, debug);
    }
    rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override {
      if (auto fault = owner_.next(); !fault.ok()) return fault;
      return FSWritableFileOwnerWrapper::Close(options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      if (auto fault = owner_.next(); !fault.ok()) return fault;
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }

   private:
    FaultFileSystem& owner_;
  };
};

}  // namespace millrace::test
