// SPDX-License-Identifier: Apache-2.0
// Goal: names and inodes follow POSIX through create, link, delete, rename and restore.
// Method: small logs, and after each record the questions that stat, readdir and unlink would ask.
#include "store/error.h"
#include "tests/catch.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;

TEST_CASE("a new log has a root and nothing in it", "[catalog]") {
  Story s;
  const auto root = s.catalog().inode(kRoot);
  REQUIRE(root);
  CHECK(root->kind == Kind::folder);
  CHECK(root->nlink == 2);
  CHECK(root->mode == 0755);
  CHECK(s.catalog().empty(kRoot));
  CHECK(s.catalog().path(kRoot) == "/");
  CHECK(s.catalog().names(kRoot).empty());
  CHECK(s.catalog().applied() == 2);
  CHECK(s.catalog().applied_leaf() == leaf(1));
}

TEST_CASE("a created file is there with the attributes of its record, and its folder has changed", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id dir = s.folder(kRoot, "models");
  const Id id = s.file(dir, "m.bin");
  const auto n = c.inode(id);
  REQUIRE(n);
  CHECK(n->kind == Kind::file);
  CHECK(n->mode == 0644);
  CHECK(n->uid == 1000);
  CHECK(n->gid == 100);
  CHECK(n->nlink == 1);
  CHECK(n->home == Place{dir, "m.bin"});
  CHECK(n->version == 0);
  CHECK(n->size == 0);
  CHECK(n->sha256.empty());
  CHECK(n->last == id);
  for (const Nanos t : {n->atime, n->mtime, n->ctime, n->btime}) CHECK(t == s.time(id));
  CHECK(c.child(dir, "m.bin") == id);
  CHECK(c.child(dir, "M.BIN") == std::nullopt);
  CHECK(c.path(id) == "/models/m.bin");
  CHECK(c.inode(dir)->mtime == s.time(id));
  CHECK(c.inode(dir)->ctime == s.time(id));
  CHECK(c.inode(dir)->nlink == 2);
  CHECK(c.inode(kRoot)->nlink == 3);
  CHECK(c.inode(kRoot)->mtime == s.time(dir));
}

TEST_CASE("symlinks, devices and raw names come back as they were", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  Create link;
  link.at = {kRoot, std::string("caf\xe9\xff\x01", 6)};
  link.kind = Kind::symlink;
  link.target = std::string("to\xfe/there", 9);
  const Id id = s.create(link);
  CHECK(c.inode(id)->target == link.target);
  CHECK(c.child(kRoot, link.at.name) == id);
  CHECK(c.path(id) == "/" + link.at.name);
  Create device;
  device.at = {kRoot, "null"};
  device.kind = Kind::char_device;
  device.rdev = 0x103;
  CHECK(c.inode(s.create(device))->rdev == 0x103);
}

TEST_CASE("a folder is listed in the order of creation, in steps", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  for (const auto* name : {"z", "a", "m"}) s.file(kRoot, name);
  CHECK(names_of(c.list(kRoot, 0, 100)) == Names{"z", "a", "m"});
  const auto first = c.list(kRoot, 0, 2);
  CHECK(names_of(first) == Names{"z", "a"});
  CHECK(first[0].cookie > 0);
  s.remove(first[1].id, {kRoot, "a"});  // between two readdirs
  s.file(kRoot, "b");
  CHECK(names_of(c.list(kRoot, first[1].cookie, 100)) == Names{"m", "b"});
}

TEST_CASE("hard links: the home stays until its name goes", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "first");
  for (const auto* name : {"second", "third"}) {
    Link p;
    p.artifact = id;
    p.to = {kRoot, name};
    s.does(p);
  }
  CHECK(c.inode(id)->nlink == 3);
  CHECK(c.inode(id)->ctime == s.time(s.next() - 1));
  s.remove(id, {kRoot, "first"}, 2);
  CHECK(c.inode(id)->home == Place{kRoot, "second"});
  s.move(Story::rename(id, {kRoot, "second"}, {kRoot, "moved"}));
  CHECK(c.inode(id)->home == Place{kRoot, "moved"});
  CHECK(c.names(id) == std::vector<Place>{{kRoot, "moved"}, {kRoot, "third"}});
  s.remove(id, {kRoot, "third"}, 1);
  CHECK(c.inode(id)->home == Place{kRoot, "moved"});
  s.remove(id, {kRoot, "moved"});
  CHECK_FALSE(c.inode(id));
}

TEST_CASE("delete: what was never saved goes, what has versions stays and can be restored", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id dir = s.folder(kRoot, "models");
  const Id never = s.file(dir, "never");
  const Id saved = s.file(dir, "saved");
  s.save(saved, 1, "bytes");
  SetXattr x;
  x.artifact = saved, x.name = "user.k", x.value = "v";
  s.does(x);
  s.remove(never, {dir, "never"});
  CHECK_FALSE(c.inode(never));
  CHECK(c.changes(never).empty());
  s.remove(saved, {dir, "saved"});
  REQUIRE(c.inode(saved));
  CHECK(c.inode(saved)->nlink == 0);
  CHECK(c.inode(saved)->version == 1);
  CHECK(c.names(saved).empty());
  CHECK_FALSE(c.child(dir, "saved"));
  REQUIRE(c.deleted(dir).size() == 1);
  CHECK(c.deleted(dir)[0].id == saved);
  CHECK(c.deleted(dir)[0].name == "saved");
  s.remove(dir, {kRoot, "models"});
  CHECK_FALSE(c.inode(dir));
  CHECK(c.inode(kRoot)->nlink == 2);
  CHECK(c.path(saved) == "/models/saved");  // through a folder that is gone

  Restore p;
  p.artifact = saved;
  p.to = {kRoot, "back"};
  s.does(p, "/back");
  CHECK(c.inode(saved)->nlink == 1);
  CHECK(c.path(saved) == "/back");
  CHECK(c.child(kRoot, "back") == saved);
  CHECK(c.xattr(saved, "user.k") == "v");
  CHECK(c.deleted(dir).empty());
}

