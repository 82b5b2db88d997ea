// SPDX-License-Identifier: Apache-2.0
// Goal: every kind of record changes git's tree as the mount changed. Method: one record of each kind, compared with
// the changes it must give.
#include "store/git_changes.h"

#include "tests/catch.h"

using namespace ward::store;

namespace {

std::vector<TreeChange> of(const std::string& path, Payload payload) {
  Record record;
  record.path = path;
  record.payload = std::move(payload);
  return changes_of(record);
}

Commit commit(const std::string& sha256, std::uint64_t size) {
  Commit out;
  out.sha256 = sha256, out.size = size;
  return out;
}

using Changes = std::vector<TreeChange>;

}  // namespace

TEST_CASE("a save puts the file at each of its names", "[git]") {
  auto save = commit("aa", 3);
  save.executable = true;
  save.also = {"/other", "/m"};
  CHECK(of("/m", save) == Changes{tree::PutFile{"/m", "aa", 3, true}, tree::PutFile{"/other", "aa", 3, true}});
}

TEST_CASE("new names: symlinks and links show at once, files with their first save", "[git]") {
  Create create;
  CHECK(of("/m", create).empty());
  create.kind = Kind::folder;
  CHECK(of("/d", create).empty());
  create.kind = Kind::symlink, create.target = "m";
  CHECK(of("/s", create) == Changes{tree::PutSymlink{"/s", "m"}});
  CHECK(of("/b", Link{1, 0, {1, "b"}, "/a"}) == Changes{tree::Copy{"/a", "/b"}});

  Abandon abandon;
  abandon.cause = "unwritten";
  CHECK(of("/m", abandon) == Changes{tree::PutFile{"/m", "", 0, false, true}});
  abandon.cause = "deleted";
  CHECK(of("/m", abandon).empty());
}

TEST_CASE("renames move, replace, exchange, or save", "[git]") {
  Rename rename;
  rename.to_path = "/b";
  CHECK(of("/a", rename) == Changes{tree::Move{"/a", "/b"}});
  rename.scratch = true;
  CHECK(of("/a", rename) == Changes{tree::Move{"/a", "/b", true}});
  rename.scratch = false, rename.exchange = true;
  CHECK(of("/a", rename) == Changes{tree::Swap{"/a", "/b"}});
  rename.exchange = false, rename.saved = commit("cc", 7);
  CHECK(of("/a", rename) == Changes{tree::Remove{"/a"}, tree::PutFile{"/b", "cc", 7}});
}

TEST_CASE("deleting, bringing back, chmod", "[git]") {
  CHECK(of("/m", Delete{}) == Changes{tree::Remove{"/m"}});
  Restore restore;
  CHECK(of("/m", restore) == Changes{tree::PutFile{"/m", "", 0}});
  restore.sha256 = "aa", restore.size = 3, restore.executable = true;
  CHECK(of("/m", restore) == Changes{tree::PutFile{"/m", "aa", 3, true}});
  SetAttr attr;
  attr.mtime = 5;
  CHECK(of("/m", attr).empty());
  attr.mode = 0640;
  CHECK(of("/m", attr) == Changes{tree::SetExecutable{"/m", false}});
  attr.mode = 0610;
  CHECK(of("/m", attr) == Changes{tree::SetExecutable{"/m", true}});
}

TEST_CASE("all other records leave history alone", "[git]") {
  for (const Payload& payload : {Payload{LogStart{}}, Payload{Mount{}}, Payload{Open{}}, Payload{Read{}},
                                 Payload{Finalise{}}, Payload{Unchanged{}}, Payload{StageChange{}}, Payload{Publish{}},
                                 Payload{VersionLost{}}, Payload{Refusal{}}, Payload{SetXattr{}}})
    CHECK(of("/m", payload).empty());
}
