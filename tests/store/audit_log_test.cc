// SPDX-License-Identifier: Apache-2.0
// Goal: what was appended is read back, whole and in order, over segment borders, restarts and crashes; what was
// signed is never taken back.
// Method: small segments, so that borders are everywhere; a crash is the same files cut at every possible byte; a
// write that fails half-way is made with RLIMIT_FSIZE.
#include "store/audit_log.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "store/error.h"
#include "store/files.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

Code code_of(const auto& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.code();
  }
  return Code::usage;  // nothing was thrown
}

// All lines of a log, checked to be those of log_line.
Sequence count_good_lines(const fs::path& audit, Sequence from = 0) {
  Sequence expected = from;
  const Sequence end = read_lines(audit, from, [&](Sequence sequence, std::string_view line) {
    REQUIRE(sequence == expected);
    REQUIRE(line == log_line(expected));
    ++expected;
  });
  if (from <= end) REQUIRE(end == expected);
  return end;
}

Hash root_of(Sequence size) {
  Frontier frontier;
  for (Sequence i = 0; i < size; ++i) frontier.append(leaf_hash(log_line(i)));
  return frontier.root();
}

void check_checkpoint(const std::string& text, Sequence size) {
  const Note note = parse_note(text);
  CHECK(check_note(note, parse_vkey(log_vkey())) == Signature::good);
  CHECK(parse_checkpoint(note) == Checkpoint{kOrigin, size, root_of(size)});
}

}  // namespace

TEST_CASE("a new log is empty, its first record is number 0") {
  const TempDir temp;
  const auto audit = temp.path() / "audit";
  AuditLog::create(audit);
  CHECK(code_of([&] { AuditLog::create(audit); }) == Code::io);
  AuditLog log(audit, kOrigin, log_key());
  CHECK(log.size() == 0);
  CHECK(log.last_leaf().empty());
  CHECK(log.sync() == 0);
  CHECK(log.checkpoint() == 0);
  CHECK(log.checkpoint_text().empty());
  CHECK(count_good_lines(audit) == 0);
  CHECK(log.append({}) == 0);
  const std::string lines[] = {log_line(0)};
  CHECK(log.append(lines) == 0);
  CHECK(log.last_leaf() == hex(leaf_hash(log_line(0))));
  CHECK(count_good_lines(audit) == 1);
}

