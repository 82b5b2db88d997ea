// SPDX-License-Identifier: Apache-2.0
// Goal: patterns match what glob.h promises, and no pattern takes long. Method: a table of examples; a differential
// test against a matcher that is too slow but obviously right, on random patterns and paths over a small alphabet
// (fixed seed); and patterns that make backtracking matchers explode, with the number of steps bounded by time.
#include "policy/glob.h"

#include <chrono>
#include <random>

#include "tests/catch.h"

using ward::policy::Glob;

namespace {

Glob compiled(std::string_view pattern) {
  auto glob = Glob::compile(pattern);
  if (const auto* wrong = std::get_if<std::string>(&glob)) FAIL(pattern << ": " << *wrong);
  return std::get<Glob>(glob);
}

bool matches(std::string_view pattern, std::string_view path) {
  return compiled(pattern).matches(path);
}

std::string cause(std::string_view pattern) {
  auto glob = Glob::compile(pattern);
  const auto* wrong = std::get_if<std::string>(&glob);
  return wrong == nullptr ? "" : *wrong;
}

// The obviously right matcher: tries every way. Understands * ? ** [ab] [!ab] and backslash.
bool slow_name(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    return slow_name(pattern.substr(1), name) || (!name.empty() && slow_name(pattern, name.substr(1)));
  }
  if (name.empty()) return false;
  if (pattern[0] == '?') return slow_name(pattern.substr(1), name.substr(1));
  if (pattern[0] == '[') {
    const std::size_t close = pattern.find(']');
    std::string_view set = pattern.substr(1, close - 1);
    const bool negated = set[0] == '!';
    if (negated) set.remove_prefix(1);
    const bool in = set.find(name[0]) != std::string_view::npos;
    return in != negated && slow_name(pattern.substr(close + 1), name.substr(1));
  }
  if (pattern[0] == '\\') pattern.remove_prefix(1);
  return pattern[0] == name[0] && slow_name(pattern.substr(1), name.substr(1));
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> names;
  for (path.remove_prefix(1); !path.empty();) {
    const std::size_t slash = path.find('/');
    names.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return names;
}

bool slow_path(const std::vector<std::string>& pattern, std::size_t p, const std::vector<std::string>& path,
               std::size_t at) {
  if (p == pattern.size()) return at == path.size();
  if (pattern[p] == "**") {
    return slow_path(pattern, p + 1, path, at) || (at < path.size() && slow_path(pattern, p, path, at + 1));
  }
  return at < path.size() && slow_name(pattern[p], path[at]) && slow_path(pattern, p + 1, path, at + 1);
}

}  // namespace

TEST_CASE("a pattern from the root") {
  CHECK(matches("/", "/"));
  CHECK_FALSE(matches("/", "/a"));
  CHECK(matches("/models/m.bin", "/models/m.bin"));
  CHECK_FALSE(matches("/models/m.bin", "/models/m.bin2"));
  CHECK_FALSE(matches("/models/m.bin", "/x/models/m.bin"));
  CHECK(matches("/models/*", "/models/m.bin"));
  CHECK(matches("/models/*", "/models/.hidden"));
  CHECK_FALSE(matches("/models/*", "/models/a/b"));
  CHECK_FALSE(matches("/models/*", "/models"));
  CHECK(matches("/*/m.bin", "/models/m.bin"));
  CHECK_FALSE(matches("/m?dels", "/m/dels"));
}

TEST_CASE("two stars are any number of folders, none included") {
  CHECK(matches("/**", "/"));
  CHECK(matches("/**", "/a/b/c"));
  CHECK(matches("/models/**", "/models"));
  CHECK(matches("/models/**", "/models/a"));
  CHECK(matches("/models/**", "/models/a/b/c"));
  CHECK_FALSE(matches("/models/**", "/models2"));
  CHECK_FALSE(matches("/models/**", "/x/models/a"));
  CHECK(matches("/**/m.bin", "/m.bin"));
  CHECK(matches("/**/m.bin", "/a/b/m.bin"));
  CHECK(matches("/a/**/z", "/a/z"));
  CHECK(matches("/a/**/z", "/a/b/z/c/z"));
  CHECK_FALSE(matches("/a/**/z", "/a/b/z/c"));
  CHECK(matches("/**/a/**/b/**", "/x/a/y/b"));
  CHECK(matches("/a/**/**/b", "/a/b"));
  CHECK(matches("**", "/"));
}

TEST_CASE("without a leading slash a pattern matches at every depth") {
  CHECK(matches("*.tmp", "/a.tmp"));
  CHECK(matches("*.tmp", "/a/b/.tmp"));
  CHECK_FALSE(matches("*.tmp", "/a.tmp/b"));
  CHECK_FALSE(matches("*.tmp", "/"));
  CHECK(matches(".git/**", "/repo/.git/HEAD"));
  CHECK(matches(".git/**", "/.git"));
  CHECK(matches(".git/objects/**/tmp_*", "/a/.git/objects/ab/tmp_obj_1"));
  CHECK_FALSE(matches(".git/**", "/repo/a.git/HEAD"));
}

