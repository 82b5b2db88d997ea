// SPDX-License-Identifier: Apache-2.0
// Goal: what the virtual files say follows from the records alone, is valid JSON whatever the names are, and stays
// finite whatever the lineage is.
// Method: a small story is told to a catalog record by record (alice saves data, bob trains a model from it), then each
// report is read as a user would read it.
#include "store/reports.h"

#include <nlohmann/json.hpp>

#include "store/report_text.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using nlohmann::json;
using ward::tests::TempDir;

namespace {

constexpr Nanos kSecond = 1'000'000'000;
constexpr Nanos kStart = 1'795'000'000 * kSecond;  // 2026-11-18T11:06:40Z

/// Numbers and applies records; each takes place one second after the one before.
struct Story {
  TempDir dir;
  Catalog catalog{dir.path() / "catalog.db"};

  Story() {
    tell("root", "", LogStart{1, "o", "v"});
    tell("root", "/", Create{1, {0, ""}, Kind::folder, 0755, 0, 0, 0, "", false, 0, 0});
    tell("root", "", PolicyChange{1, 0, Sha256(64, 'a'), 10, 0});
  }
  Sequence next() const { return catalog.applied(); }
  Sequence tell(const std::string& user, const std::string& path, Payload payload) {
    Record record;
    record.sequence = next();
    record.time = kStart + static_cast<Nanos>(next()) * kSecond;
    record.user = {1000, user, 1000, 1000, user};
    record.process.executable = "/usr/bin/python3";
    record.path = path;
    record.payload = std::move(payload);
    catalog.apply(record, std::string(64, '0'));
    return record.sequence;
  }
  Id file(const std::string& user, const std::string& name) {
    return tell(user, "/" + name, Create{next(), {kRoot, name}, Kind::file, 0644, 1000, 1000, 0, "", false, 0, 0});
  }
  void save(const std::string& user, Id id, std::uint64_t version, char digit, std::vector<Input> inputs,
            Retain retain = {}) {
    const auto inode = catalog.inode(id);
    Commit commit;
    commit.artifact = id;
    commit.prev = inode->last;
    commit.draft =
        tell(user, catalog.path(id),
             Open{id, inode->version, inode->sha256, inode->size, next(), next(), inode->version, 0, "w", "ranges"});
    commit.version = version;
    commit.base = inode->version;
    commit.sha256 = Sha256(64, digit);
    commit.size = 100 * version;
    commit.mtime = kStart;
    commit.final = true;
    commit.authors = {{1000, 1000, 100}};
    commit.inputs = std::move(inputs);
    commit.stage = "training";
    commit.labels = {"internal"};
    commit.retain = std::move(retain);
    tell(user, catalog.path(id), commit);
  }
};

ward::policy::Policy allow_all() {
  return std::get<ward::policy::Policy>(ward::policy::parse(ward::policy::preset("allow-all")));
}

}  // namespace

TEST_CASE("info.json, stage, versions and history tell who saved what and when") {
  Story story;
  const Id data = story.file("alice", "t.csv");
  story.save("alice", data, 1, '1', {});
  story.save("bob", data, 2, '2', {}, {"models-1y", "governance", kStart + kSecond, 0});

  const auto info = json::parse(info_json(story.catalog, data));
  CHECK(info["path"] == "/t.csv");
  CHECK(info["names"] == json::array({"/t.csv"}));
  CHECK(info["kind"] == "file");
  CHECK(info["mode"] == "0644");
  CHECK(info["version"] == 2);
  CHECK(info["sha256"] == std::string(64, '2'));
  CHECK(info["size"] == 200);
  CHECK(info["labels"] == json::array({"internal"}));
  CHECK(info["final"] == true);
  CHECK(info["committer"]["user"] == "bob");
  CHECK(info["authors"][0]["uid"] == 1000);
  CHECK(info["in_git"] == false);
  CHECK(info["retention"]["rule"] == "models-1y");
  CHECK(info["retention"]["keep_until"] == "2026-11-18T11:06:41Z");
  CHECK(info["retention"]["purge_after"].is_null());
  CHECK(stage_text(story.catalog, data) == "training\n");

  const auto versions = versions_table(story.catalog, data);
  CHECK(versions.rfind("version  time ", 0) == 0);
  CHECK(versions.find("\n1  ") < versions.find("\n2  "));
  CHECK(versions.find(std::string(64, '1') + "\n") != std::string::npos);

  const auto history = history_text(story.catalog, data);
  CHECK(history.find("alice  create  ") != std::string::npos);
  CHECK(history.find("bob    commit  v2") != std::string::npos);
  CHECK(history.find(" \n") == std::string::npos);
}

TEST_CASE("a folder and the root have an info.json too, and an unknown id has nothing") {
  Story story;
  const auto info = json::parse(info_json(story.catalog, kRoot));
  CHECK(info["path"] == "/");
  CHECK(info["kind"] == "folder");
  CHECK_FALSE(info.contains("version"));
  CHECK(info_json(story.catalog, 4711).empty());
  CHECK(stage_text(story.catalog, 4711).empty());
  CHECK(lineage_json(story.catalog, {4711, 1}).empty());
}

TEST_CASE("names that aren't UTF-8 or hold line breaks can't break a report") {
  Story story;
  const Id odd = story.file("alice", "a\xff\nroot  forged");
  story.save("alice", odd, 1, '1', {});
  const auto info = json::parse(info_json(story.catalog, odd));
  CHECK(info["path"].get<std::string>().rfind("/a\xEF\xBF\xBD", 0) == 0);
  CHECK(info["path_b64"] == "L2H/CnJvb3QgIGZvcmdlZA==");
  CHECK(json::accept(lineage_json(story.catalog, {odd, 1})));
  CHECK(lineage_text(story.catalog, {odd, 1}).find("\nroot") == std::string::npos);
}

