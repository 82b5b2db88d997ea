// SPDX-License-Identifier: Apache-2.0
// Goal: what a policy says of a path without regard to people: audit depth, visibility, scratch, retention, lifecycle.
// Method: one story each; retention at the ends of time.
#include "tests/policy/build.h"

using namespace ward::policy;
using namespace ward::policy::test;

namespace {
const std::int64_t kSecond = 1'000'000'000;
const std::int64_t kDay = 86400 * kSecond;
}  // namespace

TEST_CASE("durability: of the table that tells the depth, by the labels that the policy gives") {
  const Policy policy = good(R"(
[[label]]
where = ["/patients/**"]
labels = ["pii"]
[[audit]]
where = ["/fast/**"]
depth = "open"
[[audit]]
when = { labels = ["pii"] }
depth = "request"
durability = "disk"
[[audit]]
where = ["/ledger/**"]
depth = "ranges"
durability = "disk"
[[audit]]
where = ["/plain/**"]
durability = "os"
)");
  CHECK(depth(policy, "/plain/a", {}) == Depth::ranges);  // not said: the default
  CHECK(durability(policy, "/fast/a") == Durability::os);
  CHECK(durability(policy, "/patients/a") == Durability::disk);
  CHECK(durability(policy, "/ledger/a") == Durability::disk);
  CHECK(durability(policy, "/plain/a") == Durability::os);
  CHECK(durability(policy, "/a") == Durability::os);
}

TEST_CASE("audit depth: the first table that matches, else ranges") {
  const Policy policy = good(R"(
[[audit]]
where = ["/**"]
when = { labels = ["pii"], not_labels = ["synthetic"] }
depth = "request"
[[audit]]
where = ["/fast/**"]
not_where = ["/fast/slow"]
depth = "open"
)");
  CHECK(depth(policy, "/fast/a", {}) == Depth::open);
  CHECK(depth(policy, "/fast/slow", {}) == Depth::ranges);
  CHECK(depth(policy, "/fast/a", {"x", "pii"}) == Depth::request);
  CHECK(depth(policy, "/fast/a", {"pii", "synthetic"}) == Depth::open);
  CHECK(depth(policy, "/a", {}) == Depth::ranges);
  CHECK(depth(good(""), "/a", {"pii"}) == Depth::ranges);
}

TEST_CASE("visibility: the policy's tables, or the built-in ones when it has none") {
  const Policy silent = good("");
  CHECK(visibility(silent, "/a/train.log") == Visibility::write);
  CHECK(visibility(silent, "/a/m.bin") == Visibility::close);
  const Policy own = good(R"(
[[visibility]]
where = ["/a/keep.log"]
visibility = "close"
[[visibility]]
where = ["/a/**"]
visibility = "write"
)");
  CHECK(visibility(own, "/a/keep.log") == Visibility::close);
  CHECK(visibility(own, "/a/m.bin") == Visibility::write);
  CHECK(visibility(own, "/b/train.log") == Visibility::close);
  CHECK(visibility(good("visibility = []"), "/a/train.log") == Visibility::close);
}

TEST_CASE("scratch: the policy's tables, or the built-in ones when it has none") {
  CHECK(scratch(good(""), "/a/x.tmp"));
  const Policy own = good("[[scratch]]\nwhere = [\"*.part\", \"/scratch/**\"]\nnot_where = [\"/scratch/keep\"]\n");
  CHECK(scratch(own, "/a/x.part"));
  CHECK(scratch(own, "/scratch/a/b"));
  CHECK_FALSE(scratch(own, "/scratch/keep"));
  CHECK_FALSE(scratch(own, "/a/x.tmp"));
  CHECK_FALSE(scratch(good("scratch = []"), "/a/x.tmp"));
}

TEST_CASE("retention: the first table that matches, counted from the save") {
  const Policy policy = good(R"(
[[retention]]
name = "deployed"
where = ["/models/**"]
when = { stage = ["deployment"], not_labels = ["demo"] }
keep = "forever"
mode = "compliance"
[[retention]]
name = "models"
where = ["/models/**"]
keep = "365d"
archive_after = "2w"
purge_after = "2y"
[[retention]]
name = "short"
where = ["/tmp/**"]
purge_after = "90m"
)");
  Retention kept = retention(policy, "/models/m", {}, "training", 5 * kDay);
  CHECK(kept.rule == "models");
  CHECK(kept.mode == RetentionMode::governance);
  CHECK(kept.keep_until == 370 * kDay);
  CHECK(kept.archive_after == 19 * kDay);
  CHECK(kept.purge_after == 735 * kDay);
  kept = retention(policy, "/models/m", {}, "deployment", 5 * kDay);
  CHECK(kept.rule == "deployed");
  CHECK(kept.mode == RetentionMode::compliance);
  CHECK(kept.keep_until == INT64_MAX);
  CHECK(kept.purge_after == 0);
  CHECK(retention(policy, "/models/m", {"demo"}, "deployment", 0).rule == "models");
  kept = retention(policy, "/tmp/x", {}, "", 7);
  CHECK(kept.keep_until == 0);
  CHECK(kept.purge_after == 5400 * kSecond + 7);
  kept = retention(policy, "/other", {}, "training", 7);
  CHECK(kept.rule.empty());
  CHECK(kept.keep_until == 0);
}

