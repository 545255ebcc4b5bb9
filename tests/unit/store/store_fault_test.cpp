// Every disk operation of a checkpoint fails once: the answer is an error or the truth, and what is
// restored is never wrong.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "common/store/disk.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/support/fault_file_system.hpp"
#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_faults)

using namespace millrace;
using namespace millrace::test;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kStateBytes = 30'000;

Bytes state_of(CutId cut) {
  return random_bytes(kStateBytes, cut.value);
}

// Restored bytes are those of the restored cut, and no cut that was acknowledged is lost.
void require_newest_is(const fs::path& root, CutId acknowledged, CutId begun, int fault) {
  BOOST_TEST_CONTEXT("operation " << fault) {
    const auto store = require_ok(open_file_store((root / "store").string(), posix_disk()));
    const auto restored = require_ok(restore_newest(*store, (root / "restored").string()));
    BOOST_REQUIRE(restored.cut >= acknowledged);
    BOOST_REQUIRE(restored.cut <= begun);
    BOOST_REQUIRE(restored.bytes == state_of(restored.cut));
  }
}

// The process has no file left for a folder once `is_out_of_files`.
class FolderlessDisk final : public Disk {
 public:
  bool is_out_of_files = false;

  int open(const std::string& path, int flags, mode_t mode) override {
    if (!is_out_of_files || (flags & O_DIRECTORY) == 0) return posix_disk().open(path, flags, mode);
    errno = EMFILE;
    return -1;
  }
  ssize_t write(int file, const void* bytes, std::size_t count) override {
    return posix_disk().write(file, bytes, count);
  }
  int fsync(int file) override { return posix_disk().fsync(file); }
  int close(int file) override { return posix_disk().close(file); }
  int link(const std::string& from, const std::string& to) override {
    return posix_disk().link(from, to);
  }
  int rename(const std::string& from, const std::string& to) override {
    return posix_disk().rename(from, to);
  }
  int unlink(const std::string& path) override { return posix_disk().unlink(path); }
  int mkdir(const std::string& path, mode_t mode) override {
    return posix_disk().mkdir(path, mode);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_refused_without_doubt_is_not_there) {
  TemporaryFolder folder;
  FaultDisk disk;
  const auto store = require_ok(open_file_store(folder.path().string(), disk));
  require_ok(store->put_if_absent("log/0", as_bytes("x")));
  for (const int error : {EROFS, EACCES, ENOSPC}) {
    disk.error = error;
    disk.fail_at = disk.calls;
    const auto status = store->put_if_absent("log/1", as_bytes("x")).status();
    BOOST_TEST(!status.is_ok());
    BOOST_TEST(!is_ambiguous(status));
    BOOST_TEST((store->get("log/1").status().code() == Code::not_found));
  }
}

BOOST_AUTO_TEST_CASE(what_fails_after_an_object_has_its_name_leaves_it_in_doubt) {
  TemporaryFolder folder;
  FolderlessDisk disk;
  const auto store = require_ok(open_file_store(folder.path().string(), disk));
  require_ok(store->put_if_absent("log/0", as_bytes("x")));
  disk.is_out_of_files = true;
  BOOST_TEST(is_ambiguous(store->put_if_absent("log/1", as_bytes("x")).status()));
  BOOST_TEST(fs::exists(folder.path() / "log" / "1"));
}

BOOST_AUTO_TEST_CASE(a_crash_and_power_loss_at_any_operation_loses_nothing_acknowledged) {
  bool was_reached = true;
  int fault = 0;
  for (; was_reached; ++fault) {
    TemporaryFolder folder;
    FaultDisk disk;
    CutId acknowledged;
    {
      const auto store = require_ok(open_file_store((folder.path() / "store").string(), disk));
      const auto db = require_ok(StateDb::open({.folder = (folder.path() / "state").string()}));
      require_ok(checkpoint(*db, *store, CutId(1), state_of(CutId(1))));
      acknowledged = CutId(1);
      disk.fail_at = disk.calls + fault;
      disk.is_crash = true;
      if (checkpoint(*db, *store, CutId(2), state_of(CutId(2))).is_ok()) acknowledged = CutId(2);
      was_reached = disk.calls > disk.fail_at;
    }
    disk.lose_power(folder.path() / "store");
    require_newest_is(folder.path(), acknowledged, CutId(2), fault);
  }
  BOOST_TEST_MESSAGE("crashed at each of " << fault - 1 << " operations");
  BOOST_TEST(fault > 20);
}

BOOST_AUTO_TEST_CASE(one_failed_operation_of_the_store_gives_an_error_or_changes_nothing) {
  for (const int error : {EIO, ENOSPC}) {
    bool was_reached = true;
    for (int fault = 0; was_reached; ++fault) {
      TemporaryFolder folder;
      FaultDisk disk;
      const auto store = require_ok(open_file_store((folder.path() / "store").string(), disk));
      const auto db = require_ok(StateDb::open({.folder = (folder.path() / "state").string()}));
      require_ok(checkpoint(*db, *store, CutId(1), state_of(CutId(1))));
      disk.fail_at = disk.calls + fault;
      disk.error = error;
      CutId acknowledged(1);
      const auto status = checkpoint(*db, *store, CutId(2), state_of(CutId(2)));
      was_reached = disk.calls > disk.fail_at;
      if (status.is_ok()) acknowledged = CutId(2);
      if (!status.is_ok() && store->health().is_ok()) {
        // Nothing was left in doubt, so the next cut goes through.
        BOOST_TEST(!status.hint().empty());
        require_ok(checkpoint(*db, *store, CutId(3), state_of(CutId(3))));
        acknowledged = CutId(3);
      }
      require_newest_is(folder.path(), acknowledged, CutId(3), fault);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failed_fsync_is_never_taken_for_a_success_later) {
  TemporaryFolder folder;
  FaultDisk disk;
  const auto store = require_ok(open_file_store((folder.path() / "store").string(), disk));
  // The folder exists: what follows is create, write, fsync, link, fsync of the folder, unlink.
  require_ok(store->put_if_absent("a", as_bytes("before")));
  for (const int fsync : {2, 4}) {
    FaultDisk failing;
    const auto name = "name-" + std::to_string(fsync);
    const auto doomed = require_ok(open_file_store((folder.path() / "store").string(), failing));
    failing.fail_at = failing.calls + fsync;
    BOOST_TEST((doomed->put_if_absent(name, as_bytes("x")).status().code() == Code::io_error));
    BOOST_TEST((doomed->put_if_absent(name, as_bytes("x")).status().code() == Code::io_error));
    BOOST_TEST((doomed->get(name).status().code() == Code::io_error));
    BOOST_TEST((doomed->health().code() == Code::io_error));
  }
}

BOOST_AUTO_TEST_CASE(one_failed_operation_of_rocksdb_costs_one_cut_and_no_restart) {
  for (const bool is_full : {false, true}) {
    bool was_reached = true;
    int fault = 0;
    for (; was_reached; ++fault) {
      TemporaryFolder folder;
      const auto system = std::make_shared<FaultFileSystem>();
      const auto store =
          require_ok(open_file_store((folder.path() / "store").string(), posix_disk()));
      const auto db = require_ok(
          StateDb::open({.folder = (folder.path() / "state").string(), .file_system = system}));
      require_ok(checkpoint(*db, *store, CutId(1), state_of(CutId(1))));
      system->is_full = is_full;
      const int before = system->calls;
      system->fail_at = before + fault;
      const auto status = checkpoint(*db, *store, CutId(2), state_of(CutId(2)));
      was_reached = system->calls > before + fault;
      system->fail_at = FaultFileSystem::kNever;
      BOOST_TEST_CONTEXT("operation " << fault) {
        if (!status.is_ok()) BOOST_TEST(!status.hint().empty());
        require_newest_is(folder.path(), status.is_ok() ? CutId(2) : CutId(1), CutId(2), fault);
        fs::remove_all(folder.path() / "restored");
        require_ok(checkpoint(*db, *store, CutId(3), state_of(CutId(3))));
      }
      require_newest_is(folder.path(), CutId(3), CutId(3), fault);
    }
    BOOST_TEST_MESSAGE("failed each of " << fault - 1 << " operations of RocksDB");
    BOOST_TEST(fault > 5);
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_aborts_a_checkpoint_and_room_lets_the_next_one_through) {
  TemporaryFolder folder;
  const auto mount_point = folder.path() / "small";
  fs::create_directory(mount_point);
  if (::geteuid() != 0 || ::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=2m") != 0) {
    BOOST_TEST_MESSAGE("skipped: mounting a small tmpfs needs root");
    return;
  }
  struct Unmount {
    fs::path path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{mount_point};
  const auto store = require_ok(open_file_store((mount_point / "store").string(), posix_disk()));
  const auto db = require_ok(StateDb::open({.folder = (mount_point / "state").string()}));
  require_ok(checkpoint(*db, *store, CutId(1), state_of(CutId(1))));
  {
    std::ofstream ballast(mount_point / "ballast", std::ios::binary);
    const std::string page(4096, 'x');
    while (ballast.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  const auto status = checkpoint(*db, *store, CutId(2), state_of(CutId(2)));
  BOOST_TEST((status.code() == Code::resource_exhausted), status.message());
  BOOST_TEST(!status.hint().empty());
  fs::remove(mount_point / "ballast");
  require_ok(checkpoint(*db, *store, CutId(3), state_of(CutId(3))));
  const auto restored = require_ok(restore_newest(*store, (folder.path() / "restored").string()));
  BOOST_TEST((restored.cut == CutId(3)));
  BOOST_TEST((restored.bytes == state_of(CutId(3))));
}

BOOST_AUTO_TEST_SUITE_END()
