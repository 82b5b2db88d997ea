// SPDX-License-Identifier: Apache-2.0
// Goal: a bad policy is refused with the place and with advice, and no text whatever does harm. Method: a table of
// small mistakes with the line, column and a part of the cause; then every truncation and random damage of a real
// policy.
#include <random>

#include "tests/policy/build.h"

using namespace ward::policy;
using namespace ward::policy::test;

namespace {

struct Mistake {
  std::string text;  // stands behind "format = 1\n", so it begins on line 2
  int line;
  int column;
  std::string cause;  // a part of it
};

const std::string kRule = "[[permit]]\nname = \"r\"\nwho = [\"everyone\"]\nmay = [\"read\"]\n";
const std::string kForbid = "[[forbid]]\nname = \"f\"\nwho = [\"everyone\"]\nmay = [\"read\"]\n";
const std::string kKeep = "[[retention]]\nname = \"k\"\n";
const std::string kTest = "[[test]]\nwho = \"ann\"\nmay = \"read\"\npath = \"/x\"\nexpect = \"deny\"\n";
const std::string kLife = "[[lifecycle]]\nname = \"l\"\nstages = [\"a\", \"b\"]\n";

void check(const std::vector<Mistake>& mistakes) {
  for (const Mistake& mistake : mistakes) {
    INFO(mistake.text);
    const auto parsed = parse("format = 1\n" + mistake.text);
    const auto* error = std::get_if<ParseError>(&parsed);
    REQUIRE(error != nullptr);
    INFO(to_string(*error));
    CHECK(error->line == mistake.line);
    CHECK(error->column == mistake.column);
    CHECK_THAT(error->cause, Catch::Contains(mistake.cause));
    CHECK_THAT(error->cause, Catch::Contains(":"));  // what is wrong: what to do
  }
}

}  // namespace

TEST_CASE("mistakes in TOML itself") {
  check({{"[[permit]\n", 2, 10, "table header"},
         {"x = \n", 2, 5, "key-value pair"},
         {"roles = 1\nroles = 2\n", 3, 9, "redefine"},
         {"a = \"\xff\"\n", 2, 5, "utf-8"},
         {"x = [8\"\xc3\xa9\"]\n", 2, 7, "middle of a word"},
         {"x = +[\"\xc3\xa9\"]\n", 2, 6, "middle of a word"},
         {"x = .\"\xc3\xa9\"\n", 2, 6, "middle of a word"},
         {"r\xc3\xa9 = 1\n", 2, 2, "put the text or the key in quotes"},
         {"[[permit]]\nname = \"r\xc3\xa9\" \xc3\xa9\n", 3, 13, "outside ASCII"}});
  const auto parsed = parse("format = 1\n\n[[permit]\n");
  CHECK_THAT(to_string(std::get<ParseError>(parsed)), Catch::StartsWith("line 3, column 10: "));
}

TEST_CASE("mistakes at the top") {
  check({{"[[permits]]\n", 2, 3, "unknown key \"permits\" in a policy: it can have format, roles, permit"},
         {"permit = 1\n", 2, 10, "found an integer: write [[permit]]"},
         {"permit = [1]\n", 2, 11, "a table, as [[permit]]"},
         {"roles = []\n", 2, 9, "[roles.NAME]"}});
  const auto of = [](const char* text) { return to_string(std::get<ParseError>(parse(text))); };
  CHECK_THAT(of(""), Catch::Contains("line 1, column 1: a policy needs the key \"format\""));
  CHECK_THAT(of("format = 2"), Catch::Contains("line 1, column 10: 2 is out of range"));
  CHECK_THAT(of("format = \"1\""), Catch::Contains("line 1, column 10: found a text: write an integer"));
}

