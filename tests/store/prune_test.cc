// SPDX-License-Identifier: Apache-2.0
// Goal: only what may go goes, and the log leads to the same catalog before and after, wherever a crash cut the
// deletions short; no other snapshot is believed. Method: a log of 40 records, a millisecond apart, in segments of 10.
#include "store/prune.h"

#include <fstream>

#include "store/error.h"
#include "store/fsck_parts.h"
#include "store/record_json.h"
#include "store/recovery.h"
#include "store/segments.h"
#include "store/snapshot.h"
#include "tests/catch.h"
#include "tests/store/audit_fixture.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;
namespace fs = std::filesystem;

namespace {

constexpr Sequence kAll = UINT64_MAX;
constexpr Nanos kLater = kEpoch + 1'000'000'000;

struct Kept {
  TempDir dir;
  fs::path store = dir.path(), audit = store / "audit";
  Story story;

  Kept() {
    fs::create_directory(store / "index");
    AuditLog::create(audit);
    while (story.next() < 40) story.file(1, "file " + std::to_string(story.next()));
    write();
  }
  /// Appends what the story has and the log lacks.
  void write() {
    auto log = open_log(audit, 10);
    std::vector<std::string> lines;
    for (Sequence i = log.size(); i < story.next(); ++i) lines.push_back(to_line(story.log()[i], "h1"));
    log.append(lines);
    log.sync();
    log.checkpoint();
  }
  /// All but the deletions.
  void release(Sequence boundary) {
    story.does(prepare_prune(store, boundary, [] { return false; }).value());
    write();
  }
  /// The catalog as one that begins with nothing gets it from the log.
  std::string replayed() const {
    const TempDir fresh;
    Catalog catalog(fresh.path() / "catalog.db");
    catch_up(audit, catalog);
    return catalog.dump();
  }
  Sequence begins() const { return segments(audit).front().first; }
};

}  // namespace

TEST_CASE("only whole segments that are old enough and covered go, never the last", "[prune]") {
  const Kept log;
  const auto boundary = [&](Nanos before, Sequence limit) { return prune_boundary(log.store, before, limit); };
  CHECK(boundary(log.story.time(9), kAll) == 0);
  CHECK(boundary(log.story.time(10), kAll) == 10);
  CHECK(boundary(log.story.time(15), kAll) == 10);
  CHECK(boundary(log.story.time(19), kAll) == 10);
  CHECK(boundary(log.story.time(20), kAll) == 20);
  CHECK(boundary(kLater, 9) == 0);
  CHECK(boundary(kLater, 19) == 10);
  CHECK(boundary(kLater, 20) == 20);
  CHECK(boundary(kLater, kAll) == 30);
}

TEST_CASE("a pruned log leads to the same catalog, wherever a crash cut the deletions short", "[prune]") {
  Kept log;
  const Sequence first = GENERATE(0, 10), left = GENERATE(0, 10, 20, 30);
  if (first != 0) {
    log.release(first);
    delete_pruned(log.store, first);
  }
  log.release(30);
  const auto before = log.replayed();
  std::ofstream(log.store / "index" / "00000000000000000020.idx") << "an index";
  for (Sequence segment = 0; segment < left; segment += 10) fs::remove(log.audit / segment_name(segment));
  CHECK(log.replayed() == before);
  // The next time finishes it.
  const auto again = prepare_prune(log.store, 30, [] { return false; });
  CHECK(again.value().before == 30);
  delete_pruned(log.store, 30);
  CHECK(log.begins() == 30);
  CHECK(log.replayed() == before);
  CHECK(std::distance(fs::directory_iterator(log.store / "snapshots"), {}) == 1);
  if (left <= 20) CHECK(fs::is_empty(log.store / "index"));
}

TEST_CASE("what was released stays so when less is to go after a crash", "[prune]") {
  Kept log;
  log.release(30);
  const auto before = log.replayed();
  fs::remove(log.audit / segment_name(0));
  const auto again = prepare_prune(log.store, 20, [] { return false; });
  CHECK(again.value().before == 30);
  CHECK(log.replayed() == before);
}

TEST_CASE("only the snapshot that the log's prune record names is believed", "[prune]") {
  Kept log;
  log.release(20);
  delete_pruned(log.store, 20);
  const auto path = snapshot_path(log.store, 20);
  SECTION("another catalog") {
    const Kept other;
    Catalog catalog(other.store / "other.db");
    for (Sequence i = 0; i < 19; ++i) catalog.apply(other.story.log()[i], leaf(i));
    auto last = other.story.log()[19];
    last.time += 1;
    catalog.apply(last, leaf(19));
    write_snapshot(log.store, catalog);
  }
  SECTION("that before another record") {
    Catalog catalog(log.store / "other.db");
    for (Sequence i = 0; i < 10; ++i) catalog.apply(log.story.log()[i], leaf(i));
    write_snapshot(log.store, catalog);
    fs::rename(snapshot_path(log.store, 10), path);
  }
  SECTION("none") {
    fs::remove(path);
  }
  CHECK_THROWS_AS(log.replayed(), Error);
  const TempDir fresh;
  Catalog catalog(fresh.path() / "catalog.db");
  CHECK_THROWS_AS(replay(log.store, catalog, {}), Error);
  CHECK_THROWS_AS(prepare_prune(log.store, 30, [] { return false; }), Error);
  CHECK(log.begins() == 20);
}

TEST_CASE("a snapshot that was refused once isn't believed at the next start", "[prune]") {
  Kept log;
  const auto opened = open_log(log.audit, 10);
  (void)prepare_prune(log.store, 30, [] { return false; });  // and no record of it
  fs::remove(log.audit / segment_name(0));
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(open_catalog(log.store, opened), Error);
}
