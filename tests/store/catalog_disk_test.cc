// SPDX-License-Identifier: Apache-2.0
// Goal: what the disk does to the catalog never makes it lie: applied() always says what is really in it.
// Method: drop it without a flush, fill its disk, damage its file, open it twice.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "store/error.h"
#include "store/files.h"
#include "store/sqlite.h"
#include "tests/catch.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;

namespace {

Code code_of(const std::filesystem::path& file) {
  try {
    Catalog catalog(file);
  } catch (const Error& e) {
    return e.code();
  }
  FAIL("it opened");
  return Code::io;
}

/// A file system of 1 MiB, for root only.
class SmallDisk {
 public:
  SmallDisk() : mounted_(::mount("ward-test", dir_.path().c_str(), "tmpfs", 0, "size=1m") == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  explicit operator bool() const { return mounted_; }
  const std::filesystem::path& path() const { return dir_.path(); }

 private:
  TempDir dir_;
  bool mounted_;
};

}  // namespace

TEST_CASE("only flush makes changes durable", "[catalog]") {
  Story s;
  s.file(kRoot, "a");
  s.catalog().flush();
  const auto flushed = s.catalog().applied();
  const auto before = s.catalog().dump();
  s.file(kRoot, "b");
  s.crash();
  CHECK(s.catalog().applied() == flushed);
  CHECK(s.catalog().applied_leaf() == leaf(flushed - 1));
  CHECK(s.catalog().dump() == before);
  s.replay();
  CHECK(s.catalog().child(kRoot, "b"));
  CHECK(s.catalog().dump() == s.rebuilt());
  s.catalog().flush();
  s.catalog().flush();  // nothing to do
  s.crash();
  CHECK(s.catalog().applied() == s.next());
}

TEST_CASE("apply writes nothing to the disk, even when the changes outgrow the cache", "[catalog]") {
  Story s;
  const auto log = s.database().string() + "-wal";
  const auto before = std::filesystem::file_size(log);
  SetXattr p;
  p.value.assign(4000, 'x');
  for (int i = 0; i < 18'000; ++i) {  // 70 MB; the cache has 64 MiB
    p.artifact = kRoot;
    p.name = "user.k" + std::to_string(i);
    s.does(p);
  }
  CHECK(std::filesystem::file_size(log) == before);
  s.catalog().flush();
  CHECK(std::filesystem::file_size(log) + std::filesystem::file_size(s.database()) > 70'000'000);
}

TEST_CASE("a second opener is told that the catalog is busy", "[catalog]") {
  Story s;
  CHECK(code_of(s.database()) == Code::busy);
}

TEST_CASE("another schema, no database, and a damaged one are told apart", "[catalog]") {
  const TempDir dir;
  const auto file = dir.path() / "catalog.db";
  Database(file).exec("PRAGMA user_version=99");
  CHECK(code_of(file) == Code::format);
  std::filesystem::remove(file);
  Database(file).exec("CREATE TABLE other(x)");
  CHECK(code_of(file) == Code::format);

  std::ofstream(file, std::ios::trunc) << std::string(8192, 'x');
  CHECK(code_of(file) == Code::corrupt);
  std::filesystem::remove(file);
  { const Catalog fresh(file); }
  std::filesystem::resize_file(file, 4096 * 3);
  CHECK(code_of(file) == Code::corrupt);
  CHECK(code_of(dir.path() / "missing" / "catalog.db") == Code::io);
}

TEST_CASE("whatever byte of the header or the schema is damaged, the catalog opens or says so", "[catalog]") {
  const TempDir dir;
  const auto file = dir.path() / "catalog.db";
  Story s;
  for (int i = 0; i < 20; ++i) s.file(kRoot, "file " + std::to_string(i));
  s.catalog().flush();
  s.crash();  // closed and opened again: all is in the one file
  const auto image = read_file(s.database());
  std::mt19937 random(1);
  unsigned opened = 0, refused = 0;
  const auto attempt = [&](std::size_t at, char value) {
    CAPTURE(at, static_cast<int>(value));
    auto damaged = image;
    damaged.at(at) = value;
    std::ofstream(file, std::ios::trunc | std::ios::binary) << damaged;
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
    try {
      Catalog catalog(file);
      (void)catalog.child(kRoot, "file 3");
      ++opened;
    } catch (const Error& e) {
      CHECK((e.code() == Code::corrupt || e.code() == Code::format));  // what makes the caller rebuild
      ++refused;
    }
  };
  for (std::size_t at = 0; at < 120; ++at)
    for (const char value : {'\x00', '\x01', '\x02', '\x03', '\x05', '\x7f', '\xff'}) attempt(at, value);
  for (int i = 0; i < 500; ++i) attempt(random() % 8192, static_cast<char>(random()));
  CHECK(opened > 0);
  CHECK(refused > 0);
}

TEST_CASE("an error names the file, the statement and the cause", "[sqlite]") {
  const TempDir dir;
  Database db(dir.path() / "x.db");
  db.exec("CREATE TABLE t(k INTEGER PRIMARY KEY)");
  db.run("INSERT INTO t VALUES(?)", 1);
  try {
    db.run("INSERT INTO t VALUES(?)", 1);
    FAIL("it took the key twice");
  } catch (const Error& e) {
    CHECK(e.code() == Code::corrupt);
    CHECK(std::string(e.what()) ==
          (dir.path() / "x.db").string() + ": INSERT INTO t VALUES(?): UNIQUE constraint failed: t.k");
  }
  db.run("INSERT INTO t VALUES(?)", 2);  // the statement is fit for use again
  CHECK(db.query("SELECT k FROM t WHERE k=?", 2).next());
}

TEST_CASE("values come back from SQLite as they went in", "[sqlite]") {
  const TempDir dir;
  Database db(dir.path() / "x.db");
  db.exec("CREATE TABLE t(a, b, c, d, e)");
  const std::string raw("\0\xff'", 3);
  db.run("INSERT INTO t VALUES(?, ?, ?, ?, ?)", std::uint64_t{1} << 63 | 5, std::string_view(), Blob{raw},
         HexBlob{sha("x")}, HexBlob{""});
  auto rows = db.query("SELECT * FROM t");
  REQUIRE(rows.next());
  std::uint64_t a = 0;
  std::string b = "?", c, d, e = "?";
  rows.into(a, b, c, HexInto{d}, HexInto{e});
  CHECK(a == (std::uint64_t{1} << 63 | 5));
  CHECK(b.empty());
  CHECK_FALSE(rows.null(1));
  CHECK(c == raw);
  CHECK(d == sha("x"));
  CHECK(e.empty());
  CHECK(rows.null(4));
  CHECK_FALSE(rows.next());
}

TEST_CASE("a full disk: apply goes on, flush says no_space, and replay mends it", "[catalog]") {
  const SmallDisk disk;
  if (!disk) {
    WARN("SKIPPED: only root can mount the small disk that this test fills");
    return;
  }
  Story s;
  auto catalog = std::make_unique<Catalog>(disk.path() / "catalog.db");
  const auto replay = [&] {
    while (catalog->applied() < s.next()) {
      const auto& record = s.log()[catalog->applied()];
      catalog->apply(record, leaf(record.sequence));
    }
  };
  s.file(kRoot, "early");
  replay();
  catalog->flush();
  const auto durable = catalog->applied();
  std::ofstream(disk.path() / "ballast") << std::string(700'000, 'x');
  for (int i = 0; i < 3000; ++i) s.file(kRoot, "file " + std::to_string(i));
  replay();  // far more than the disk has room for
  for (int attempt = 0; attempt < 2; ++attempt) {
    CAPTURE(attempt);
    try {
      catalog->flush();
      FAIL("the disk wasn't full");
    } catch (const Error& e) {
      CHECK(e.code() == Code::no_space);
    }
    CHECK(catalog->applied() == durable);
    CHECK(catalog->applied_leaf() == leaf(durable - 1));
    CHECK(catalog->child(kRoot, "early"));
    CHECK_FALSE(catalog->child(kRoot, "file 0"));
    replay();
    CHECK(catalog->child(kRoot, "file 2999"));
  }
  std::filesystem::remove(disk.path() / "ballast");
  REQUIRE(::mount("ward-test", disk.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
  catalog->flush();
  CHECK(catalog->dump() == s.rebuilt());
  catalog = nullptr;
  catalog = std::make_unique<Catalog>(disk.path() / "catalog.db");
  CHECK(catalog->applied() == s.next());
}