TEST_CASE("mistakes in roles") {
  check({{"[roles.a]\nuser = [\"x\"]\n", 3, 1, "unknown key \"user\" in [roles.a]: it can have users, groups, roles"},
         {"[roles.a]\nusers = \"x\"\n", 3, 9, "not a list"},
         {"[roles.a]\nusers = [\"x\", 1.5]\n", 3, 15, "a number with a fraction"},
         {"[roles.a]\nusers = [-1]\n", 3, 10, "out of range"},
         {"[roles.a]\nusers = [4294967295]\n", 3, 10, "out of range"},
         {"[roles.a]\ngroups = [\"*\"]\n", 3, 11, "meaning of its own"},
         {"[roles.a]\n", 2, 1, "empty"},
         {"[roles.everyone]\nusers = [\"x\"]\n", 2, 8, "meaning of its own"},
         {"[roles.owner]\nusers = [\"x\"]\n", 2, 8, "meaning of its own"},
         {"[roles.a]\nroles = [\"b\"]\n", 3, 10, "unknown role \"b\": use \"a\", or define it"},
         {"[roles.a]\nroles = [\"a\"]\n", 3, 10, "which includes it in turn"},
         {"[roles.a]\nroles = [\"b\"]\n[roles.b]\nroles = [\"c\"]\n[roles.c]\nusers = [\"x\"]\nroles = [\"a\"]\n", 8,
          10, "role \"c\" includes \"a\""}});
}

TEST_CASE("mistakes in rules") {
  check({
      {"[[permit]]\nwho = [\"everyone\"]\nmay = [\"read\"]\n", 2, 1, "[[permit]] needs the key \"name\""},
      {"[[permit]]\nname = \"r\"\nmay = [\"read\"]\n", 2, 1, "needs the key \"who\""},
      {"[[forbid]]\nname = \"r\"\nwho = [\"everyone\"]\n", 2, 1, "[[forbid]] needs the key \"may\""},
      {"[[permit]]\nname = 7\n", 3, 8, "found an integer: write a text"},
      {"[[permit]]\nname = \"\"\n", 3, 8, "empty text"},
      {"[[permit]]\nname = \"error\"\n", 3, 8, "meaning of its own"},
      {"[[permit]]\nname = \"a\\nb\"\n", 3, 8, "control character"},
      {"[[permit]]\nname = \"r\"\nwho = [\"x\"]\n", 4, 8, "unknown role \"x\": use \"everyone\" or \"owner\""},
      {"[[permit]]\nname = \"r\"\nwho = [\"everyone\", 7]\n", 4, 20, "found an integer"},
      {"[[permit]]\nname = \"r\"\nwho = \"everyone\"\n", 4, 7, "found a text: write a list of texts"},
      {"[[permit]]\nname = \"r\"\nwho = []\n", 4, 7, "empty list"},
      {"[[permit]]\nname = \"r\"\nwho = [\"owner\"]\nmay = [\"read\", \"raed\"]\n", 5, 16,
       "unknown right \"raed\": use \"read\", \"write\""},
      {kRule + "where = []\n", 6, 9, "matches nothing"},
      {kRule + "where = [\"/a\", \"/b[\"]\n", 6, 16, "not closed"},
      {kRule + "not_where = [\"/b/\"]\n", 6, 14, "trailing"},
      {kRule + "except = [\"x\"]\n", 6, 11, "unknown role"},
      {kRule + "wheer = [\"/a\"]\n", 6, 1, "unknown key \"wheer\" in [[permit]]: it can have name, who, except, may"},
      {kRule + kRule, 7, 8, "a second rule named \"r\""},
      {kRule + "[[forbid]]\nname = \"r\"\n", 7, 8, "a second rule named \"r\""},
  });
}

TEST_CASE("mistakes in conditions") {
  check({
      {kRule + "when = 1\n", 6, 8, "a table, as when"},
      {kRule + "when = { stages = [\"training\"] }\n", 6, 10, "unknown key \"stages\""},
      {kRule + "when = { stage = [\"trianing\"] }\n", 6, 19, "unknown stage \"trianing\": use \"training\""},
      {kRule + "when = { labels = \"x\" }\n", 6, 19, "a list of texts"},
      {kRule + "when = { owner = \"yes\" }\n", 6, 18, "true or false"},
      {kRule + "when = { executable = [\"/usr/bin/*\"] }\n", 6, 23, "can be faked"},
      {kRule + "when = { not_executable = [\"/usr/bin/*\"] }\n", 6, 27, "can be faked"},
      {kForbid + "when = { executable = [] }\n", 6, 23, "empty list"},
      {kRule + "when = { before = \"tomorrow\" }\n", 6, 19, "not an instant"},
      {kRule + "when = { before = \"2027-02-29T00:00:00Z\" }\n", 6, 19, "not an instant"},
      {kRule + "when = { before = \"2027-01-01T00:00:00\" }\n", 6, 19, "offset"},
      {kRule + "when = { before = 2027-01-01 }\n", 6, 19, "offset"},
      {kRule + "when = { before = \"2300-01-01T00:00:00Z\" }\n", 6, 19, "1970 to 2261"},
      {kRule + "when = { before = 12 }\n", 6, 19, "not an instant"},
      {kRule + "when = { after = 2027-01-01T00:00:00Z, before = 2026-01-01T00:00:00Z }\n", 6, 49, "never holds"},
      {kRule + "when = { hours = \"8-18\" }\n", 6, 18, "not hours of the day"},
      {kRule + "when = { hours = \"08:00-24:01\" }\n", 6, 18, "not hours of the day"},
      {kRule + "when = { hours = \"08:00-08:00\" }\n", 6, 18, "not hours of the day"},
  });
}

