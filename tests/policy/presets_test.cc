// SPDX-License-Identifier: Apache-2.0
// Goal: what comes with the program and what POLICY.md shows is right, and a policy's own tests can fail. Method: parse
// and run them; turn each expectation round and see that exactly that test fails; names that real programs use.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/policy/build.h"

using namespace ward::policy;
using namespace ward::policy::test;

namespace {

Policy parsed(const std::string& text) {
  auto policy = parse(text);
  if (const auto* error = std::get_if<ParseError>(&policy)) FAIL(to_string(*error));
  return std::get<Policy>(policy);
}

std::string replaced(std::string text, std::size_t at, const std::string& from, const std::string& to) {
  return text.replace(at, from.size(), to);
}

int line_of(const std::string& text, std::size_t at) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

}  // namespace

TEST_CASE("the presets parse and pass their own tests") {
  for (const char* name : {"team", "allow-all"}) {
    const Policy policy = parsed(preset(name));
    CHECK(test_count(policy) > 0);
    for (const TestFailure& failure : run_tests(policy)) FAIL_CHECK(failure.line << ": " << failure.message);
  }
  CHECK(test_count(parsed(preset("team"))) == 11);
  CHECK(preset("").empty());
  CHECK(preset("nosuch").empty());
}

TEST_CASE("a test whose expectation is turned round fails, and alone") {
  const std::string team = preset("team");
  int turned = 0;
  for (const auto& [from, to] : {std::pair<std::string, std::string>("expect = \"permit\"", "expect = \"deny\""),
                                 std::pair<std::string, std::string>("expect = \"deny\"", "expect = \"permit\"")}) {
    for (std::size_t at = team.find(from); at != std::string::npos; at = team.find(from, at + 1)) {
      const std::vector<TestFailure> failures = run_tests(parsed(replaced(team, at, from, to)));
      REQUIRE(failures.size() == 1);
      CHECK(failures[0].line == line_of(team, team.rfind("[[test]]", at)));
      CHECK_THAT(failures[0].message, Catch::Contains("expected ") && Catch::Contains(", got "));
      ++turned;
    }
  }
  CHECK(turned == 11);
}

TEST_CASE("a test that names the wrong rule fails") {
  const std::string team = preset("team");
  const std::string from = "rule = \"restricted\"";
  const auto failures = run_tests(parsed(replaced(team, team.find(from), from, "rule = \"deployed-is-fixed\"")));
  REQUIRE(failures.size() == 1);
  CHECK(
      failures[0].message ==
      "ann, read on /restricted/pii.csv: expected deny by rule \"deployed-is-fixed\", got deny by rule \"restricted\" "
      "(forbidden by rule \"restricted\": read on /restricted/pii.csv)");
}

TEST_CASE("a test can set time, program, links and labels") {
  const Policy policy = good(R"(
[[permit]]
name = "all"
who = ["everyone"]
may = ["read"]
when = { before = "2027-01-01T00:00:00Z" }
[[forbid]]
name = "no-cat"
who = ["everyone"]
may = ["read"]
where = ["/pii/**"]
when = { executable = ["cat"], not_labels = ["public"] }
[[test]]
who = 1001
may = "read"
path = "/x"
expect = "permit"
[[test]]
who = 1001
may = "read"
path = "/x"
at = 2027-01-01T00:00:00Z
expect = "deny"
rule = "default-deny"
[[test]]
who = "ann"
may = "read"
path = "/x"
links = ["/pii/x"]
executable = "/usr/bin/cat"
expect = "deny"
rule = "no-cat"
[[test]]
who = "ann"
may = "read"
path = "/pii/x"
expect = "deny"
rule = "error"
[[test]]
who = "ann"
may = "read"
path = "/pii/x"
labels = ["public"]
expect = "permit"
)");
  CHECK(test_count(policy) == 5);
  for (const TestFailure& failure : run_tests(policy)) FAIL_CHECK(failure.line << ": " << failure.message);
}

