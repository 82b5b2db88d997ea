// SPDX-License-Identifier: Apache-2.0
// Goal: a compressed segment is the same log to all who read it, at any moment of compressing it, and its damage is
// found. Method: a log in segments of 100; the states that a crash leaves; readers beside the keeper; the offline
// check.
#include "store/log_keeper.h"

#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "store/audit_verify.h"
#include "store/error.h"
#include "store/segment_text.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

struct Kept {
  TempDir temp;
  fs::path audit = temp.path() / "audit", index = temp.path() / "index";
  std::vector<std::string> lines;

  Kept() {
    fs::create_directory(index);
    AuditLog::create(audit);
    auto log = open_log(audit, 100);
    for (Sequence i = 0; i < 350; ++i) lines.push_back(log_line(i));
    log.append(lines);
    log.sync();
    log.checkpoint();
  }
  void look_after(Sequence covered = 350) const {
    ward::store::look_after(audit, index, covered, [] { return false; });
  }
  std::vector<std::string> read() const {
    std::vector<std::string> all;
    read_lines(audit, 0, [&](Sequence, std::string_view line) { all.emplace_back(line); });
    return all;
  }
  fs::path plain(Sequence first) const { return audit / segment_name(first); }
  fs::path packed(Sequence first) const { return plain(first).string() + ".zst"; }
  Verification verify() const { return verify_audit({audit, log_vkey(), std::nullopt}); }
};

}  // namespace

TEST_CASE("what a full disk refuses leaves nothing behind that fills it", "[keeper]") {
  Kept log;
  const rlim_t room = GENERATE(20, 200);  // bytes of a file: the index or the compressed segment don't fit
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit little{room, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  CHECK_THROWS_AS(log.look_after(), Error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  for (const auto& folder : {log.audit, log.index})
    for (const auto& entry : fs::directory_iterator(folder))
      CHECK((first_of(entry.path()) || entry.is_directory() || entry.path().extension() == ".idx" ||
             entry.path().filename() == "checkpoint"));
  CHECK(log.read() == log.lines);
  log.look_after();
  CHECK(fs::exists(log.packed(0)));
  CHECK(log.read() == log.lines);
}

TEST_CASE("closed segments below the checkpoint are compressed, and read as before", "[keeper]") {
  Kept log;
  log.look_after(250);
  CHECK(fs::exists(log.packed(0)));
  CHECK_FALSE(fs::exists(log.plain(0)));
  CHECK(fs::exists(log.plain(200)));
  log.look_after();
  CHECK(fs::exists(log.packed(200)));
  CHECK(fs::exists(log.plain(300)));
  CHECK(log.read() == log.lines);
  for (const Sequence i : {0, 99, 100, 155, 299, 300}) CHECK(line_at(log.audit, i) == log.lines[i]);
  CHECK(log.verify().verdict == Verdict::verified);
  auto again = open_log(log.audit, 100);
  const std::vector<std::string> more{log_line(350)};
  CHECK(again.append(more) == 350);
}

TEST_CASE("what a crash leaves in the middle is the same log, and is finished", "[keeper]") {
  Kept log;
  const auto text = read_file(log.plain(100));
  log.look_after();
  SECTION("both are there") {
    std::ofstream(log.plain(100)) << text;
  }
  SECTION("half a copy is there") {
    std::ofstream(log.plain(100)) << text;
    fs::resize_file(log.packed(100), 50);
  }
  SECTION("half a copy under its first name") {
    std::ofstream(log.audit / ("." + log.packed(0).filename().string()));
  }
  CHECK(log.read() == log.lines);
  CHECK(log.verify().verdict == Verdict::verified);
  log.look_after();
  CHECK_FALSE(fs::exists(log.plain(100)));
  CHECK(log.read() == log.lines);
}

TEST_CASE("damage in a compressed segment is found and named", "[keeper]") {
  Kept log;
  log.look_after();
  const auto sound = read_file(log.packed(100));
  for (std::size_t at = 0; at < sound.size(); at += 3) {
    auto bytes = sound;
    bytes[at] ^= static_cast<char>(1 << at % 8);
    std::ofstream(log.packed(100), std::ios::binary | std::ios::trunc) << bytes;
    std::optional<Verification> result;
    try {
      result = log.verify();
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find(log.packed(100).filename().string()) != std::string::npos);
      continue;
    }
    INFO(at);
    if (result->verdict == Verdict::verified) {  // a bit that says nothing, of zstd's frame
      REQUIRE(log.read() == log.lines);
      continue;
    }
    REQUIRE(result->verdict == Verdict::damaged);
    REQUIRE(result->bad_line->file == log.packed(100).filename().string());
  }
}

TEST_CASE("who reads while segments are compressed sees each record once", "[keeper]") {
  Kept log;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    do CHECK(log.read() == log.lines);
    while (!done);
  });
  log.look_after();
  done = true;
  reader.join();
  CHECK(fs::exists(log.packed(200)));
}

TEST_CASE("a segment that goes while the log is listed is left out", "[keeper]") {
  const Kept log;
  fs::remove(log.plain(0));
  for (const auto& gone : {log.plain(0), log.packed(0)}) {
    fs::create_symlink("nowhere", gone);  // is there when the folder is read, and isn't when it is looked at
    const auto all = segments(log.audit);
    REQUIRE(all.size() == 3);
    CHECK(all.front().first == 100);
    fs::remove(gone);
  }
}

TEST_CASE("the text goes only when all of it stands compressed under its name", "[keeper]") {
  const Kept log;
  auto segment = segments(log.audit).at(1);
  SECTION("the copy isn't the whole text") {
    segment.bytes -= 1;
    CHECK_THROWS_AS(compress_segment(segment), Error);
    CHECK_FALSE(fs::exists(log.packed(100)));
  }
  SECTION("the copy can't get its name") {
    fs::create_directories(log.packed(100) / "taken");
    CHECK_THROWS_AS(compress_segment(segment), Error);
    fs::remove_all(log.packed(100));
  }
  CHECK(fs::exists(log.plain(100)));
  CHECK(log.read() == log.lines);
  log.look_after();
  CHECK_FALSE(fs::exists(log.plain(100)));
  CHECK(log.read() == log.lines);
}

TEST_CASE("lines are read on from a pruned beginning, and over no gap", "[keeper]") {
  const Kept log;
  fs::remove(log.plain(0));
  const auto first = [&](Sequence from) {
    Sequence found = 0;
    read_range(log.audit, from, from + 1, [&](Sequence sequence, std::string_view) { found = sequence; });
    return found;
  };
  CHECK(first(100) == 100);
  CHECK_THROWS_AS(first(99), Error);
  fs::remove(log.plain(200));
  CHECK_THROWS_AS(read_lines(log.audit, 100, [](Sequence, std::string_view) {}), Error);
}

TEST_CASE("lines behind a lost one are read, wherever it was", "[keeper]") {
  const Kept log;
  for (Sequence lost = 1; lost < 99; ++lost) {
    std::ofstream out(log.plain(0), std::ios::trunc);
    for (Sequence i = 0; i < 100; ++i)
      if (i != lost) out << log.lines[i] << "\n";
    out.close();
    std::vector<std::string> found;
    read_range(log.audit, lost + 1, 100, [&](Sequence, std::string_view line) { found.emplace_back(line); });
    REQUIRE(found == std::vector(log.lines.begin() + static_cast<std::ptrdiff_t>(lost) + 1, log.lines.begin() + 100));
    CHECK_THROWS_AS(line_at(log.audit, lost), Error);
  }
}
