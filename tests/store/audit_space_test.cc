// SPDX-License-Identifier: Apache-2.0
// Goal: on a full disk ordinary records stop while the reserve is untouched, what must be recorded still is, then
// nothing; and all goes on when there is room again.
// Method: a tmpfs of 16 MiB, filled up by another file. Needs root; says so loudly where it isn't.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "store/audit_log.h"
#include "store/error.h"
#include "store/files.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;

namespace {

class SmallDisk {
 public:
  SmallDisk() { mounted_ = ::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=16m") == 0; }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return folder_.path(); }

  void fill() const {
    const Fd fd = open_file(path() / "filler", O_WRONLY | O_CREAT | O_APPEND);
    const std::string block(4096, 'x');
    while (::write(fd.get(), block.data(), block.size()) > 0) {
    }
  }
  void empty() const { std::filesystem::remove(path() / "filler"); }

 private:
  TempDir folder_;
  bool mounted_ = false;
};

// Appends until it is refused; tells by which code.
Code append_until_refused(AuditLog& log, Space space) {
  const std::string padding(4000, 'x');
  for (;;) {
    try {
      const std::string lines[] = {log_line(log.size(), padding)};
      log.append(lines, space);
    } catch (const Error& e) {
      return e.code();
    }
  }
}

constexpr std::uint64_t kLine = 4100;

}  // namespace

TEST_CASE("a full disk stops ordinary records before the reserve, then the others at its end") {
  const SmallDisk disk;
  if (!disk.mounted()) {
    WARN("SKIPPED: mounting a tmpfs needs root; behaviour on a full disk wasn't tested");
    return;
  }
  const auto audit = disk.path() / "audit";
  AuditLog::create(audit);
  const Sequence records = GENERATE(65'536, 300);  // the second: the reserve spans segments
  INFO(records);
  {
    AuditLog log(audit, kOrigin, log_key(), {records, 4 << 20, 1 << 20});
    append_lines(log, 1);
    disk.fill();
    CHECK(append_until_refused(log, Space::ordinary) == Code::no_space);
    const Sequence ordinary = log.size();
    CHECK(ordinary * kLine < 8 << 20);
    CHECK(append_until_refused(log, Space::ordinary) == Code::no_space);
    CHECK(log.size() == ordinary);

    CHECK(append_until_refused(log, Space::reserved) == Code::no_reserve);
    const Sequence reserved = log.size() - ordinary;
    CHECK(reserved * kLine >= (1 << 20) - 2 * kLine);
    CHECK(log.sync() == log.size());
    if (records > log.size()) CHECK_THROWS_AS(log.checkpoint(), Error);  // rolling gives room back, then it may fit
    Sequence lines = 0;
    read_lines(audit, 0, [&](Sequence, std::string_view) { ++lines; });
    CHECK(lines == log.size());

    disk.empty();
    append_lines(log, 10);
    CHECK(log.sync() == log.size());
    CHECK(log.checkpoint() == log.size());
  }
  AuditLog log(audit, kOrigin, log_key(), {records, 4 << 20, 1 << 20});
  CHECK(log.cut_bytes() == 0);
  CHECK(parse_checkpoint(parse_note(log.checkpoint_text())).size == log.size());
}