TEST_CASE("retention never wraps around") {
  const Policy policy =
      good("[[retention]]\nname = \"r\"\nkeep = \"200y\"\npurge_after = \"292y\"\narchive_after = \"1s\"\n");
  const std::int64_t year = 365 * kDay;
  CHECK(retention(policy, "/m", {}, "", 0).keep_until == 200 * year);
  CHECK(retention(policy, "/m", {}, "", 50 * year).keep_until == 250 * year);
  CHECK(retention(policy, "/m", {}, "", 50 * year).purge_after == INT64_MAX);
  for (const std::int64_t late : {INT64_MAX, INT64_MAX - kSecond + 1, INT64_MAX - kSecond}) {
    const Retention kept = retention(policy, "/m", {}, "", late);
    CHECK(kept.keep_until == INT64_MAX);
    CHECK(kept.purge_after == INT64_MAX);
    CHECK(kept.archive_after == INT64_MAX);
  }
  CHECK(retention(policy, "/m", {}, "", INT64_MAX - kSecond - 1).archive_after == INT64_MAX - 1);
  CHECK(retention(policy, "/m", {}, "", INT64_MIN).keep_until == INT64_MIN + 200 * year);
}

TEST_CASE("every unit of time") {
  const std::pair<const char*, std::int64_t> units[] = {{"2s", 2},      {"2m", 120},     {"2h", 7200},
                                                        {"2d", 172800}, {"2w", 1209600}, {"2y", 63072000}};
  for (const auto& [text, seconds] : units) {
    const Policy policy = good("[[retention]]\nname = \"r\"\nkeep = \"" + std::string(text) + "\"\n");
    CHECK(retention(policy, "/m", {}, "", 0).keep_until == seconds * kSecond);
  }
}

TEST_CASE("the built-in lifecycle goes from training to retirement") {
  const Policy policy = good("");
  const std::vector<std::string> names = stages(policy, "/m");
  CHECK(names ==
        std::vector<std::string>{"training", "validation", "staging", "deployment", "monitoring", "retirement"});
  CHECK(initial_stage(policy, "/m") == "training");
  for (std::size_t i = 0; i + 1 < names.size(); ++i) CHECK(transition(policy, "/m", names[i], names[i + 1]));
  CHECK_FALSE(transition(policy, "/m", "training", "deployment"));
  CHECK_FALSE(transition(policy, "/m", "retirement", "training"));
  CHECK_FALSE(transition(policy, "/m", "training", "nosuch"));
  CHECK(may_request(policy, *transition(policy, "/m", "training", "validation"), person("ann", 1001), 5));
}

TEST_CASE("a policy's own lifecycles, by path") {
  const Policy policy = good(R"(
[roles.stewards]
users = ["sue"]
[roles.legal]
users = ["lee"]
[[lifecycle]]
name = "reports"
where = ["/reports/**"]
stages = ["draft", "published"]
  [[lifecycle.transition]]
  from = "draft"
  to = "published"
  who = ["owner", "stewards"]
  checks = ["licence", "schema"]
  approvals = [{ role = "stewards", count = 2 }, { role = "legal" }]
  signature = true
[[permit]]
name = "drafts"
who = ["everyone"]
may = ["create", "write"]
when = { stage = ["draft"] }
)");
  CHECK(stages(policy, "/reports/q1") == std::vector<std::string>{"draft", "published"});
  CHECK(initial_stage(policy, "/reports/q1") == "draft");
  CHECK(initial_stage(policy, "/models/m") == "training");
  CHECK_FALSE(transition(policy, "/models/m", "draft", "published"));
  const auto step = transition(policy, "/reports/q1", "draft", "published");
  REQUIRE(step);
  CHECK(step->checks == std::vector<std::string>{"licence", "schema"});
  REQUIRE(step->approvals.size() == 2);
  CHECK(step->approvals[0].role == "stewards");
  CHECK(step->approvals[0].count == 2);
  CHECK(step->approvals[1].count == 1);
  CHECK(step->signature);
  CHECK_FALSE(step->self_approval);
  CHECK(may_request(policy, *step, person("ann", 5), 5));
  CHECK(may_request(policy, *step, person("sue", 6), 5));
  CHECK_FALSE(may_request(policy, *step, person("lee", 7), 5));
  Object fresh = file({"/reports/q2"}, 1, "");
  fresh.exists = false;
  CHECK(decided(policy, person("ann", 5), Right::create, fresh) == "+drafts");
  fresh.paths = {"/models/m"};
  CHECK(decided(policy, person("ann", 5), Right::create, fresh) == "default-deny");
}
