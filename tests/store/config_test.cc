// SPDX-License-Identifier: Apache-2.0
// Goal: a store's description survives writing and reading, and every way in which it can be wrong is named with its
// place, before anything of the store is touched. Two users of one store exclude each other.
// Method: texts that differ from a good one in one thing; a real lock from a second descriptor.
#include "store/config.h"

#include <unistd.h>

#include <fstream>

#include "store/error.h"
#include "store/files.h"
#include "store/lock.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;

namespace {

const Config kConfig = {"host/ward/uuid", "host/ward/uuid+01234567+AQID", "2026-11-23T10:04:05Z", "keys/log.pem", {}};

/// "code message" of what the action throws.
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + " " + error.what();
  }
  return "nothing was thrown";
}

std::string code(Code code, const std::string& message) {
  return std::to_string(static_cast<int>(code)) + " " + message;
}

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_config(text, "ward.toml"); });
}

const std::string kGood = "format = 1\norigin = \"o\"\nvkey = \"v\"\ncreated = \"c\"\nkey = \"k\"\n";

}  // namespace

TEST_CASE("a configuration comes back as it was written") {
  const TempDir dir;
  save_config(dir.path(), kConfig);
  CHECK(load_config(dir.path()) == kConfig);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "ward.toml.tmp"));

  auto odd = kConfig;
  odd.origin = "quote \" backslash \\ new\nline é";
  CHECK(parse_config(to_toml(odd), "ward.toml") == odd);
}

TEST_CASE("what is wrong with a configuration is named with its place") {
  CHECK(parse_config(kGood, "ward.toml") == Config{"o", "v", "c", "k", {}});
  CHECK(parse_error("format = 1\norigin = \n").rfind(code(Code::config, "ward.toml:2:"), 0) == 0);
  CHECK(parse_error(kGood + "\nspeed = 9\n") == code(Code::config, "ward.toml:7:1: unknown key \"speed\""));
  CHECK(parse_error("format = 1\norigin = \"o\"\nvkey = \"v\"\ncreated = \"c\"\n") ==
        code(Code::config, "ward.toml:1:1: the key \"key\" is missing"));
  CHECK(parse_error("format = 1\norigin = \"o\"\nvkey = 7\ncreated = \"c\"\nkey = \"k\"\n") ==
        code(Code::config, "ward.toml:3:8: \"vkey\" must be a text that isn't empty"));
  CHECK(parse_error("format = \"1\"\n") == code(Code::config, "ward.toml:1:10: \"format\" must be a number"));
  CHECK(parse_error("").rfind(code(Code::config, "ward.toml:1:1:"), 0) == 0);
  CHECK(parse_error("format = 1\n\xff").rfind(code(Code::config, "ward.toml:"), 0) == 0);
}

TEST_CASE("anchors come back as they were written, with what they leave out") {
  auto config = kConfig;
  config.anchors = {
      {"witness-1", {"/usr/bin/ward", "a \"quoted\" word", "é"}, std::chrono::seconds(1), std::chrono::seconds(2)},
      {"b", {"/bin/true"}, std::chrono::hours(24), std::chrono::minutes(10)}};
  CHECK(parse_config(to_toml(config), "ward.toml") == config);
  const auto one = parse_config(kGood + "[[anchor]]\nname = \"a\"\ncommand = [\"/bin/true\"]\n", "ward.toml");
  CHECK(one.anchors ==
        std::vector<AnchorCommand>{{"a", {"/bin/true"}, std::chrono::hours(1), std::chrono::minutes(1)}});
}

