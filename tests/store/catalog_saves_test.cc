// SPDX-License-Identifier: Apache-2.0
// Goal: versions, drafts and everything that governs a version follow the records of saves.
// Method: the life of a save as records, with the state asked for after each.
#include "tests/catch.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;

TEST_CASE("a save from open to finalise", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "m.bin");
  s.save(id, 1, "old");
  Open open;
  open.artifact = id;
  open.handle = open.draft = s.next();
  open.base = 1;
  open.mode = "w";
  const Id draft = s.does(open, "/m.bin", "bob");
  open.handle = s.next();  // a second writer joins the draft
  s.does(open);
  REQUIRE(c.drafts().size() == 1);
  auto d = c.drafts()[0];
  CHECK(d.draft == draft);
  CHECK(d.artifact == id);
  CHECK(d.base == 1);
  CHECK(d.user == User{1000, "bob", 100, 1000, "bob"});
  CHECK(d.process == Process{42, "51d2e0b4", "/usr/bin/cp"});
  CHECK_FALSE(d.synced);
  CHECK_FALSE(d.sealed);

  Sync sync;
  sync.artifact = id, sync.draft = draft, sync.size = 3;
  s.does(sync);
  CHECK(c.drafts()[0].synced);
  CHECK(c.drafts()[0].synced_size == 3);

  auto p = Story::version(id, 2, "new bytes");
  p.draft = draft;
  p.final = false;
  p.authors = {{1000, 1001, 9}, {7, kUnsetLogin, 1}};
  p.stage = "training";
  p.labels = {"internal", "with \"quotes\"\nand lines"};
  p.retain = {"models-1y", "governance", kEpoch + 1, kEpoch + 2};
  p.concurrent = true;
  const auto at = s.does(p, "/m.bin", "bob");
  d = c.drafts()[0];
  CHECK(d.sealed);
  CHECK(d.version == 2);
  CHECK_FALSE(d.synced);
  auto n = *c.inode(id);
  CHECK(n.version == 2);
  CHECK(n.commit == at);
  CHECK(n.sha256 == p.sha256);
  CHECK(n.size == 9);
  CHECK(n.mtime == p.mtime);
  CHECK(n.ctime == s.time(at));
  CHECK(n.stage == "training");
  CHECK(n.labels == p.labels);
  CHECK(n.last == at);
  auto v = *c.version({id, 2});
  CHECK(v.time == s.time(at));
  CHECK(v.base == 1);
  CHECK_FALSE(v.final);
  CHECK(v.concurrent);
  CHECK_FALSE(v.recovered);
  CHECK(v.uid == 1000);
  CHECK(v.login == 1000);
  CHECK(v.user == "bob");
  CHECK(v.login_name == "bob");
  CHECK(v.executable == "/usr/bin/cp");
  REQUIRE(v.authors.size() == 2);
  CHECK(v.authors[1].login == kUnsetLogin);
  CHECK(v.labels == p.labels);
  CHECK(v.retain.rule == "models-1y");
  CHECK(v.retain.mode == "governance");
  CHECK(v.retain.until == kEpoch + 1);
  CHECK(v.retain.purge_after == kEpoch + 2);

  auto late = p;
  late.amends = true;
  late.sha256 = sha("amended");
  late.size = 7;
  late.authors = {{1000, 1001, 7}};
  const auto amended = s.does(late, "/m.bin", "bob");
  v = *c.version({id, 2});
  CHECK(v.sha256 == late.sha256);
  CHECK(v.commit == amended);
  CHECK(v.amended == std::vector<Sha256>{p.sha256});
  CHECK(v.authors.size() == 1);
  CHECK(c.inode(id)->commit == amended);
  CHECK(c.totals().artifacts == 1);
  CHECK(c.totals().versions == 2);
  CHECK(c.totals().bytes == 3 + 7);

  Finalise fin;
  fin.artifact = id, fin.draft = draft, fin.version = 2;
  s.does(fin);
  CHECK(c.drafts().empty());
  CHECK(c.version({id, 2})->final);
  CHECK(c.versions(id).size() == 2);
  CHECK_FALSE(c.version({id, 3}));
}

