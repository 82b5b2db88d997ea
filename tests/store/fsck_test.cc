// SPDX-License-Identifier: Apache-2.0
// Goal: fsck names every kind of damage and nothing else, and changes nothing; rebuild gets the catalog back from the
// log alone.
// Method: a real store with one artifact is made offline; each test does one kind of damage to a file and reads the
// report.
#include "store/fsck.h"

#include <sys/stat.h>

#include <fstream>

#include "policy/policy.h"
#include "store/audit_log.h"
#include "store/catalog.h"
#include "store/error.h"
#include "store/files.h"
#include "store/init.h"
#include "store/ledger.h"
#include "store/lock.h"
#include "store/object_store.h"
#include "store/record_json.h"
#include "store/requester.h"
#include "store/segments.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;
namespace fs = std::filesystem;

namespace {

/// A store that holds /m.bin, version 1 with the bytes "model".
struct Store {
  TempDir dir;
  fs::path path = dir.path() / "store";
  Config config = init_store(path, {ward::policy::preset("allow-all"), "allow-all", ""});
  ObjectStore objects{path / "history.git/lfs/objects"};
  Sha256 model = objects.put("model");
  Sequence records = 0;

  Store() {
    AuditLog log = open_log();
    Catalog catalog(path / "catalog.db");
    Ledger ledger(log, catalog, "host", [](const Record&) {});
    const Id id = ledger.next();
    append(ledger, Create{id, {kRoot, "m.bin"}, Kind::file, 0644, 0, 0, 0, "", false, id, id});
    Commit commit;
    commit.artifact = commit.draft = commit.prev = id;
    commit.version = 1;
    commit.sha256 = model;
    commit.size = 5;
    commit.final = true;
    append(ledger, commit);
    finish(log, catalog);
  }
  AuditLog open_log() const { return AuditLog(path / "audit", config.origin, SigningKey::load(path / config.key)); }
  static void append(Ledger& ledger, Payload payload) {
    Record record;
    record.path = "/m.bin";
    record.payload = std::move(payload);
    ledger.append(std::span(&record, 1));
  }
  void finish(AuditLog& log, Catalog& catalog) {
    log.sync();
    catalog.flush();
    log.checkpoint();
    records = log.size();
  }
  std::string dump() const { return Catalog(path / "catalog.db").dump(); }
  fs::path segment() const { return path / "audit" / segment_name(0); }
};

/// "severity what" of each finding, one per line.
std::string findings(const FsckReport& report) {
  std::string text;
  for (const auto& finding : report.findings) {
    const auto severity = finding.severity;
    text += severity == Severity::note ? "note " : severity == Severity::warning ? "warning " : "error ";
    text += finding.what + "\n";
    CHECK_FALSE(finding.advice.empty());
  }
  return text;
}

std::string fsck_findings(const Store& store) {
  return findings(fsck(store.path, {}));
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void overwrite(const fs::path& file, const std::string& bytes) {
  if (fs::exists(file)) fs::permissions(file, fs::perms::owner_all);  // objects are read-only
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE("a sound store has no findings, its counts are right and fsck leaves nothing behind") {
  const Store store;
  const auto before = store.dump();
  std::string steps;
  const auto report = fsck(store.path, [&](std::string_view step, std::uint64_t, std::uint64_t) { steps += step; });
  CHECK(findings(report).empty());
  CHECK(report.sound());
  CHECK(report.records == 5);
  CHECK(report.versions == 1);
  CHECK(report.objects == 2);  // the model and the policy
  CHECK(has(steps, "objects"));
  CHECK(store.dump() == before);
  CHECK_FALSE(fs::exists(store.path / "fsck.tmp"));
}

TEST_CASE("changed and missing objects are errors that name the version") {
  const Store store;
  overwrite(store.objects.path(store.model), "MODEL");
  CHECK(fsck_findings(store) == "error object " + store.model + " (/m.bin v1): its bytes have another SHA-256\n");
  fs::remove(store.objects.path(store.model));
  const auto report = fsck(store.path, {});
  CHECK(findings(report) == "error object " + store.model + " (/m.bin v1) is missing\n");
  CHECK_FALSE(report.sound());
}

TEST_CASE("an object that is known to be lost is not told again") {
  Store store;
  {
    AuditLog log = store.open_log();
    Catalog catalog(store.path / "catalog.db");
    Ledger ledger(log, catalog, "host", [](const Record&) {});
    const auto inode = catalog.inode(*catalog.child(kRoot, "m.bin"));
    Store::append(ledger, VersionLost{inode->id, inode->last, 1, 0, store.model});
    store.finish(log, catalog);
  }
  overwrite(store.objects.path(store.model), "");  // a power cut left no more of it
  CHECK(has(fsck_findings(store), "note object " + store.model + " (/m.bin v1): its bytes have another SHA-256"));
  fs::remove(store.objects.path(store.model));
  CHECK(fsck_findings(store).empty());
}

TEST_CASE("what interruptions leave is noted and isn't damage") {
  Store store;
  const auto orphan = store.objects.put("of a save that was killed before its record");
  overwrite(store.objects.path(store.model).string() + ".tmp", "half");
  overwrite(store.path / "drafts/4711", "nobody's");
  overwrite(store.path / "drafts/4711.kept", "kept");
  overwrite(store.path / "drafts/s17", "scratch");
  const auto report = fsck(store.path, {});
  const auto text = findings(report);
  CHECK(report.sound());
  CHECK(report.findings.size() == 3);
  CHECK(has(text, "note 1 objects that no version names"));
  CHECK(has(text, ".tmp: left by an interrupted write"));
  CHECK(has(text, "drafts/4711: belongs to no open save"));
}

TEST_CASE("something foreign among the objects is a warning") {
  const Store store;
  overwrite(store.path / "history.git/lfs/objects/README", "hello");
  const auto report = fsck(store.path, {});
  CHECK(has(findings(report), "README: not an object"));
  CHECK_FALSE(report.sound());
}

TEST_CASE("a catalog behind the log is caught up by the next mount; a missing one too") {
  Store store;
  {
    AuditLog log = store.open_log();
    Catalog elsewhere(store.dir.path() / "elsewhere.db");
    read_lines(store.path / "audit", 0,
               [&](Sequence, std::string_view line) { elsewhere.apply(parse_line(line), std::string(64, '0')); });
    Ledger ledger(log, elsewhere, "host", [](const Record&) {});
    Store::append(ledger, SetAttr{*elsewhere.child(kRoot, "m.bin"), 4, 0600, {}, {}, {}, {}});
    store.finish(log, elsewhere);
  }
  CHECK(has(fsck_findings(store), "note " + (store.path / "catalog.db").string() + ": 1 records behind the log"));
  fs::remove(store.path / "catalog.db");
  CHECK(has(fsck_findings(store), "catalog.db is missing"));
  CHECK(fsck(store.path, {}).sound());
}

TEST_CASE("a catalog that is no database, or says something else than the log, is a warning; rebuild mends it") {
  const Store store;
  const auto due = store.dump();
  const auto file = store.path / "catalog.db";
  SECTION("no database") {
    overwrite(file, std::string(100'000, 'x'));
  }
  SECTION("the catalog of another store") {
    const Store other;
    fs::copy_file(other.path / "catalog.db", file, fs::copy_options::overwrite_existing);
  }
  const auto report = fsck(store.path, {});
  CHECK(findings(report).rfind("warning ", 0) == 0);
  CHECK(has(report.findings.at(0).advice, "ward rebuild"));

  CHECK(rebuild(store.path, {}) == store.records + 1);
  CHECK(fsck_findings(store).empty());
  CHECK(due != store.dump());  // only by the record of the rebuild
}

TEST_CASE("rebuild is recorded in the log with its caller, and gives the same catalog each time") {
  const Store store;
  CHECK(rebuild(store.path, {}) == 6);
  const auto record = parse_line(line_at(store.path / "audit", 5));
  CHECK(std::get<Maintenance>(record.payload) == Maintenance{"rebuild", "begun", 0});
  CHECK(record.user.id == ::geteuid());
  CHECK(record.process.pid == ::getpid());
  const auto first = store.dump();
  fs::remove(store.path / "catalog.db");
  CHECK(rebuild(store.path, {}) == 7);
  CHECK(fsck_findings(store).empty());
  CHECK_FALSE(fs::exists(store.path / "catalog.db.new"));
  CHECK(first.size() == store.dump().size());
}

TEST_CASE("an unterminated last line is cut by a rebuild, and the record says so") {
  const Store store;
  std::ofstream(store.segment(), std::ios::app) << "{\"half";
  rebuild(store.path, {});
  CHECK(std::get<Recover>(parse_line(line_at(store.path / "audit", 6)).payload).cut_bytes == 6);
}

TEST_CASE("a changed line of the log is an error; rebuild refuses and leaves the catalog") {
  const Store store;
  const auto due = store.dump();
  auto text = read_file(store.segment());
  const auto at = text.find("\"m.bin\"");
  REQUIRE(at != std::string::npos);
  text.replace(at, 7, "\"n.bin\"");
  overwrite(store.segment(), text);
  const auto report = fsck(store.path, {});
  CHECK_FALSE(report.sound());
  CHECK(has(findings(report), "error "));
  CHECK(store.dump() == due);
}

TEST_CASE("a log without its checkpoint is an error") {
  const Store store;
  fs::remove(store.path / "audit/checkpoint");
  CHECK(has(fsck_findings(store), "error " + (store.path / "audit").string() + ": not signed with the store's key"));
}

TEST_CASE("a missing key and a broken history are told, each with what to do") {
  const Store store;
  fs::remove(store.path / "keys/log.pem");
  CHECK(has(fsck_findings(store), "error "));
  fs::remove(store.path / "history.git/HEAD");
  CHECK(has(fsck_findings(store), "warning "));
}

TEST_CASE("a store in use isn't checked or rebuilt") {
  const Store store;
  const StoreLock daemon(store.path);
  for (const auto& work :
       {std::function([&] { fsck(store.path, {}); }), std::function([&] { rebuild(store.path, {}); })}) {
    try {
      work();
      FAIL("it went on beside the daemon");
    } catch (const Error& error) {
      CHECK(error.code() == Code::busy);
    }
  }
}