TEST_CASE("deleted artifacts are listed with the newest deletion last", "[catalog]") {
  Story s;
  const Id a = s.file(kRoot, "a"), b = s.file(kRoot, "b");
  s.save(a, 1, "a"), s.save(b, 1, "b");
  s.remove(b, {kRoot, "b"});
  s.remove(a, {kRoot, "a"});
  StageChange late;
  late.artifact = b, late.version = 1, late.to = "retirement";
  s.does(late);
  CHECK(names_of(s.catalog().deleted(kRoot)) == Names{"b", "a"});
}

TEST_CASE("rename moves a folder and its count of sub-folders", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id a = s.folder(kRoot, "a"), b = s.folder(kRoot, "b"), sub = s.folder(a, "sub");
  const Id file = s.file(sub, "f");
  const auto at = s.move(Story::rename(sub, {a, "sub"}, {b, "new"}));
  CHECK(c.inode(a)->nlink == 2);
  CHECK(c.inode(b)->nlink == 3);
  CHECK(c.inode(a)->mtime == s.time(at));
  CHECK(c.inode(b)->mtime == s.time(at));
  CHECK(c.inode(sub)->ctime == s.time(at));
  CHECK(c.inode(sub)->last == at);
  CHECK(c.path(file) == "/b/new/f");
  auto over = Story::rename(b, {kRoot, "b"}, {kRoot, "a"});  // onto an empty folder
  over.replaced = a;
  s.move(over);
  CHECK_FALSE(c.inode(a));
  CHECK(c.inode(kRoot)->nlink == 3);
  CHECK(c.path(file) == "/a/new/f");
}

TEST_CASE("rename exchanges two names, a folder with a file", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id left = s.folder(kRoot, "left"), right = s.folder(kRoot, "right");
  const Id dir = s.folder(left, "x"), file = s.file(right, "y");
  auto p = Story::rename(dir, {left, "x"}, {right, "y"});
  p.exchange = true;
  p.replaced = file;
  s.move(p);
  CHECK(c.child(left, "x") == file);
  CHECK(c.child(right, "y") == dir);
  CHECK(c.inode(left)->nlink == 2);
  CHECK(c.inode(right)->nlink == 3);
  CHECK(c.path(file) == "/left/x");
  CHECK(c.path(dir) == "/right/y");
}

TEST_CASE("rename leaves a whiteout behind", "[catalog]") {
  Story s;
  const Id file = s.file(kRoot, "f");
  auto p = Story::rename(file, {kRoot, "f"}, {kRoot, "g"});
  p.whiteout = true;
  const auto at = s.move(p);
  const auto n = s.catalog().inode(at);
  REQUIRE(n);
  CHECK(n->kind == Kind::char_device);
  CHECK(n->rdev == 0);
  CHECK(n->mode == 0);
  CHECK(s.catalog().child(kRoot, "f") == at);
  CHECK(names_of(s.catalog().list(kRoot, 0, 9)) == Names{"g", "f"});
}

TEST_CASE("a record that contradicts the state is refused and leaves nothing behind", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id dir = s.folder(kRoot, "d");
  const Id file = s.file(dir, "f");
  c.flush();
  const auto before = c.dump();
  Record r;
  r.sequence = s.next();
  const auto refused = [&](const Payload& payload) {
    r.payload = payload;
    try {
      c.apply(r, leaf(r.sequence));
    } catch (const Error& e) {
      return e.code() == Code::corrupt && c.applied() == r.sequence && c.dump() == before;
    }
    return false;
  };
  Create twice;
  twice.artifact = r.sequence;
  twice.at = {dir, "f"};
  CHECK(refused(twice));  // the name is taken: found after the inode was inserted
  twice.at = {file, "x"};
  CHECK(refused(twice));  // no folder
  twice.artifact = file;
  twice.at = {dir, "g"};
  CHECK(refused(twice));  // the id is taken
  Delete del;
  del.artifact = dir;
  del.at = {kRoot, "d"};
  CHECK(refused(del));  // not empty
  del.artifact = file;
  del.at = {dir, "f"};
  del.names_left = 1;
  CHECK(refused(del));  // another count of names
  del.at = {dir, "g"};
  CHECK(refused(del));  // no such name
  CHECK(refused(Story::version(file, 0, "x")));
  auto amend = Story::version(file, 1, "x");
  amend.amends = true;
  CHECK(refused(amend));  // nothing to amend
  Restore restore;
  restore.artifact = file;
  restore.to = {dir, "again"};
  CHECK(refused(restore));  // it has a name
  r.sequence += 1;
  CHECK_THROWS_AS(c.apply(r, leaf(r.sequence)), Error);  // a gap
  r.sequence = 0;
  CHECK_THROWS_AS(c.apply(r, leaf(0)), Error);  // applied already
  CHECK(c.dump() == before);
}
