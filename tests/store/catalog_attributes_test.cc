// SPDX-License-Identifier: Apache-2.0
// Goal: attributes, stages, loss, lineage and policies follow their records.
// Method: short logs about one artifact or two, with the state asked for after each record.
#include <algorithm>

#include "tests/catch.h"
#include "tests/store/catalog_story.h"

using namespace ward::tests;

TEST_CASE("attributes and extended attributes", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "f");
  SetAttr p;
  p.artifact = id;
  p.mode = 04755, p.gid = 5, p.mtime = -1;
  const auto at = s.does(p);
  const auto n = *c.inode(id);
  CHECK(n.mode == 04755);
  CHECK(n.uid == 1000);
  CHECK(n.gid == 5);
  CHECK(n.mtime == -1);
  CHECK(n.atime == s.time(id));
  CHECK(n.ctime == s.time(at));
  CHECK(n.last == at);
  CHECK(c.changes(id).back().detail == "mode 4755, gid 5, mtime");

  SetXattr x;
  x.artifact = id, x.name = "user.b", x.value = std::string("\0\xff", 2);
  s.does(x);
  x.name = "user.a", x.value = "";
  s.does(x);
  x.name = "user.c", x.sha256 = sha("large");
  s.does(x);
  CHECK(c.xattrs(id) == Names{"user.a", "user.b", "user.c"});
  CHECK(c.xattr(id, "user.b") == std::string("\0\xff", 2));
  CHECK(c.xattr(id, "user.a") == "");
  CHECK_FALSE(c.xattr(id, "user.c"));
  CHECK(c.xattr_object(id, "user.c") == sha("large"));
  CHECK_FALSE(c.xattr_object(id, "user.b"));
  x.removed = true;
  s.does(x);
  CHECK(c.xattrs(id) == Names{"user.a", "user.b"});
}

TEST_CASE("stage belongs to a version; the current one shows in the inode", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "f");
  s.save(id, 1, "one"), s.save(id, 2, "two");
  StageChange p;
  p.artifact = id, p.version = 1, p.from = "training", p.to = "validation";
  s.does(p);
  CHECK(c.version({id, 1})->stage == "validation");
  CHECK(c.inode(id)->stage.empty());
  p.version = 2;
  s.does(p);
  CHECK(c.inode(id)->stage == "validation");
}

TEST_CASE("a lost version: the name falls back, and the next save goes on counting", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id id = s.file(kRoot, "f");
  const auto one = s.save(id, 1, "one");
  s.save(id, 2, "two");
  VersionLost p;
  p.artifact = id, p.version = 2, p.fallback = 1;
  const auto at = s.does(p);
  CHECK(c.inode(id)->version == 1);
  CHECK(c.inode(id)->commit == one);
  CHECK(c.inode(id)->sha256 == sha("one"));
  CHECK(c.version({id, 2})->lost);
  CHECK(c.version_at(id, at - 1)->ref.version == 2);
  CHECK(c.version_at(id, at)->ref.version == 1);
  p.version = 1, p.fallback = 0;
  s.does(p);
  CHECK(c.inode(id)->version == 0);
  CHECK(c.inode(id)->size == 0);
  CHECK_FALSE(c.version_at(id, s.next() - 1));
  s.save(id, 3, "three");
  CHECK(c.inode(id)->version == 3);
  CHECK(c.totals().artifacts == 1);
  s.remove(id, {kRoot, "f"});
  CHECK(c.inode(id));
}

TEST_CASE("lineage goes both ways and follows amendments", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  const Id data = s.file(kRoot, "data"), model = s.file(kRoot, "model");
  s.save(data, 1, "d1"), s.save(data, 2, "d2");
  auto p = Story::version(model, 1, "m");
  p.final = false;
  p.inputs = {{{data, 2}, "observed", "high"}, {{data, 1}, "descendant", "low"}};
  s.does(p);
  REQUIRE(c.inputs({model, 1}).size() == 2);
  CHECK(c.inputs({model, 1})[0].of == VersionRef{data, 2});
  CHECK(c.inputs({model, 1})[1].basis == "descendant");
  REQUIRE(c.outputs({data, 1}).size() == 1);
  CHECK(c.outputs({data, 1})[0].first == VersionRef{model, 1});
  CHECK(c.outputs({data, 1})[0].second.of == VersionRef{data, 1});
  CHECK(c.outputs({data, 1})[0].second.confidence == "low");
  p.amends = true;
  p.inputs.pop_back();
  s.does(p);
  CHECK(c.outputs({data, 1}).empty());
  CHECK(c.outputs({data, 2}).size() == 1);
}

TEST_CASE("policies, publication, and the objects that anything names", "[catalog]") {
  Story s;
  auto& c = s.catalog();
  CHECK_FALSE(c.policy());
  CHECK(c.published() == 0);
  PolicyChange policy;
  policy.number = 1, policy.sha256 = sha("policy 1");
  s.does(policy);
  policy.number = 2, policy.sha256 = sha("policy 2");
  const auto at = s.does(policy, "", "root");
  REQUIRE(c.policy());
  CHECK(c.policy()->number == 2);
  CHECK(c.policy()->sequence == at);
  CHECK(c.policy()->user == "root");
  CHECK(c.policies().size() == 2);
  Publish publish;
  publish.first_seq = 0, publish.last_seq = at, publish.commit = std::string(40, 'c');
  s.does(publish);
  CHECK(c.published() == at + 1);
  CHECK(c.published_by(publish.commit) == at);
  CHECK_FALSE(c.published_by(std::string(40, 'd')));

  const Id id = s.file(kRoot, "f");
  auto p = Story::version(id, 1, "first bytes");
  p.final = false;
  s.does(p);
  p.amends = true, p.sha256 = sha("amended");
  s.does(p);
  s.save(id, 2, "amended");  // an object named twice
  SetXattr x;
  x.artifact = id, x.name = "user.big", x.sha256 = sha("big");
  s.does(x);
  std::vector<Sha256> expected{sha("policy 1"), sha("policy 2"), sha("first bytes"), sha("amended"), sha("big")};
  std::sort(expected.begin(), expected.end());
  CHECK(c.objects() == expected);
}