TEST_CASE("team: who may what") {
  const Policy team = parsed(preset("team"));
  const Subject ann = person("ann", 1001);
  const Subject sue = person("sue", 1002, {"ward-stewards"});
  const Subject root = person("root", 0);
  const auto may = [&](const Subject& who, const Object& object) {
    std::string list;
    for (const Right right : kRights) {
      if (decide(team, {who, right, object, 0}).permitted)
        list += std::string(list.empty() ? "" : " ") + std::string(to_string(right));
    }
    return list;
  };
  CHECK(may(ann, file({"/models/m"}, 5)) == "read write create delete list tag");
  CHECK(may(ann, file({"/models/m"}, 1001)) == "read write create delete list tag promote sign");
  CHECK(may(ann, file({"/models/m"}, 5, "deployment")) == "read create list tag");
  CHECK(may(ann, file({"/restricted/m"}, 5)).empty());
  CHECK(may(ann, file({"/restricted"}, 0)).empty());
  CHECK(may(ann, file({"/restricted/m"}, 1001)) == "read write create delete list tag promote sign");
  CHECK(may(sue, file({"/restricted/m"}, 5, "deployment")) ==
        "read write create delete list tag promote approve hold sign purge");
  CHECK(may(root, file({"/models/m"}, 5)) == "read write create delete list tag audit administer");
  CHECK(may(person("ada", 7, {"ward-admins"}), file({"/"}, 0)) == "read write create delete list tag audit administer");
  const auto step = transition(team, "/models/m", "staging", "deployment");
  REQUIRE(step);
  REQUIRE(step->approvals.size() == 1);
  CHECK(step->approvals[0].role == "stewards");
  CHECK(retention(team, "/models/m", {}, "training", 0).keep_until == 365LL * 86400 * 1'000'000'000);
  CHECK(retention(team, "/data/d", {}, "training", 0).keep_until == 30LL * 86400 * 1'000'000'000);
}

TEST_CASE("both presets know the names that programs use while they work") {
  for (const char* name : {"team", "allow-all"}) {
    const Policy policy = parsed(preset(name));
    for (const char* path : {"/a/m.bin.tmp",
                             "/m.temp",
                             "/a/.m.bin.swp",
                             "/a/.m.bin.swo",
                             "/a/.m.bin.swpx",
                             "/a/m.bin~",
                             "/a/.~lock.x.odt#",
                             "/a/index.lock",
                             "/a/x.lck",
                             "/a/.m.bin.a1B2c3",
                             "/a/4913",
                             "/a/db.sqlite-journal",
                             "/a/db-wal",
                             "/a/db-shm",
                             "/a/.nfs000012",
                             "/a/.fuse_hidden0001",
                             "/r/.git/objects/ab/tmp_obj_x1",
                             "/r/.git/objects/pack/tmp_pack_x",
                             "/r/.git/index.lock",
                             "/r/.git/refs/heads/main.lock"}) {
      INFO(path);
      CHECK(scratch(policy, path));
    }
    for (const char* path :
         {"/a/m.bin", "/a/tmp", "/a/m.tmp/b", "/a/.gitignore", "/a/.m.bin.a1B2c", "/a/.m.bin.a1B2c3d",
          "/a/.m.bin.a1_2c3", "/a/m.bin.a1B2c3", "/a/..a1B2c3", "/a/poetry.lock", "/a/Cargo.lock", "/a/4913x",
          "/r/.git/HEAD", "/r/.git/objects/ab/cdef", "/objects/tmp_x", "/"}) {
      INFO(path);
      CHECK_FALSE(scratch(policy, path));
    }
    for (const char* path : {"/a/train.log", "/runs/events.out.tfevents.1.h", "/a/x.db", "/a/x.db3", "/a/x.sqlite",
                             "/a/x.sqlite3", "/a/x.db-wal", "/a/x.db-shm", "/a/x.db-journal"}) {
      INFO(path);
      CHECK(visibility(policy, path) == Visibility::write);
    }
    CHECK(visibility(policy, "/a/m.bin") == Visibility::close);
    CHECK(visibility(policy, "/a/train.log.gz") == Visibility::close);
    CHECK(depth(policy, "/a/m.bin", {}) == Depth::ranges);
  }
}

TEST_CASE("the worked example of POLICY.md parses and passes its tests") {
  std::ifstream in(WARD_SOURCE_DIR "/policy/POLICY.md");
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  const std::string fence = "```toml\nformat = 1\n";
  const std::size_t begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  const std::size_t from = begin + 8;
  const Policy policy = parsed(text.substr(from, text.find("```", from) - from));
  CHECK(test_count(policy) >= 5);
  for (const TestFailure& failure : run_tests(policy)) FAIL_CHECK(failure.line << ": " << failure.message);
}