TEST_CASE("mistakes in retention, audit, visibility, scratch and lifecycle") {
  check({
      {kKeep, 2, 1, "does nothing"},
      {kRule + "[[retention]]\nname = \"r\"\nkeep = \"1d\"\n", 7, 8, "a second rule named"},
      {kKeep + "keep = 365\n", 4, 8, "not a length of time"},
      {kKeep + "keep = \"365\"\n", 4, 8, "not a length of time"},
      {kKeep + "keep = \"-1d\"\n", 4, 8, "not a length of time"},
      {kKeep + "keep = \"0d\"\n", 4, 8, "not a length of time"},
      {kKeep + "keep = \"1.5d\"\n", 4, 8, "not a length of time"},
      {kKeep + "keep = \"1dd\"\n", 4, 8, "not a length of time"},
      {kKeep + "keep = \"293y\"\n", 4, 8, "write \"forever\""},
      {kKeep + "keep = \"99999999999999999999y\"\n", 4, 8, "write \"forever\""},
      {kKeep + "keep = \"2d\"\npurge_after = \"1d\"\n", 5, 15, "must still be kept"},
      {kKeep + "keep = \"2d\"\nmode = \"strict\"\n", 5, 8, "\"governance\" or \"compliance\""},
      {kKeep + "keep = \"2d\"\nwhen = { owner = true }\n", 5, 10, "when of [[retention]]: it can have stage, labels"},
      {"[[audit]]\nwhere = [\"/a\"]\n", 2, 1, "needs the key \"depth\""},
      {"[[audit]]\ndepth = \"deep\"\n", 3, 9, "\"open\", \"ranges\" or \"request\""},
      {"[[audit]]\ndepth = \"open\"\nwhen = { stage = [\"training\"] }\n", 4, 10, "when of [[audit]]"},
      {"[[visibility]]\nvisibility = \"write\"\n", 2, 1, "needs the key \"where\""},
      {"[[visibility]]\nwhere = [\"/a\"]\nvisibility = \"open\"\n", 4, 14, "\"close\" or \"write\""},
      {"[[scratch]]\n", 2, 1, "needs the key \"where\""},
      {"[[scratch]]\nwhere = [\"*.tmp\"]\nname = \"x\"\n", 4, 1, "unknown key \"name\""},
      {"[[lifecycle]]\nname = \"l\"\n", 2, 1, "needs the key \"stages\""},
      {"[[lifecycle]]\nname = \"l\"\nstages = [\"a\", \"a\"]\n", 4, 16, "twice"},
      {"[[lifecycle]]\nname = \"l\"\nstages = [\"a/b\"]\n", 4, 11, "letters, digits"},
      {kLife + kLife, 6, 8, "a second lifecycle named \"l\""},
      {kLife + "[[lifecycle.transition]]\nfrom = \"a\"\n", 5, 1, "needs the key \"to\""},
      {kLife + "[[lifecycle.transition]]\nfrom = \"a\"\nto = \"c\"\n", 7, 6, "unknown stage \"c\""},
      {kLife + "[[lifecycle.transition]]\nfrom = \"a\"\nto = \"a\"\n", 7, 6, "comes from"},
      {kLife + "transition = [{from=\"a\", to=\"b\"}, {from=\"a\", to=\"b\"}]\n", 5, 35, "a second transition"},
      {kLife + "transition = [{from=\"a\", to=\"b\", who=[\"x\"]}]\n", 5, 39, "unknown role \"x\""},
      {kLife + "transition = [{from=\"a\", to=\"b\", approvals=[{role=\"everyone\"}]}]\n", 5, 51, "unknown role"},
      {kLife + "transition = [{from=\"a\", to=\"b\", approvals=[{count=1}]}]\n", 5, 45, "needs the key \"role\""},
      {"[roles.s]\nusers=[\"x\"]\n" + kLife +
           "transition = [{from=\"a\", to=\"b\", approvals=[{role=\"s\", count=0}]}]\n",
       7, 62, "out of range"},
  });
}

