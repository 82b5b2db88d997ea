// SPDX-License-Identifier: Apache-2.0
// Goal: the catalog can say how things stood after any record, at any time, and what changed since.
// Method: a small log, asked about each of its moments.
#include "tests/catch.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;

TEST_CASE("names as they stood", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id dir = s.folder(kRoot, "models");
  const Id a = s.file(dir, "a");
  const auto saved = s.save(a, 1, "one");
  const auto renamed = s.move(Story::rename(a, {dir, "a"}, {dir, "b"}));
  const Id again = s.file(dir, "a");
  s.save(again, 1, "other");
  const auto removed = s.remove(a, {dir, "b"});
  s.remove(again, {dir, "a"});
  const auto emptied = s.remove(dir, {kRoot, "models"});

  CHECK_FALSE(c.child_at(kRoot, "models", dir - 1));
  CHECK(c.child_at(kRoot, "models", dir) == dir);
  CHECK(c.child_at(dir, "a", a) == a);
  CHECK(c.child_at(dir, "a", saved) == a);
  CHECK_FALSE(c.child_at(dir, "a", renamed));
  CHECK(c.child_at(dir, "b", renamed) == a);
  CHECK(c.child_at(dir, "a", again) == again);
  CHECK(names_of(c.list_at(dir, again)) == Names{"b", "a"});
  CHECK(c.child_at(dir, "b", removed - 1) == a);
  CHECK_FALSE(c.child_at(dir, "b", removed));
  CHECK(c.list_at(dir, emptied).empty());
  CHECK(c.child_at(kRoot, "models", emptied - 1) == dir);  // a deleted folder can be entered in the past
  CHECK(c.list_at(dir, again)[0].kind == Kind::file);
  CHECK(c.list_at(kRoot, again)[0].kind == Kind::folder);
}

TEST_CASE("an exchange in the past", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id a = s.file(kRoot, "a"), b = s.file(kRoot, "b");
  s.save(a, 1, "a"), s.save(b, 1, "b");
  auto p = Story::rename(a, {kRoot, "a"}, {kRoot, "b"});
  p.exchange = true, p.replaced = b;
  const auto at = s.move(p);
  CHECK(c.child_at(kRoot, "a", at - 1) == a);
  CHECK(c.child_at(kRoot, "a", at) == b);
  CHECK(c.child_at(kRoot, "b", at) == a);
  CHECK(c.list_at(kRoot, at).size() == 2);
  CHECK(c.list_at(kRoot, at - 1).size() == 2);
}

TEST_CASE("versions as they stood, amended ones included", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "f");
  const auto one = s.save(id, 1, "one");
  auto p = Story::version(id, 2, "two");
  p.final = false;
  const auto two = s.does(p);
  p.amends = true;
  p.sha256 = sha("two, amended"), p.size = 12;
  const auto amended = s.does(p);
  p.sha256 = sha("two, at last"), p.final = true;
  const auto last = s.does(p);

  CHECK_FALSE(c.version_at(id, one - 1));
  CHECK(c.version_at(id, one)->sha256 == sha("one"));
  CHECK(c.version_at(id, two)->sha256 == sha("two"));
  CHECK(c.version_at(id, two)->commit == two);
  CHECK(c.version_at(id, two)->size == 3);
  CHECK_FALSE(c.version_at(id, two)->final);
  CHECK(c.version_at(id, two)->amended.empty());
  CHECK(c.version_at(id, amended)->sha256 == sha("two, amended"));
  CHECK(c.version_at(id, amended)->amended == std::vector<Sha256>{sha("two")});
  CHECK(c.version_at(id, last)->sha256 == sha("two, at last"));
  CHECK(c.version_at(id, last)->final);
  CHECK(c.version_at(id, last)->amended.size() == 2);
}

TEST_CASE("a time finds the last change before it, even when the clock goes back", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  CHECK_FALSE(c.sequence_at(kEpoch));  // before the root was made
  const Id a = s.file(kRoot, "a");
  s.does(Close{});
  const Id b = s.file(kRoot, "b");
  CHECK(c.sequence_at(s.time(a)) == a);
  CHECK(c.sequence_at(s.time(a) - 1) == kRoot);
  CHECK(c.sequence_at(s.time(b) - 1) == a);  // the close changed nothing
  CHECK(c.sequence_at(s.time(b) + 1'000'000'000) == b);
  Record back;
  back.sequence = s.next();
  back.time = s.time(a);  // the clock was set back
  Create p;
  p.artifact = back.sequence;
  p.at = {kRoot, "c"};
  back.payload = p;
  c.apply(back, leaf(back.sequence));
  CHECK(c.sequence_at(s.time(a)) == a);
  CHECK(c.sequence_at(s.time(b)) == back.sequence);
}

TEST_CASE("the history of an artifact", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "f");
  s.save(id, 1, "one");
  SetAttr mode;
  mode.artifact = id, mode.mode = 0600;
  s.does(mode, "/f", "");  // a user without a name
  Open open;
  open.artifact = id;
  s.does(open);
  s.move(Story::rename(id, {kRoot, "f"}, {kRoot, "g"}));
  const auto removed = s.remove(id, {kRoot, "g"});
  std::vector<std::string> lines;
  for (const auto& change : c.changes(id)) {
    lines.push_back(change.action + " v" + std::to_string(change.version) + " " + change.user + ": " + change.detail);
  }
  CHECK(lines == Names{"create v0 alice: /f", "commit v1 alice: version 1, 3 bytes", "setattr v1 1000: mode 0600",
                       "rename v1 alice: /f -> /g", "delete v1 alice: /g"});
  CHECK(c.changes(id).back().sequence == removed);
  CHECK(c.changes(id).back().time == s.time(removed));
}