TEST_CASE("what is wrong with an anchor is named with its place") {
  const auto anchor = [](const std::string& name, const std::string& command, const std::string& more = "") {
    return parse_error(kGood + "[[anchor]]\nname = " + name + "\ncommand = " + command + "\n" + more);
  };
  const std::string good = "\"a\"", run = "[\"/bin/true\"]", long_name(41, 'a');
  CHECK(anchor(good, run) == "nothing was thrown");
  for (const std::string bad : {"\"\"", "\"A\"", "\"a.b\"", "\"../x\"", "\"checkpoint\"", "\"tmp\"", "7"})
    CHECK(anchor(bad, run).rfind(code(Code::config, "ward.toml:7:8: "), 0) == 0);
  CHECK(anchor("\"" + long_name + "\"", run) ==
        code(Code::config, "ward.toml:7:8: an anchor's name is 1 to 40 of a-z, 0-9 and -"));
  for (const std::string bad : {"[]", "[\"\"]", "[\"true\"]", "\"/bin/true\"", "[7]", "[\"/a\\u0000b\"]"})
    CHECK(anchor(good, bad).rfind(code(Code::config, "ward.toml:8:1"), 0) == 0);
  for (const std::string bad :
       {"every = 5", "every = \"1 fortnight\"", "every = \"forever\"", "timeout = \"11m\"", "shell = true"})
    CHECK(anchor(good, run, bad + "\n").rfind(code(Code::config, "ward.toml:9:"), 0) == 0);
  CHECK(anchor(good, run, "[[anchor]]\nname = \"a\"\ncommand = [\"/bin/true\"]\n") ==
        code(Code::config, "ward.toml:10:8: there is an anchor \"a\" already"));
  CHECK(parse_error(kGood + "[[anchor]]\nname = \"a\"\n").find("needs the key \"command\"") != std::string::npos);
  CHECK(parse_error(kGood + "anchor = 1\n").rfind(code(Code::config, "ward.toml:6:10: "), 0) == 0);
}

TEST_CASE("commands that others could have written aren't run") {
  const TempDir dir;
  save_config(dir.path(), kConfig);
  std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
  CHECK_NOTHROW(check_writers(dir.path(), "nothing is run"));
  std::filesystem::permissions(dir.path() / "ward.toml", std::filesystem::perms(0620));
  CHECK(error_of([&] { check_writers(dir.path(), "nothing is run"); }).find("others than the user who mounts") !=
        std::string::npos);
  std::filesystem::permissions(dir.path() / "ward.toml", std::filesystem::perms(0600));
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0777));
  CHECK(error_of([&] { check_writers(dir.path(), "nothing is run"); }).find("others than the user who mounts") !=
        std::string::npos);
  std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
  if (::geteuid() != 0) return;
  REQUIRE(::chown((dir.path() / "ward.toml").c_str(), 12345, 0) == 0);
  CHECK(error_of([&] { check_writers(dir.path(), "nothing is run"); }).find("others than the user who mounts") !=
        std::string::npos);
}

TEST_CASE("a store of another format is refused before its other keys are judged") {
  CHECK(parse_error("format = 9\nunheard_of = true\n") ==
        code(Code::format, "ward.toml: store format 9: this program reads format 1; use a newer ward"));
}

TEST_CASE("no store, a half-made store and a store are told apart") {
  const TempDir dir;
  const auto name = dir.path().string();
  const auto load = [&] { return error_of([&] { load_config(dir.path()); }); };
  CHECK(load() == code(Code::config, name + ": not a store (it has no ward.toml); `ward init` makes one"));
  CHECK(error_of([&] { load_config(dir.path() / "absent"); }).find("not a store") != std::string::npos);

  std::filesystem::create_directory(dir.path() / "keys");
  CHECK(half_made(dir.path()));
  CHECK(load().rfind(code(Code::config, name + ": a half-made store"), 0) == 0);

  save_config(dir.path(), kConfig);
  CHECK_FALSE(half_made(dir.path()));
  CHECK(load() == "nothing was thrown");
}

TEST_CASE("a store has one user at a time, and the second is told who is the first") {
  const TempDir dir;
  {
    const StoreLock first(dir.path());
    const auto busy = code(
        Code::busy, "store " + dir.path().string() + " is in use by ward (pid " + std::to_string(::getpid()) + ")");
    CHECK(error_of([&] { StoreLock second(dir.path()); }) == busy);
  }
  CHECK(error_of([&] { StoreLock again(dir.path()); }) == "nothing was thrown");
}
