// SPDX-License-Identifier: Apache-2.0
// Goal: no name of a user reaches git where git or git-lfs would interpret or refuse it, and none is lost.
// Method: known dangerous names against the rule, and a round trip over every name of up to three bytes of an alphabet
// made of the bytes that matter.
#include "store/git_names.h"

#include <vector>

#include "tests/catch.h"

using namespace ward::store;

TEST_CASE("names that git or git-lfs interprets are escaped", "[git]") {
  for (const std::string name : {".git",
                                 ".GIT",
                                 ".Git",
                                 ".git ",
                                 ".git.",
                                 ".git...",
                                 ".git::$INDEX_ALLOCATION",
                                 "git~1",
                                 "GIT~1",
                                 "GIT~1 ",
                                 "GI7EBA~1",
                                 "gitmod~1",
                                 ".g\xe2\x80\x8cit",
                                 "\xef\xbb\xbf.git",
                                 "a\\.git",
                                 "a\\GIT~1",
                                 ".gitattributes",
                                 ".GitAttributes",
                                 ".gitmodules",
                                 ".gitignore",
                                 ".lfsconfig",
                                 ".LFSConfig",
                                 "LFSCON~1",
                                 ".mailmap",
                                 "%2Egit"}) {
    CAPTURE(name);
    const auto escaped = git_escape(name);
    CHECK(escaped != name);
    CHECK(escaped.front() == '%');
    CHECK(escaped.find('\\') == std::string::npos);
    CHECK(git_unescape(escaped) == name);
  }
  CHECK(git_escape(".gitattributes") == "%2Egitattributes");
  CHECK(git_escape("%2Egit") == "%252Egit");
}

TEST_CASE("other names stand as they are", "[git]") {
  for (const std::string name :
       {"m.bin", "git", "a.git", "model~1", "50%", "%zz", "%2egit", "x\ny", "\xff\xfe", ".gi", "a\\b", "~", "lf"})
    CHECK(git_escape(name) == name);
}

TEST_CASE("escaping is reversible, so that no two names become one", "[git]") {
  const std::string bytes = ".git%2E5C\\~1\xff";
  std::vector<std::string> names{""};
  for (std::size_t at = 0; at < names.size(); ++at) {
    const auto name = names[at];
    if (name.size() < 3)
      for (const char c : bytes) names.push_back(name + c);
    for (const std::string tail : {"", "git", "2Egit", "\\.git"}) {
      const auto whole = name + tail;
      if (whole.empty()) continue;
      const auto escaped = git_escape(whole);
      REQUIRE(git_unescape(escaped) == whole);
    }
  }
}

TEST_CASE("paths are escaped name by name, and what can't be checked out is left out", "[git]") {
  CHECK(git_path("/models/m.bin") == "models/m.bin");
  CHECK(git_path("/.gitignore/.lfsconfig") == "%2Egitignore/%2Elfsconfig");
  CHECK(git_path("/repo/.git") == "repo/%2Egit");  // the file of a worktree
  CHECK(git_path("/.GIT/x") == "%2EGIT/x");
  for (const std::string path :
       {"/repo/.git/config", "/.git/objects/ab/cd", "", "/", "relative", "/a//b", "/a/", "/a/../b", "/."}) {
    CAPTURE(path);
    CHECK(unpublishable(path));
  }
  CHECK(unpublishable(std::string("/a\0b", 4)));
  CHECK_FALSE(unpublishable("/" + std::string(255, 'n')));
  CHECK(unpublishable("/.git" + std::string(250, 'n')));  // 257 bytes once escaped
  std::string deep;
  while (deep.size() < 4200) deep += "/folder";
  CHECK(unpublishable(deep));
}