TEST_CASE("mistakes in tests") {
  check({
      {"[[test]]\nmay = \"read\"\n", 2, 1, "needs the key \"who\""},
      {kTest + "rule = \"nosuch\"\n", 7, 8, "unknown rule \"nosuch\": use \"default-deny\" or \"error\""},
      {kTest + "links = [\"x\"]\n", 7, 10, "not a path"},
      {kTest + "stage = \"x\"\n", 7, 9, "unknown stage"},
      {kTest + "groups = \"x\"\n", 7, 10, "not a list"},
      {"[[test]]\nwho = \"ann\"\nmay = \"*\"\n", 4, 7, "unknown right \"*\""},
      {"[[test]]\nwho = \"ann\"\nmay = \"read\"\npath = \"/x/\"\n", 5, 8, "not a path"},
      {"[[test]]\nwho = \"ann\"\nmay = \"read\"\npath = \"/x\"\nexpect = \"allow\"\n", 6, 10, "\"permit\" or \"deny\""},
  });
}

TEST_CASE("columns count characters, not bytes") {
  check({{"roles = { \"\xc3\xa9\xc3\xa9\" = { users = [1.5] } }\n", 2, 29, "fraction"}});
}

TEST_CASE("names outside ASCII, and every way to write a key") {
  const Policy policy = good(
      "[roles.\"d\xc3\xa9v\"]\nusers = [\"ann\"]\n[roles]\n'\xc3\xa9'.users = [\"\"\"bob\"\"\", 'cyd']\n"
      "zoe.'users' = [\n  \"zo\xc3\xab\",  # zo\xc3\xab\n]\n");
  CHECK(in_role(policy, "d\xc3\xa9v", person("ann", 1), 2));
  CHECK(in_role(policy, "\xc3\xa9", person("cyd", 1), 2));
  CHECK(in_role(policy, "zoe", person("zo\xc3\xab", 1), 2));
}

TEST_CASE("a byte order mark is nothing to complain about") {
  CHECK(
      std::holds_alternative<Policy>(parse("\xef\xbb\xbf"
                                           "format = 1\n")));
}

TEST_CASE("no text does harm") {
  const std::string team = preset("team");
  SECTION("cut off anywhere") {
    for (std::size_t size = 0; size < team.size(); size += 3) parse(std::string_view(team).substr(0, size));
  }
  SECTION("damaged anywhere") {
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
      std::string text = team;
      for (int i = 0; i < 3; ++i) text[random() % text.size()] = static_cast<char>(random() % 256);
      const auto parsed = parse(text);
      if (const auto* policy = std::get_if<Policy>(&parsed)) run_tests(*policy);
    }
  }
  SECTION("too deep or too large") {
    const auto repeated = [](const char* text, int count) {
      std::string all;
      for (int i = 0; i < count; ++i) all += text;
      return all;
    };
    for (const std::string& text :
         {"a = " + repeated("[", 100000), repeated("a.", 100000) + "a = 1", "[" + repeated("a.", 100000) + "a]",
          "a = \"\"\"\\\"\"\"\"\n" + repeated("a.", 100000) + "a = 1", std::string((1 << 20) + 1, '\n'),
          "[roles]\n" + repeated("x", 1) + " = { roles = [\"x\"] }"}) {
      CHECK(std::holds_alternative<ParseError>(parse(text)));
    }
    std::string chain = "format = 1\n[roles]\nr0 = { users = [\"x\"] }\n";
    for (int i = 1; i < 1000; ++i) {
      chain += "r" + std::to_string(i) + " = { roles = [\"r" + std::to_string(i - 1) + "\"] }\n";
    }
    CHECK(std::holds_alternative<Policy>(parse(chain)));
    CHECK(std::holds_alternative<ParseError>(parse(chain + "r1000 = { roles = [\"r0\"] }\n")));
  }
}