TEST_CASE("lineage names inputs by version, through several steps, and outputs") {
  Story story;
  const Id data = story.file("alice", "t.csv"), features = story.file("bob", "f.npy"),
           model = story.file("bob", "m.bin");
  story.save("alice", data, 1, '1', {});
  story.save("bob", features, 1, '2', {{{data, 1}, "observed", "high"}});
  story.save("bob", model, 1, '3', {{{features, 1}, "observed", "high"}, {{data, 1}, "inherited", "low"}});

  const auto lineage = json::parse(lineage_json(story.catalog, {model, 1}));
  CHECK(lineage["path"] == "/m.bin");
  CHECK(lineage["sha256"] == std::string(64, '3'));
  REQUIRE(lineage["inputs"].size() == 2);
  CHECK(lineage["outputs"] == json::array());
  std::map<std::string, json> inputs;
  for (const auto& input : lineage["inputs"]) inputs[input["path"]] = input;
  CHECK(inputs.at("/t.csv")["basis"] == "inherited");
  CHECK(inputs.at("/t.csv")["confidence"] == "low");
  CHECK(inputs.at("/t.csv")["inputs"] == json::array());
  CHECK(inputs.at("/f.npy")["version"] == 1);
  CHECK(inputs.at("/f.npy")["inputs"][0]["path"] == "/t.csv");
  CHECK(inputs.at("/f.npy")["inputs"][0]["repeated"] == true);  // expanded where it is nearest

  const auto impact = json::parse(lineage_json(story.catalog, {data, 1}));
  CHECK(impact["inputs"].empty());
  CHECK(impact["outputs"].size() == 2);

  const auto text = lineage_text(story.catalog, {model, 1});
  CHECK(text.rfind("/m.bin v1  333333333333\nmade from\n", 0) == 0);
  CHECK(text.find("\n  /f.npy v1  222222222222  observed, high confidence\n    /t.csv v1") != std::string::npos);
  CHECK(text.find("used for nothing that is known\n") != std::string::npos);
}

TEST_CASE("lineage doesn't give away what the reader may not read") {
  Story story;
  const Id secret = story.file("alice", "secret.csv"), model = story.file("bob", "m.bin");
  story.save("alice", secret, 1, '1', {});
  story.save("bob", model, 1, '2', {{{secret, 1}, "observed", "high"}});
  const auto lineage = lineage_json(story.catalog, {model, 1}, [&](Id id) { return id != secret; });
  CHECK(lineage.find("secret") == std::string::npos);
  CHECK(lineage.find(std::string(64, '1')) == std::string::npos);
  CHECK(json::parse(lineage)["inputs"][0]["hidden"] == true);
}

TEST_CASE("lineage ends: a ladder with 2^40 ways down is walked once, a long chain stops at 16 levels") {
  Story story;
  const Id left = story.file("alice", "left"), right = story.file("alice", "right");
  for (std::uint64_t version = 1; version <= 40; ++version) {
    std::vector<Input> inputs;
    if (version > 1) inputs = {{{left, version - 1}, "observed", "high"}, {{right, version - 1}, "observed", "high"}};
    story.save("alice", left, version, static_cast<char>('0' + version % 10), inputs);
    story.save("alice", right, version, static_cast<char>('0' + version % 10), inputs);
  }
  const auto lineage = lineage_json(story.catalog, {left, 40});
  CHECK(lineage.size() < 100'000);
  CHECK(lineage.find("\"more\": true") != std::string::npos);
  CHECK(json::accept(lineage));
}

TEST_CASE("retention comes from the record of the save; before the first save, from the policy") {
  Story story;
  const Id id = story.file("alice", "m.bin");
  const auto policy = allow_all();
  CHECK(retention_text(story.catalog, id, policy, kStart) ==
        "version 0\nrule none\nmode none\nkeep-until none\npurge-after none\nstate free\nholds none\n");
  story.save("alice", id, 1, '1', {}, {"year", "compliance", kStart + 10 * kSecond, kStart + 20 * kSecond});
  const auto state = [&](Nanos now) {
    const auto text = retention_text(story.catalog, id, policy, now);
    CHECK(text.rfind("version 1\nrule year\nmode compliance\nkeep-until 2026-11-18T11:06:50Z\n"
                     "purge-after 2026-11-18T11:07:00Z\nstate ",
                     0) == 0);
    return text.substr(text.find("state ") + 6);
  };
  CHECK(state(kStart) == "kept\nholds none\n");
  CHECK(state(kStart + 10 * kSecond) == "free\nholds none\n");
  CHECK(state(kStart + 20 * kSecond) == "purge-due\nholds none\n");
  story.save("alice", id, 2, '2', {}, {"ever", "governance", kForever, 0});
  CHECK(retention_text(story.catalog, id, policy, kStart).find("keep-until forever\n") != std::string::npos);
}

TEST_CASE("status counts what the store holds, after the facts of the daemon") {
  Story story;
  const Id id = story.file("alice", "m.bin");
  story.save("alice", id, 1, '1', {});
  const auto text = status_text(story.catalog, {{"pid", "42"}, {"drafts", "7"}});
  CHECK(text.rfind("pid 42\ndrafts 7\n", 0) == 0);
  CHECK(text.find("drafts", 14) == std::string::npos);
  CHECK(text.find("\nversions 1\nbytes 100\nrecords 6\n") != std::string::npos);
  CHECK(text.find("\npolicy 1 " + Sha256(64, 'a')) != std::string::npos);
}
