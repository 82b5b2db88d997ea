// SPDX-License-Identifier: Apache-2.0
// Goal: each condition of `when` holds exactly when POLICY.md says. Method: one story for each, with both sides of
// every boundary.
#include "tests/policy/build.h"

using namespace ward::policy;
using namespace ward::policy::test;

namespace {

const Subject kAnn = person("ann", 1001, {"ml"});
const Subject kBob = person("bob", 1002, {"interns"});
const std::int64_t kDay = 86400LL * 1'000'000'000;

/// A policy of one permit for everyone, and `more`.
Policy open_but(const std::string& more) {
  return good(
      "[roles.interns]\ngroups = [\"interns\"]\n[[permit]]\nname = \"all\"\nwho = [\"everyone\"]\nmay = [\"*\"]\n" +
      more);
}

}  // namespace

TEST_CASE("stage and labels; a new file is in the initial stage") {
  const Policy policy = good(R"(
[[permit]]
name = "early"
who = ["everyone"]
may = ["write", "create"]
when = { stage = ["training", "validation"], not_labels = ["frozen", "held"] }
[[permit]]
name = "labelled"
who = ["everyone"]
may = ["read"]
when = { labels = ["public", "internal"] }
)");
  CHECK(decided(policy, kAnn, Right::write, file({"/x"}, 1, "training")) == "+early");
  CHECK(decided(policy, kAnn, Right::write, file({"/x"}, 1, "deployment")) == "default-deny");
  CHECK(decided(policy, kAnn, Right::write, file({"/x"}, 1, "")) == "default-deny");
  Object fresh = file({"/x"}, 1, "");
  fresh.exists = false;
  CHECK(decided(policy, kAnn, Right::create, fresh) == "+early");
  Object labelled = file({"/x"});
  CHECK(decided(policy, kAnn, Right::read, labelled) == "default-deny");
  labelled.labels = {"red", "internal"};
  CHECK(decided(policy, kAnn, Right::read, labelled) == "+labelled");
  CHECK(decided(policy, kAnn, Right::write, labelled) == "+early");
  labelled.labels.push_back("held");
  CHECK(decided(policy, kAnn, Right::write, labelled) == "default-deny");
}

TEST_CASE("before, after and hours") {
  const Policy policy = good(R"(
[[permit]]
name = "window"
who = ["everyone"]
may = ["read"]
when = { after = 1970-01-02T00:00:00Z, before = "1970-01-03T01:00:00+01:00" }
[[permit]]
name = "office"
who = ["everyone"]
may = ["write"]
when = { hours = "08:00-18:00" }
[[permit]]
name = "night"
who = ["everyone"]
may = ["list"]
when = { hours = "22:00-06:30" }
)");
  const auto at = [&](Right right, std::int64_t now) {
    return decided(policy, kAnn, right, file({"/x"}), now) != "default-deny";
  };
  CHECK_FALSE(at(Right::read, kDay - 1));
  CHECK(at(Right::read, kDay));
  CHECK(at(Right::read, 2 * kDay - 1));
  CHECK_FALSE(at(Right::read, 2 * kDay));
  const std::int64_t minute = kDay / 1440;
  for (const std::int64_t day : {std::int64_t{0}, 20000 * kDay, -3 * kDay}) {
    CHECK_FALSE(at(Right::write, day + 8 * 60 * minute - 1));
    CHECK(at(Right::write, day + 8 * 60 * minute));
    CHECK(at(Right::write, day + 18 * 60 * minute - 1));
    CHECK_FALSE(at(Right::write, day + 18 * 60 * minute));
    CHECK(at(Right::list, day));
    CHECK(at(Right::list, day + (6 * 60 + 30) * minute - 1));
    CHECK_FALSE(at(Right::list, day + (6 * 60 + 30) * minute));
    CHECK(at(Right::list, day + 22 * 60 * minute));
  }
  CHECK_FALSE(at(Right::write, INT64_MIN));  // 00:12:43 of its day
  CHECK(at(Right::list, INT64_MIN));
}

TEST_CASE("the executable may forbid, and when it is unknown the answer is no") {
  const Policy policy = open_but(R"(
[[forbid]]
name = "no-shells"
who = ["everyone"]
may = ["read"]
where = ["/pii/**"]
when = { executable = ["/bin/*", "bash"] }
[[forbid]]
name = "only-loader"
who = ["interns"]
may = ["write"]
when = { not_executable = ["/opt/loader/**"] }
)");
  const auto with = [](Subject subject, const char* program) {
    subject.executable = program;
    return subject;
  };
  const Object pii = file({"/pii/a"});
  CHECK(decided(policy, with(kAnn, "/usr/bin/python3"), Right::read, pii) == "+all");
  CHECK(decided(policy, with(kAnn, "/bin/cat"), Right::read, pii) == "no-shells");
  CHECK(decided(policy, with(kAnn, "/usr/local/bash"), Right::read, pii) == "no-shells");
  CHECK(decided(policy, with(kAnn, ""), Right::read, pii) == "error");
  CHECK(decided(policy, with(kAnn, ""), Right::read, file({"/a"})) == "+all");  // the rule isn't about this path
  CHECK(decided(policy, with(kBob, "/opt/loader/bin/x"), Right::write, pii) == "+all");
  CHECK(decided(policy, with(kBob, "/usr/bin/cp"), Right::write, pii) == "only-loader");
  CHECK(decided(policy, with(kBob, ""), Right::write, pii) == "error");
  CHECK(decided(policy, with(kAnn, ""), Right::write, pii) == "+all");  // nor about her
}