TEST_CASE("sets, escapes and bytes") {
  CHECK(matches("/[abc]", "/b"));
  CHECK_FALSE(matches("/[abc]", "/d"));
  CHECK(matches("/[a-cx]1", "/x1"));
  CHECK_FALSE(matches("/[!a-z]", "/q"));
  CHECK(matches("/[!a-z]", "/Q"));
  CHECK(matches("/[]x]", "/]"));
  CHECK(matches("/[!]]", "/x"));
  CHECK(matches("/[a-]", "/-"));
  CHECK(matches("/[\\]\\\\]", "/\\"));
  CHECK(matches("/\\*", "/*"));
  CHECK_FALSE(matches("/\\*", "/x"));
  CHECK(matches("/\\[a]", "/[a]"));
  CHECK(matches("/?", "/\xff"));
  CHECK_FALSE(matches("/?", "/\xc3\xa9"));
  CHECK(matches("/??", "/\xc3\xa9"));
  CHECK(matches("/\xc3\xa9*", "/\xc3\xa9t\xc3\xa9"));
  CHECK_FALSE(matches("/[!a]", "/"));
  CHECK(matches("/[!a]", "/\x80"));
}

TEST_CASE("a bad pattern says what to write instead") {
  CHECK_THAT(cause(""), Catch::Contains("empty pattern"));
  CHECK_THAT(cause("/a//b"), Catch::Contains("'/'"));
  CHECK_THAT(cause("/a/"), Catch::Contains("trailing"));
  CHECK_THAT(cause("/a/../b"), Catch::Contains("'..'"));
  CHECK_THAT(cause("./a"), Catch::Contains("'.'"));
  CHECK_THAT(cause("/a**"), Catch::Contains("alone between slashes"));
  CHECK_THAT(cause("/***"), Catch::Contains("alone between slashes"));
  for (const char* open : {"/[", "/[a", "/[!", "/[]", "/[a-", "/[a\\", "/[a/]"})
    CHECK_THAT(cause(open), Catch::Contains("not closed"));
  CHECK_THAT(cause("/[z-a]"), Catch::Contains("backwards"));
  CHECK_THAT(cause("/[^a]"), Catch::Contains("[!...]"));
  CHECK_THAT(cause("/[[:alpha:]]"), Catch::Contains("ranges"));
  CHECK_THAT(cause("/[\xc3\xa9]"), Catch::Contains("ASCII"));
  CHECK_THAT(cause("/a\\"), Catch::Contains("escapes nothing"));
}

TEST_CASE("random patterns agree with the obviously right matcher") {
  std::mt19937 random(20261123);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> pieces = {"a", "b", "*", "?", "a", "*", "[ab]", "[!a]", "\\*", "."};
  const std::vector<std::string> letters = {"a", "b", "*", "c", "."};
  int matched = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string pattern;
    for (std::size_t part = pick(4) + 1; part > 0; --part) {
      std::string name = pick(4) == 0 ? "**" : "";
      for (std::size_t i = pick(5) + 1; name != "**" && i > 0; --i) {
        const std::string& piece = pieces[pick(pieces.size())];
        if (piece != "*" || name.empty() || name.back() != '*') name += piece;
      }
      pattern += "/" + (name == "." || name == ".." || name.find("**") == 0 ? "**" : name);
    }
    std::string path;
    for (std::size_t part = pick(5); part > 0; --part) {
      path += "/";
      for (std::size_t i = pick(4) + 1; i > 0; --i) path += letters[pick(letters.size())];
    }
    if (path.empty()) path = "/";
    auto glob = Glob::compile(pattern);
    if (!std::holds_alternative<Glob>(glob)) continue;  // "\**" looks like two stars
    const bool expected = slow_path(split(pattern), 0, split(path), 0);
    matched += expected ? 1 : 0;
    if (std::get<Glob>(glob).matches(path) != expected) FAIL(pattern << " on " << path << ": expected " << expected);
  }
  CHECK(matched > 5000);  // else the test would have looked at mismatches only
}

TEST_CASE("no pattern explodes") {
  std::string stars = "/";
  for (int i = 0; i < 100; ++i) stars += "*a";
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/**/a";
  std::string path;
  for (int i = 0; i < 2000; ++i) path += "/a";
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(matches(stars + "b", "/" + std::string(4000, 'a')));
  CHECK_FALSE(matches(deep + "/b", path));
  CHECK(matches(deep, path));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));  // a backtracking one: longer than the sun
}
