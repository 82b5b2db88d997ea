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

const Config kConfig = {"host/ward/uuid", "host/ward/uuid+01234567+AQID", "2026-11-23T10:04:05Z", "keys/log.pem"};

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
  CHECK(parse_config(kGood, "ward.toml") == Config{"o", "v", "c", "k"});
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