TEST_CASE("only the next record's own line is taken, and of a batch all or none") {
  const TempDir temp;
  auto log = open_log(temp.path());
  append_lines(log, 2);
  for (const auto& bad : {log_line(1), log_line(3), std::string(), std::string("{}"), log_line(2) + "\n" + log_line(3),
                          log_line(2, std::string(65'535, 'x'))}) {
    const std::string lines[] = {log_line(2), log_line(3), bad};
    CHECK(code_of([&] { log.append(std::span(lines).last(1)); }) == Code::corrupt);
    CHECK(code_of([&] { log.append(lines); }) == Code::corrupt);
    CHECK(log.size() == 2);
  }
  CHECK(count_good_lines(temp.path()) == 2);
}

TEST_CASE("records go on over segments and restarts") {
  const TempDir temp;
  Sequence size = 0;
  for (const Sequence batch : {1, 6, 1, 1, 7, 8, 9, 30, 1, 0, 17}) {
    auto log = open_log(temp.path(), 8);
    REQUIRE(log.size() == size);
    REQUIRE(log.synced() == size);
    REQUIRE(log.cut_bytes() == 0);
    if (size != 0) REQUIRE(log.last_leaf() == hex(leaf_hash(log_line(size - 1))));
    append_lines(log, batch);
    size += batch;
    REQUIRE(count_good_lines(temp.path()) == size);
    if (batch % 2) REQUIRE(log.sync() == size);
    REQUIRE(log.checkpoint() == log.synced());
    check_checkpoint(log.checkpoint_text(), log.synced());
    REQUIRE(log.checkpoint_text() == read_file(temp.path() / "checkpoint"));
  }
  const auto all = segments(temp.path());
  REQUIRE(all.size() == (size + 7) / 8);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].file.filename() == segment_name(8 * i));
  for (Sequence i = 0; i < size; ++i) {
    CHECK(line_at(temp.path(), i) == log_line(i));
    CHECK(count_good_lines(temp.path(), i) == size);
  }
  CHECK_THROWS_AS(line_at(temp.path(), size), Error);
  CHECK(segment_name(65'536) == "00000000000000065536.jsonl");
}

TEST_CASE("one line is found among lines of every length") {
  const TempDir temp;
  auto log = open_log(temp.path());
  std::vector<std::string> lines;
  for (Sequence i = 0; i < 3000; ++i)
    lines.push_back(log_line(i, std::string(i % 37 == 0 ? 60'000 : i * 7919 % 3000, 'x')));
  log.append(lines);
  for (Sequence i = 0; i < lines.size(); ++i) REQUIRE(line_at(temp.path(), i) == lines[i]);
  Sequence seen = 2900;
  read_lines(temp.path(), seen, [&](Sequence i, std::string_view line) { REQUIRE((i == seen++ && line == lines[i])); });
  CHECK(seen == 3000);
}

TEST_CASE("only an unterminated last line is cut after a crash, whatever was cut") {
  const TempDir temp;
  const auto whole = temp.path() / "whole", cut = temp.path() / "cut";
  AuditLog::create(whole);
  {
    auto log = open_log(whole, 8);
    append_lines(log, 16);
    log.sync();
    log.checkpoint();
    append_lines(log, 4);
  }
  const std::uint64_t line = log_line(16).size() + 1;
  for (std::uint64_t bytes = 2 * line; bytes <= 4 * line; ++bytes) {
    fs::remove_all(cut);
    fs::copy(whole, cut, fs::copy_options::recursive);
    fs::resize_file(cut / segment_name(16), bytes);
    auto log = open_log(cut, 8);
    INFO(bytes);
    REQUIRE(log.size() == 16 + bytes / line);
    REQUIRE(log.cut_bytes() == bytes % line);
    REQUIRE(log.last_leaf() == hex(leaf_hash(log_line(log.size() - 1))));
    append_lines(log, 5);
    REQUIRE(count_good_lines(cut) == 21 + bytes / line);
    if (bytes % 40 != 0) continue;  // fsync takes its time
    log.sync();
    log.checkpoint();
    check_checkpoint(log.checkpoint_text(), 21 + bytes / line);
  }
}

TEST_CASE("a batch torn over two segments ends where the first did") {
  const TempDir temp;
  {
    auto log = open_log(temp.path(), 8);
    append_lines(log, 8);
  }
  std::ofstream(temp.path() / segment_name(8)) << log_line(8).substr(0, 50);
  auto log = open_log(temp.path(), 8);
  CHECK(log.size() == 8);
  CHECK(log.cut_bytes() == 50);
  append_lines(log, 8);
  CHECK(count_good_lines(temp.path()) == 16);
}

TEST_CASE("any other damage at the end stops the start, and nothing is changed") {
  const TempDir temp;
  const auto audit = temp.path() / "audit";
  AuditLog::create(audit);
  {
    auto log = open_log(audit, 8);
    append_lines(log, 16);
    log.sync();
    log.checkpoint();
    append_lines(log, 4);
  }
  const auto last = audit / segment_name(16);
  std::string what;
  const auto refused = [&] {
    const auto before = fs::exists(last) ? read_file(last) : "";
    try {
      open_log(audit, 8);
    } catch (const Error& e) {
      what = e.what();
      CHECK((fs::exists(last) ? read_file(last) : "") == before);
      return e.code() == Code::corrupt;
    }
    return false;
  };
  const auto overwrite = [](const fs::path& file, std::uint64_t at, std::string_view bytes) {
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(at)) << bytes;
  };
  const std::uint64_t line = log_line(16).size() + 1;

  SECTION("a line of zeros in the middle") {
    overwrite(last, line, std::string(line - 1, '\0'));
    CHECK(refused());
    CHECK(what.find("truncate -s " + std::to_string(line)) != what.npos);
    CHECK(what.find("line 2 isn't record 17") != what.npos);
  }
  SECTION("a missing line") {
    overwrite(last, line, log_line(18) + "\n" + log_line(19) + "\n");
    fs::resize_file(last, 3 * line);
    CHECK(refused());
  }
  SECTION("a signed line lost") {
    fs::remove(last);
    fs::resize_file(audit / segment_name(8), 8 * line - 9);
    CHECK(refused());
    CHECK(what.find("the log lost records") != what.npos);
  }
  SECTION("a whole segment lost") {
    fs::remove(audit / segment_name(8));
    CHECK(refused());
  }
  SECTION("another checkpoint") {
    overwrite(audit / "checkpoint", kOrigin.size() + 1, "15");
    CHECK(refused());
  }
  SECTION("another key") {
    CHECK(code_of([&] { AuditLog(audit, kOrigin, SigningKey::generate()); }) == Code::corrupt);
    CHECK(code_of([&] { AuditLog(audit, "another/origin", log_key()); }) == Code::corrupt);
  }
  SECTION("signed lines changed, and the tiles gone") {
    overwrite(audit / segment_name(0), line - 4, "x");
    fs::remove_all(audit / "tile");
    CHECK(refused());
    CHECK_FALSE(fs::exists(audit / "tile"));
  }
}

TEST_CASE("lost tiles are made again from the lines") {
  const TempDir temp;
  {
    auto log = open_log(temp.path(), 100);
    append_lines(log, 700);
    log.sync();
    log.checkpoint();
  }
  SECTION("all") {
    fs::remove_all(temp.path() / "tile");
  }
  SECTION("a short one") {
    fs::resize_file(temp.path() / "tile/0/002.p/188", 100);
  }
  SECTION("a wrong one") {
    std::ofstream(temp.path() / "tile/1/000.p/2") << std::string(64, 'x');
  }
  auto log = open_log(temp.path(), 100);
  CHECK(TileWriter::load(temp.path(), 700).root() == root_of(700));
  append_lines(log, 100);
  log.sync();
  log.checkpoint();
  check_checkpoint(log.checkpoint_text(), 800);
}

TEST_CASE("a checkpoint covers what is durable, no more") {
  const TempDir temp;
  auto log = open_log(temp.path(), 8);
  append_lines(log, 10);
  CHECK(log.checkpoint() == 0);
  CHECK(log.sync() == 10);
  append_lines(log, 10);
  CHECK(log.synced() == 10);
  CHECK(log.checkpoint() == 10);
  check_checkpoint(log.checkpoint_text(), 10);
}

TEST_CASE("a checkpoint that can't be written harms nothing and is caught up") {
  const TempDir temp;
  auto log = open_log(temp.path());
  append_lines(log, 300);
  log.sync();
  std::ofstream(temp.path() / "tile") << "in the way";
  CHECK_THROWS_AS(log.checkpoint(), Error);
  append_lines(log, 300);
  fs::remove(temp.path() / "tile");
  log.sync();
  CHECK(log.checkpoint() == 600);
  check_checkpoint(log.checkpoint_text(), 600);
}

TEST_CASE("a write that stops in the middle leaves no trace") {
  const TempDir temp;
  auto log = open_log(temp.path(), 8);
  append_lines(log, 5);
  const std::uint64_t line = log_line(5).size() + 1;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{7 * line - 20, before.rlim_max};  // in the middle of the seventh line of any segment
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto code = code_of([&] { append_lines(log, 3); });
  const rlimit smaller{2 * line - 20, before.rlim_max};  // in the second line, of the next segment too
  append_lines(log, 1);
  ::setrlimit(RLIMIT_FSIZE, &before);
  append_lines(log, 1);
  ::setrlimit(RLIMIT_FSIZE, &smaller);
  std::vector<std::string> batch = {log_line(7), log_line(8), log_line(9)};
  const auto second = code_of([&] { log.append(batch); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(code == Code::too_large);
  CHECK(second == Code::too_large);
  CHECK(log.size() == 7);
  CHECK(count_good_lines(temp.path()) == 7);
  CHECK(log.last_leaf() == hex(leaf_hash(log_line(6))));
  append_lines(log, 20);
  CHECK(count_good_lines(temp.path()) == 27);
  log.sync();
  log.checkpoint();
  check_checkpoint(log.checkpoint_text(), 27);
}

TEST_CASE("syncing, signing and reading go on beside appending") {
  const TempDir temp;
  auto log = open_log(temp.path(), 512);
  std::atomic<bool> done = false;
  std::thread syncer([&] {
    while (!done) log.sync();
  });
  std::thread signer([&] {
    Sequence last = 0;
    while (!done) {
      const Sequence covered = log.checkpoint();
      if (covered < last || covered > log.synced() || log.synced() > log.size()) std::abort();
      last = covered;
    }
  });
  std::thread reader([&] {
    while (!done) {
      Sequence next = 0;
      read_lines(temp.path(), 0, [&](Sequence sequence, std::string_view line) {
        if (sequence != next++ || line != log_line(sequence)) std::abort();
      });
    }
  });
  for (Sequence i = 0; i < 5000; ++i) append_lines(log, 1 + i % 3);
  done = true;
  syncer.join();
  signer.join();
  reader.join();
  log.sync();
  REQUIRE(log.checkpoint() == log.size());
  check_checkpoint(log.checkpoint_text(), log.size());
  CHECK(open_log(temp.path(), 512).size() == log.size());
}

TEST_CASE("trees over a tile of tiles") {
  const TempDir temp;
  for (const Sequence size : {65'530, 65'536, 65'537, 70'000}) {
    auto log = open_log(temp.path());
    append_lines(log, size - log.size());
    log.sync();
    CHECK(log.checkpoint() == size);
  }
  check_checkpoint(read_file(temp.path() / "checkpoint"), 70'000);
  CHECK(segments(temp.path()).size() == 2);
  CHECK(count_good_lines(temp.path(), 65'000) == 70'000);
}

TEST_CASE("a segment that another program wrote to isn't written on") {
  const TempDir temp;
  const auto path = temp.path() / segment_name(0);
  std::ofstream(path) << "12345";
  CHECK_THROWS_AS(SegmentFile(path, 0, 4, {}), Error);
  CHECK_THROWS_AS(SegmentFile(path, 0, 6, {}), Error);
  CHECK(read_file(path) == "12345");
}