TEST_CASE("a create that opens makes a draft; saving the same bytes or nothing makes no version", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  Create p;
  p.at = {kRoot, "f"};
  p.handle = p.draft = s.next();
  const Id id = s.create(p);
  REQUIRE(c.drafts().size() == 1);
  auto v = Story::version(id, 1, "x");
  v.draft = id;
  s.does(v);  // final: the draft ends with it
  CHECK(c.drafts().empty());

  Open open;
  open.artifact = id, open.base = 1;
  open.handle = open.draft = s.next();
  s.does(open);
  Unchanged same;
  same.artifact = id, same.draft = open.draft, same.version = 1;
  const auto at = s.does(same);
  REQUIRE(c.drafts().size() == 1);
  CHECK(c.drafts()[0].sealed);
  CHECK(c.drafts()[0].version == 1);
  CHECK(c.inode(id)->mtime == s.time(at));
  CHECK(c.inode(id)->ctime == s.time(at));
  CHECK(c.inode(id)->version == 1);
  same.mtime = 0, same.ctime = s.time(at) + 5;  // touch -d @0 before the close
  s.does(same);
  CHECK(c.inode(id)->mtime == 0);
  CHECK(c.inode(id)->ctime == s.time(at) + 5);
  same.ctime = 1;  // a change is never undone
  s.does(same);
  CHECK(c.inode(id)->ctime == s.time(at) + 5);
  Abandon end;
  end.artifact = id, end.draft = open.draft, end.kept = true, end.cause = "unwritten";
  s.does(end);
  CHECK(c.drafts().empty());
}

TEST_CASE("a file that was deleted while open: its draft still ends", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  Create p;
  p.at = {kRoot, "f"};
  p.handle = p.draft = s.next();
  const Id id = s.create(p);
  s.remove(id, {kRoot, "f"});
  SetAttr chmod;
  chmod.artifact = id, chmod.mode = 0600;
  s.does(chmod);  // fchmod of the open file: nobody will see it again
  Abandon end;
  end.artifact = id, end.draft = id, end.cause = "deleted";
  s.does(end);
  CHECK(c.drafts().empty());
  CHECK_FALSE(c.inode(id));
}

TEST_CASE("a scratch file renamed to a free governed name becomes an artifact", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "m.bin.tmp", true);
  CHECK(c.inode(id)->scratch);
  CHECK(c.changes(id).empty());
  auto p = Story::rename(id, {kRoot, "m.bin.tmp"}, {kRoot, "m.bin"});
  p.saved = Story::version(id, 1, "bytes");
  const auto at = s.move(p);
  const auto n = *c.inode(id);
  CHECK_FALSE(n.scratch);
  CHECK(n.version == 1);
  CHECK(n.commit == at);
  CHECK(n.home == Place{kRoot, "m.bin"});
  REQUIRE(c.changes(id).size() == 1);
  CHECK(c.changes(id)[0].action == "rename");
  CHECK(c.changes(id)[0].detail == "/m.bin.tmp -> /m.bin");
  CHECK(names_of(c.list_at(kRoot, id)).empty());  // scratch names leave no past
}

TEST_CASE("rename over an artifact makes its next version; identity stays with the target", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const bool source_has_versions = GENERATE(false, true);
  CAPTURE(source_has_versions);
  const Id target = s.file(kRoot, "m.bin");
  s.save(target, 1, "old");
  SetXattr x;
  x.artifact = target, x.name = "user.old", x.value = "1";
  s.does(x);
  Create tmp;
  tmp.at = {kRoot, "m.tmp"};
  tmp.mode = 0600, tmp.uid = 7, tmp.gid = 8;
  tmp.scratch = !source_has_versions;
  tmp.handle = tmp.draft = s.next();
  const Id source = s.create(tmp);
  if (source_has_versions) s.save(source, 1, "draft of it");
  x.artifact = source, x.name = "user.new", x.value = "2";
  s.does(x);

  auto p = Story::rename(target, {kRoot, "m.tmp"}, {kRoot, "m.bin"});
  p.retired = source;
  p.saved = Story::version(target, 2, "new");
  p.saved->draft = source;
  p.saved->final = false;
  const auto at = s.move(p);
  const auto n = *c.inode(target);
  CHECK(n.version == 2);
  CHECK(n.sha256 == sha("new"));
  CHECK(n.mode == 0600);
  CHECK(n.uid == 7);
  CHECK(n.gid == 8);
  CHECK(n.nlink == 1);
  CHECK(n.last == at);
  CHECK(n.number == source);  // rename(2): what stat shows moves with the file
  CHECK(c.numbered(source)->id == target);
  CHECK_FALSE(c.numbered(target));  // the replaced file's number is nobody's from now on
  CHECK(c.list(kRoot, 0, 9)[0].number == source);
  CHECK(c.xattrs(target) == Names{"user.new"});
  CHECK(c.child(kRoot, "m.bin") == target);
  CHECK_FALSE(c.child(kRoot, "m.tmp"));
  REQUIRE(c.drafts().size() == 1);
  CHECK(c.drafts()[0].artifact == target);  // the open handle writes to the target from now on
  CHECK(c.drafts()[0].version == 2);
  REQUIRE(c.inode(source).has_value() == source_has_versions);
  if (source_has_versions) {
    CHECK(c.inode(source)->nlink == 0);
    CHECK(names_of(c.deleted(kRoot)) == Names{"m.tmp"});
    CHECK(c.changes(source).back().detail == "/m.tmp became /m.bin");
    CHECK(c.inode(source)->number == at);
    CHECK(c.numbered(at)->id == source);
  }
  CHECK(c.dump() == s.rebuilt());
}
