// SPDX-License-Identifier: Apache-2.0
// Goal: edits of a tree give the tree that a plain map of paths gives, and write only what changed.
// Method: objects in a std::map named by a running number; random edits against a model; counts of written trees.
#include "store/git_tree.h"

#include <map>
#include <random>
#include <set>
#include <vector>

#include "store/error.h"
#include "tests/catch.h"

using namespace ward::store;

namespace {

struct Objects {
  std::map<GitOid, std::string> by_name;
  std::size_t writes = 0;

  GitOid write(std::string_view bytes) {
    ++writes;
    for (const auto& [name, known] : by_name)
      if (known == bytes) return name;
    GitOid name{};
    name[0] = static_cast<unsigned char>(by_name.size() / 256 + 1),
    name[1] = static_cast<unsigned char>(by_name.size() % 256);
    by_name[name] = bytes;
    return name;
  }
  std::string read(const GitOid& name) const {
    const auto found = by_name.find(name);
    if (found == by_name.end()) throw Error(Code::corrupt, "missing");
    return found->second;
  }
  std::unique_ptr<GitTree> open(const GitOid& root) {
    return std::make_unique<GitTree>(
        root, [this](const GitOid& name) { return read(name); },
        [this](std::string_view bytes) { return write(bytes); });
  }
};

GitEntry entry(unsigned char tag) {
  GitEntry out;
  out.oid[19] = tag;
  return out;
}

}  // namespace

TEST_CASE("entries are in git's order: folders as if they ended in a slash", "[git]") {
  Objects objects;
  const auto tree = objects.open(objects.write(""));
  tree->put("a", entry(1));
  tree->put("a.b", entry(2));
  tree->put("a0", entry(3));
  tree->put("a-", entry(4));
  tree->remove("a");
  tree->put("a/x", entry(5));
  const auto bytes = objects.read(tree->write());
  std::string order;
  for (std::size_t at = 0; at < bytes.size(); at = bytes.find('\0', at) + 21)
    order += bytes.substr(at, bytes.find('\0', at) - at) + ";";
  CHECK(order == "100644 a-;100644 a.b;40000 a;100644 a0;");
}

TEST_CASE("only changed folders are written, and emptied ones disappear", "[git]") {
  Objects objects;
  const auto empty = objects.write("");
  auto tree = objects.open(empty);
  tree->put("keep/deep/f", entry(1));
  tree->put("other/g", entry(2));
  const auto root = tree->write();
  tree = objects.open(root);
  objects.writes = 0;
  CHECK(tree->write() == root);
  CHECK(objects.writes == 0);
  tree->put("other/h", entry(3));
  tree->write();
  CHECK(objects.writes == 2);  // "other" and the root
  tree->remove("keep/deep/f");
  tree->remove("other/g");
  tree->remove("other/h");
  CHECK(tree->write() == empty);
}

TEST_CASE("a folder moves as a whole, unread", "[git]") {
  Objects objects;
  auto tree = objects.open(objects.write(""));
  tree->put("a/one", entry(1));
  tree->put("a/b/two", entry(2));
  tree = objects.open(tree->write());
  const auto loaded = tree->loaded();
  tree->move("a", "c/d");
  CHECK(tree->loaded() - loaded <= 2);  // the names "c" and "d"
  tree = objects.open(tree->write());
  CHECK(tree->leaf("c/d/b/two") == entry(2));
  CHECK_FALSE(tree->has("a"));
  tree->move("nothing", "c/d/one");
  CHECK_FALSE(tree->has("c/d/one"));
}

TEST_CASE("a damaged or missing tree is an error and changes nothing", "[git]") {
  Objects objects;
  GitOid missing{};
  missing[5] = 9;
  CHECK_THROWS_AS(objects.open(missing), Error);
  for (const std::string bad : {"100644 f", "100644", "x f\0", "9 f"})
    CHECK_THROWS_AS(objects.open(objects.write(bad)), Error);
  std::string bytes = "40000 lost";
  bytes += '\0';
  bytes.append(reinterpret_cast<const char*>(missing.data()), missing.size());
  const auto root = objects.write(bytes);
  const auto tree = objects.open(root);
  CHECK_THROWS_AS(tree->move("lost/f", "g"), Error);
  CHECK_THROWS_AS(tree->put("lost/f", entry(1)), Error);
  CHECK_FALSE(tree->has("g"));
  CHECK(tree->write() == root);
}

TEST_CASE("random edits agree with a plain map", "[git]") {
  std::mt19937 random(7);
  const std::vector<std::string> paths{"a", "b", "c/a", "c/b", "c/d/a", "c/d/b", "e/a"};
  Objects objects;
  auto tree = objects.open(objects.write(""));
  std::map<std::string, GitEntry> model;
  for (int step = 0; step < 3000; ++step) {
    const auto &path = paths[random() % paths.size()], &other = paths[random() % paths.size()];
    switch (random() % 5) {
      case 0:
      case 1: {
        const auto made = entry(static_cast<unsigned char>(random() % 200));
        tree->put(path, made), model[path] = made;
        break;
      }
      case 2:
        tree->remove(path), model.erase(path);
        break;
      case 3: {
        if (path == other) break;
        tree->move(path, other);
        const auto node = model.extract(path);
        model.erase(other);
        if (!node.empty()) model[other] = node.mapped();
        break;
      }
      default: {
        if (path == other) break;
        tree->swap(path, other);
        const auto a = model.extract(path), b = model.extract(other);
        if (!a.empty()) model[other] = a.mapped();
        if (!b.empty()) model[path] = b.mapped();
      }
    }
    if (step % 50 == 0) tree = objects.open(tree->write());
    for (const auto& each : paths) {
      const auto found = model.find(each);
      REQUIRE(tree->leaf(each) == (found == model.end() ? std::nullopt : std::optional(found->second)));
    }
  }
}
