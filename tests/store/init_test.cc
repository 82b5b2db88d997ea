// SPDX-License-Identifier: Apache-2.0
// Goal: a store is complete or recognisably not, and making one never harms what was there.
// Method: real stores in temp folders; a crash at each step is the finished store with everything after the step taken
// away again.
#include "store/init.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "policy/policy.h"
#include "store/audit_log.h"
#include "store/catalog.h"
#include "store/checkpoint.h"
#include "store/error.h"
#include "store/files.h"
#include "store/git_history.h"
#include "store/lock.h"
#include "store/object_store.h"
#include "store/record_json.h"
#include "store/segments.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using ward::tests::TempDir;
namespace fs = std::filesystem;

namespace {

InitOptions options() {
  return {ward::policy::preset("team"), "team", ""};
}

std::string refusal(const fs::path& path, const InitOptions& how) {
  try {
    init_store(path, how);
  } catch (const Error& error) {
    CHECK(error.code() == Code::config);
    return error.what();
  }
  return "nothing was refused";
}

unsigned mode(const fs::path& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

std::vector<Record> records(const fs::path& store) {
  std::vector<Record> all;
  read_lines(store / "audit", 0, [&](Sequence, std::string_view line) { all.push_back(parse_line(line)); });
  return all;
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a new store has its parts, closed to others, and says who it is") {
  const TempDir dir;
  const auto store = dir.path() / "store";
  const Config config = init_store(store, options());
  CHECK(load_config(store) == config);
  CHECK(config.origin.find("/ward/") != std::string::npos);
  const auto key = parse_vkey(config.vkey);
  CHECK(key.name == config.origin);
  CHECK(key.key == SigningKey::load(store / config.key).public_key());
  CHECK(mode(store) == 0700);
  CHECK(mode(store / "keys") == 0700);
  CHECK(mode(store / "keys/log.pem") == 0600);
  CHECK(mode(store / "drafts") == 0700);
  const GitHistory history(store / "history.git");
  CHECK(history.head() == history.start());

  const Config other = init_store(dir.path() / "other", options());
  CHECK(other.origin != config.origin);
  CHECK(other.vkey != config.vkey);
}

TEST_CASE("its first records are the log's start, the root folder and the policy, durable and signed") {
  const TempDir dir;
  const auto store = dir.path() / "store";
  auto how = options();
  how.origin = "example.org/ward/one";
  const Config config = init_store(store, how);
  const auto all = records(store);
  REQUIRE(all.size() == 3);
  CHECK(std::get<LogStart>(all[0].payload) == LogStart{1, "example.org/ward/one", config.vkey});
  const auto& root = std::get<Create>(all[1].payload);
  CHECK(root.artifact == kRoot);
  CHECK(root.at == Place{0, ""});
  CHECK(root.kind == Kind::folder);
  CHECK(root.mode == (::geteuid() == 0 ? 01777U : 0755U));
  CHECK(root.uid == ::geteuid());
  const auto& policy = std::get<PolicyChange>(all[2].payload);
  CHECK(policy.number == 1);
  CHECK(policy.size == how.policy_text.size());
  const ObjectStore objects(store / "history.git/lfs/objects");
  CHECK(objects.get(policy.sha256) == how.policy_text);
  CHECK(mode(objects.path(policy.sha256)) == 0444);
  CHECK(all[0].user.id == ::geteuid());
  CHECK(all[0].process.pid == ::getpid());

  AuditLog log(store / "audit", config.origin, SigningKey::load(store / config.key));
  CHECK(parse_checkpoint(parse_note(log.checkpoint_text())).size == 3);
  const Catalog catalog(store / "catalog.db");
  CHECK(catalog.applied() == 3);
  CHECK(catalog.applied_leaf() == log.last_leaf());
  CHECK(catalog.inode(kRoot)->kind == Kind::folder);
  CHECK(catalog.policy()->sha256 == policy.sha256);
}

TEST_CASE("an empty folder becomes a store, also by a relative path and with a final slash") {
  const TempDir dir;
  fs::create_directory(dir.path() / "empty");
  ::chmod((dir.path() / "empty").c_str(), 0755);
  init_store(dir.path().string() + "/empty/", options());
  CHECK(mode(dir.path() / "empty") == 0700);
  const auto before = fs::current_path();
  fs::current_path(dir.path());
  init_store("relative", options());
  fs::current_path(before);
  CHECK_NOTHROW(load_config(dir.path() / "relative"));
}

TEST_CASE("what is there already is refused and left alone") {
  const TempDir dir;
  const auto store = dir.path() / "store";
  fs::create_directory(store);
  std::ofstream(store / "thesis.txt") << "years of work";
  CHECK(refusal(store, options()).find("is not empty") != std::string::npos);
  CHECK(entries(store) == 1);
  CHECK(read_file(store / "thesis.txt") == "years of work");
  CHECK(refusal(store / "thesis.txt", options()).find("is not a folder") != std::string::npos);

  init_store(dir.path() / "made", options());
  const auto before = records(dir.path() / "made");
  CHECK(refusal(dir.path() / "made", options()).find("is a store already") != std::string::npos);
  CHECK(records(dir.path() / "made") == before);
}

TEST_CASE("a bad policy or a policy whose tests fail makes nothing") {
  const TempDir dir;
  const auto store = dir.path() / "store";
  CHECK(refusal(store, {"format = 1\n[[permit]]\nname = \n", "my.toml", ""}).rfind("my.toml: line 3, column", 0) == 0);
  CHECK_FALSE(fs::exists(store));
}

TEST_CASE("an origin that couldn't stand in a checkpoint makes nothing") {
  const TempDir dir;
  auto how = options();
  how.origin = "two words";
  CHECK_THROWS_AS(init_store(dir.path() / "store", how), Error);
  CHECK_FALSE(fs::exists(dir.path() / "store"));
}

TEST_CASE("an init that can't be finished takes back what it made") {
  const TempDir dir;
  fs::create_directory(dir.path() / "taken");
  const StoreLock other(dir.path() / "taken");  // another init is at work there
  CHECK_THROWS_AS(init_store(dir.path() / "taken", options()), Error);
  CHECK(entries(dir.path() / "taken") == 1);  // its lock
  CHECK_THROWS_AS(init_store(dir.path() / "no/such/parent", options()), Error);
}

TEST_CASE("after a crash at any step the store is recognised as half-made") {
  const TempDir dir;
  const auto store = dir.path() / "store";
  init_store(store, options());
  for (const char* last : {"ward.toml", "catalog.db", "audit", "history.git", "drafts"}) {
    fs::remove_all(store / last);
    CAPTURE(last);
    CHECK(half_made(store));
    CHECK(refusal(store, options()).find("half-made store") != std::string::npos);
  }
}
