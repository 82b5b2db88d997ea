// SPDX-License-Identifier: Apache-2.0
// Goal: stock git with git-lfs gets exactly what was saved, whatever names people choose, and a history that stock
// tools find sound. Method: changes are published, then real `git` and `git lfs` look at the repository.
#include "store/git_history.h"

#include <algorithm>
#include <map>

#include "store/error.h"
#include "store/git_names.h"
#include "tests/catch.h"
#include "tests/store/git_story.h"

using namespace ward::store;
using namespace ward::tests;

namespace {

/// Files of a work tree with their bytes; symlinks as "-> target".
std::map<std::string, std::string> files(const std::filesystem::path& root) {
  std::map<std::string, std::string> out;
  for (auto at = std::filesystem::recursive_directory_iterator(root);
       at != std::filesystem::recursive_directory_iterator(); ++at) {
    const auto name = at->path().lexically_relative(root).string();
    if (name == ".git") {
      at.disable_recursion_pending();
    } else if (at->is_symlink()) {
      out[name] = "-> " + std::filesystem::read_symlink(at->path()).string();
    } else if (at->is_regular_file()) {
      out[name] = slurp(at->path());
    }
  }
  out.erase(".gitattributes");
  return out;
}

}  // namespace

TEST_CASE("a stock clone has the exact tree with the real bytes", "[git][tools]") {
  const GitStory story;
  GitHistory history(story.repository());
  const std::string model(100'000, 'm');
  CHECK(publish(history, {story.file("/models/m.bin", model), story.file("/run.sh", "#!/bin/sh\n", true),
                          tree::PutFile{"/empty", "", 0}, tree::PutSymlink{"/latest", "models/m.bin"},
                          story.file("/a b\n\xffz", "odd name")})
            .errors.empty());
  publish(history, {story.file("/models/m.bin", model + "2"), tree::Copy{"/models/m.bin", "/linked"}});
  const auto clone = story.clone();
  CHECK(files(clone) == std::map<std::string, std::string>{{"models/m.bin", model + "2"},
                                                           {"linked", model + "2"},
                                                           {"run.sh", "#!/bin/sh\n"},
                                                           {"empty", ""},
                                                           {"latest", "-> models/m.bin"},
                                                           {"a b\n\xffz", "odd name"}});
  CHECK(slurp(clone / ".gitattributes") ==
        "* filter=lfs diff=lfs merge=lfs -text\n/.gitattributes -filter -diff -merge text\n");
  CHECK((std::filesystem::status(clone / "run.sh").permissions() & std::filesystem::perms::owner_exec) !=
        std::filesystem::perms::none);
  CHECK(story.must("git -C clone status --porcelain").empty());
  CHECK(story.must("git -C clone log --format=%s -- models/m.bin") == "save\nsave\n");
  CHECK(story.must("git -C history.git fsck --strict --no-dangling").find("error") == std::string::npos);
  CHECK(story.must("git -C clone lfs fsck").find("OK") != std::string::npos);
}

TEST_CASE("names that git would interpret arrive escaped and do nothing", "[git][tools]") {
  const GitStory story;
  GitHistory history(story.repository());
  std::map<std::string, std::string> expected;
  std::vector<TreeChange> changes;
  for (const std::string name : {".gitattributes", ".gitmodules", ".gitignore", ".lfsconfig", ".git", ".GIT", "git~1",
                                 ".git. ", ".g\xe2\x80\x8cit", "%2Egit", "x\\.git"})
    for (const std::string folder : {"/", "/sub/"}) {
      const auto content = "* -filter\n[lfs]\n\turl = http://127.0.0.1:1/\n" + folder + name;
      changes.push_back(story.file(folder + name, content));
      expected[git_path(folder + name).value()] = content;
    }
  changes.push_back(story.file("/sub/m.bin", "bytes"));
  expected["sub/m.bin"] = "bytes";
  CHECK(publish(history, changes).errors.empty());
  CHECK(files(story.clone()) == expected);
  CHECK(story.must("git -C history.git fsck --strict --no-dangling").find("error") == std::string::npos);
}

TEST_CASE("a folder named .git is left out, also when it moves", "[git]") {
  const GitStory story;
  GitHistory history(story.repository());
  CHECK(publish(history, {story.file("/r/.git/config", "x")}).commit == history.start());
  publish(history, {story.file("/r/code.py", "code"), story.file("/plain/a", "a")});
  publish(history, {tree::Move{"/r/.git/config", "/r/code.py"}});  // replaced by something that history doesn't have
  CHECK(story.must("git -C history.git ls-tree -r --name-only main") == ".gitattributes\nplain/a\n");
  publish(history, {tree::Move{"/plain", "/.git"}});
  CHECK(story.must("git -C history.git ls-tree -r --name-only main") == ".gitattributes\n");
}

TEST_CASE("moves: folders, replacing, exchanging, scratch names", "[git][tools]") {
  const GitStory story;
  GitHistory history(story.repository());
  publish(history,
          {story.file("/a/b/one", "1"), story.file("/a/two", "2"), story.file("/x", "x"), story.file("/y", "y")});
  publish(history, {tree::Move{"/a", "/c/d"}, tree::Swap{"/x", "/y"}});
  auto clone = story.clone("after-move");
  CHECK(files(clone) ==
        std::map<std::string, std::string>{{"c/d/b/one", "1"}, {"c/d/two", "2"}, {"x", "y"}, {"y", "x"}});
  CHECK(story.must("git -C after-move log --follow --format=%s -- c/d/two") == "save\nsave\n");
  publish(history, {tree::Move{"/c/d/two", "/two.tmp", true}, tree::PutSymlink{"/s.tmp", "x"},
                    tree::Move{"/s.tmp", "/s"}, tree::Swap{"/y", "/c"}, tree::SetExecutable{"/x", true},
                    tree::SetExecutable{"/c", true}, tree::SetExecutable{"/s", true}, tree::Remove{"/nothing/here"}});
  CHECK(story.must("git -C history.git ls-tree -r --format=\"%(objectmode) %(path)\" main") ==
        "100644 .gitattributes\n100755 c\n120000 s\n100755 x\n100644 y/d/b/one\n");
  publish(history, {tree::Remove{"/y/d/b/one"}});
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\nc\ns\nx\n");  // no empty folders
}

TEST_CASE("an empty file without a version appears once, never over something", "[git]") {
  const GitStory story;
  GitHistory history(story.repository());
  publish(history, {story.file("/full", "bytes"), tree::PutFile{"/full", "", 0, false, true},
                    tree::PutFile{"/new", "", 0, true, true}});
  CHECK(story.must("git -C history.git cat-file -s main:full") != "0\n");
  CHECK(story.must("git -C history.git ls-tree main new").find("100755 blob e69de29") == 0);
}

TEST_CASE("a change that can't be shown never blocks the others", "[git]") {
  const GitStory story;
  GitHistory history(story.repository());
  const auto result =
      publish(history, {story.file("/one", "1"), tree::PutFile{"/bad", "not a hash", 9}, tree::PutSymlink{"/link", ""},
                        tree::PutFile{"no path", sha("x"), 1}, story.file("/two", "2")});
  REQUIRE(result.errors.size() == 2);
  CHECK(result.errors[0].find("bad") != std::string::npos);
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\none\ntwo\n");
}

TEST_CASE("a lost tree object spoils its folder only", "[git]") {
  const GitStory story;
  {
    GitHistory history(story.repository());
    publish(history, {story.file("/lost/m", "1")});
  }
  const auto oid = story.must("git -C history.git rev-parse main:lost").substr(0, 40);
  std::filesystem::remove(story.repository() / "objects" / oid.substr(0, 2) / oid.substr(2));
  GitHistory history(story.repository());
  const auto result = publish(history, {story.file("/lost/n", "2"), story.file("/fine/m", "3")});
  CHECK(result.errors.size() == 1);
  CHECK(story.must("git -C history.git ls-tree -r --name-only main:fine") == "m\n");
}

TEST_CASE("equal inputs give equal commits, and a large batch becomes one pack", "[git][tools]") {
  const GitStory one, two;
  std::vector<TreeChange> changes;
  for (int i = 0; i < 300; ++i)
    changes.push_back(one.file("/many/" + std::to_string(i), "content " + std::to_string(i)));
  GitHistory first(one.repository()), second(two.repository());
  CHECK(first.start() == second.start());
  const auto published = publish(first, changes);
  CHECK(publish(second, changes).commit == published.commit);
  CHECK(publish(second, changes).commit == published.commit);  // nothing changed: no commit
  CHECK(one.must("git -C history.git count-objects -v").find("packs: 1\n") != std::string::npos);
  CHECK(one.must("git -C history.git rev-parse main main^{tree}") == published.commit + "\n" + published.tree + "\n");
  CHECK(one.must("git -C history.git fsck --strict --no-dangling").find("error") == std::string::npos);
  CHECK(files(one.clone()).size() == 300);
}

TEST_CASE("many revisions in one publish are a chain of commits", "[git]") {
  const GitStory story;
  GitHistory history(story.repository());
  std::vector<GitHistory::Revision> revisions(3);
  for (std::size_t i = 0; i < 3; ++i) {
    revisions[i].info = {person("user" + std::to_string(i), "h1"),
                         1'700'000'000'000'000'000,
                         {person("bob", "h1")},
                         "save",
                         {"Ward-Log-Index: 1-2"}};
    revisions[i].changes = {story.file("/f" + std::to_string(i), std::to_string(i))};
  }
  revisions[1].changes = {tree::Remove{"/nothing"}};
  const auto published = history.publish(revisions);
  CHECK(published[1].commit == published[0].commit);
  CHECK(story.must("git -C history.git log --format=\"%an %ae %at %(trailers:key=Co-authored-by,valueonly)\" main")
            .find("user2 user2@h1 1700000000 bob <bob@h1>") == 0);
  CHECK(story.must("git -C history.git rev-list --count main") == "3\n");
}

TEST_CASE("a ref ahead of the log is reset; publishing goes on from there", "[git]") {
  const GitStory story;
  std::string recorded;
  {
    GitHistory history(story.repository());
    recorded = publish(history, {story.file("/a", "1")}).commit;
    publish(history, {story.file("/never-recorded", "2")});
  }
  std::ofstream(story.repository() / "refs/heads/main.lock") << "left by a crash";
  GitHistory history(story.repository());
  CHECK(history.head() != recorded);
  CHECK(history.has(recorded));
  history.reset_to(recorded);
  const auto next = publish(history, {story.file("/b", "3")});
  CHECK(story.must("git -C history.git rev-parse main main^") == next.commit + "\n" + recorded + "\n");
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\na\nb\n");
  CHECK_THROWS_AS(history.reset_to(std::string(40, '1')), Error);
  CHECK_FALSE(history.has(std::string(40, '1')));
  history.reset_to(history.start());
  CHECK(GitHistory(story.repository()).head() == history.start());
}

TEST_CASE("at start the ref goes back to the newest commit that the log knows", "[git]") {
  const GitStory story;
  GitHistory history(story.repository());
  std::vector<std::string> commits{history.start()};
  for (const std::string name : {"/a", "/b", "/c"})
    commits.push_back(publish(history, {story.file(name, name)}).commit);
  const auto known = [&](std::size_t newest) {
    return [&, newest](const std::string& commit) { return newest > 0 && commit == commits[newest]; };
  };
  CHECK(history.reset_to_recorded(known(3)) == commits[3]);
  CHECK(history.reset_to_recorded(known(1)) == commits[1]);
  CHECK(story.must("git -C history.git rev-parse main") == commits[1] + "\n");
  CHECK(history.reset_to_recorded(known(0)) == history.start());
  publish(history, {story.file("/d", "d")});
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\nd\n");
}

TEST_CASE("history survives git gc between publishes, and refuses pushes", "[git][tools]") {
  const GitStory story;
  GitHistory history(story.repository());
  for (int i = 0; i < 5; ++i) publish(history, {story.file("/d/f" + std::to_string(i), std::to_string(i))});
  story.must("git -C history.git gc -q --prune=now");
  publish(history, {story.file("/d/g", "after")});
  CHECK(story.must("git -C history.git ls-tree -r --name-only main | wc -l") == "7\n");
  story.clone();
  CHECK(
      story.run("cd clone && git -c user.name=x -c user.email=x@y commit -q --allow-empty -m x && git push --no-verify")
          .second != 0);
}

TEST_CASE("making a history twice, or after a crash halfway, is harmless", "[git]") {
  const TempDir folder;
  const auto path = folder.path() / "history.git";
  std::filesystem::create_directories(path / "lfs/objects/ab");
  GitHistory::create(path, 1'700'000'000'000'000'000);
  const auto start = GitHistory(path).head();
  GitHistory::create(path, 1'800'000'000'000'000'000);
  CHECK(GitHistory(path).head() == start);
  std::filesystem::remove(path / "refs/heads/main");
  CHECK_THROWS_AS(GitHistory(path), Error);
  GitHistory::create(path);
  CHECK(GitHistory(path).head() == start);
}
