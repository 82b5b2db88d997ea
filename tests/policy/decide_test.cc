// SPDX-License-Identifier: Apache-2.0
// Goal: a decision is Cedar's: any forbid wins, else any permit, else deny, and what can't be evaluated denies. Method:
// every combination of four rules that match or don't, against a formula; then one story for each part of a rule.
#include "tests/policy/build.h"

using namespace ward::policy;
using namespace ward::policy::test;

namespace {

const Subject kAnn = person("ann", 1001, {"ml"});
const Subject kBob = person("bob", 1002, {"interns"});

std::string rule(const std::string& kind, const std::string& name, bool matches) {
  return "[[" + kind + "]]\nname = \"" + name + "\"\nwho = [\"everyone\"]\nmay = [\"read\"]\nwhere = [\"" +
         (matches ? "/models/**" : "/other/**") + "\"]\n";
}

/// A policy of one permit for everyone, and `more`.
Policy open_but(const std::string& more) {
  return good(
      "[roles.interns]\ngroups = [\"interns\"]\n[[permit]]\nname = \"all\"\nwho = [\"everyone\"]\nmay = [\"*\"]\n" +
      more);
}

}  // namespace

TEST_CASE("forbid over permit over deny, for all combinations") {
  for (unsigned bits = 0; bits < 16; ++bits) {
    const bool p1 = bits & 1U, p2 = bits & 2U, f1 = bits & 4U, f2 = bits & 8U;
    // The order in the text must not matter for the outcome: permits first, forbids first, mixed.
    for (int order = 0; order < 3; ++order) {
      const std::string permits[] = {rule("permit", "p1", p1), rule("permit", "p2", p2)};
      const std::string forbids[] = {rule("forbid", "f1", f1), rule("forbid", "f2", f2)};
      const Policy policy = good(order == 0   ? permits[0] + permits[1] + forbids[0] + forbids[1]
                                 : order == 1 ? forbids[0] + forbids[1] + permits[0] + permits[1]
                                              : permits[0] + forbids[0] + permits[1] + forbids[1]);
      const std::string expected = f1 ? "f1" : f2 ? "f2" : p1 ? "+p1" : p2 ? "+p2" : "default-deny";
      CHECK(decided(policy, kAnn, Right::read, file({"/models/m"})) == expected);
      CHECK(decided(policy, kAnn, Right::write, file({"/models/m"})) == "default-deny");
    }
  }
}

TEST_CASE("an empty policy denies everything") {
  const Policy policy = good("");
  for (const Right right : kRights) CHECK(decided(policy, person("root", 0), right, file({"/"})) == "default-deny");
}

TEST_CASE("each right is its own, and a star is all of them") {
  for (const Right asked : kRights) {
    CHECK(right_from_string(to_string(asked)) == asked);
    const std::string name(to_string(asked));
    const Policy policy = good("[[permit]]\nname = \"r\"\nwho = [\"everyone\"]\nmay = [\"" + name + "\"]\n");
    for (const Right right : kRights) {
      CHECK(decided(policy, kAnn, right, file({"/x"})) == (right == asked ? "+r" : "default-deny"));
      CHECK(decided(open_but(""), kAnn, right, file({"/x"})) == "+all");
    }
  }
  CHECK(to_string(Right::remove) == "delete");
  CHECK_FALSE(right_from_string("remove"));
  CHECK_FALSE(right_from_string("*"));
}

TEST_CASE("a permit looks at the home path, a forbid at every name") {
  const Policy policy = good(
      "[[permit]]\nname = \"public\"\nwho = [\"everyone\"]\nmay = [\"read\"]\nwhere = [\"/public/**\"]\n"
      "[[forbid]]\nname = \"secret\"\nwho = [\"everyone\"]\nmay = [\"read\"]\nwhere = [\"/secret/**\"]\n");
  CHECK(decided(policy, kAnn, Right::read, file({"/public/a"})) == "+public");
  CHECK(decided(policy, kAnn, Right::read, file({"/public/a", "/elsewhere/a"})) == "+public");
  CHECK(decided(policy, kAnn, Right::read, file({"/elsewhere/a", "/public/a"})) == "default-deny");
  CHECK(decided(policy, kAnn, Right::read, file({"/public/a", "/x", "/secret/a"})) == "secret");
}

TEST_CASE("not_where takes paths out of a rule") {
  const Policy policy = good(
      "[[permit]]\nname = \"p\"\nwho = [\"everyone\"]\nmay = [\"read\"]\nnot_where = [\"/secret/**\", \"*.key\"]\n");
  CHECK(decided(policy, kAnn, Right::read, file({"/a"})) == "+p");
  CHECK(decided(policy, kAnn, Right::read, file({"/secret"})) == "default-deny");
  CHECK(decided(policy, kAnn, Right::read, file({"/a/b.key"})) == "default-deny");
}

TEST_CASE("roles by user, uid, group, gid, inclusion and star") {
  const Policy policy = good(R"(
[roles]
names = { users = ["ann"] }
ids = { users = [1002] }
groups = { groups = ["ml", 77] }
both = { roles = ["names", "ids"] }
above = { roles = ["both"], users = ["zoe"] }
anyone = { users = ["*"] }
)");
  const auto roles = [&](const Subject& subject) {
    std::string list;
    for (const char* role : {"names", "ids", "groups", "both", "above", "anyone", "everyone", "owner", "nosuch"}) {
      if (in_role(policy, role, subject, 5)) list += std::string(list.empty() ? "" : " ") + role;
    }
    return list;
  };
  CHECK(roles(kAnn) == "names groups both above anyone everyone");
  CHECK(roles(kBob) == "ids both above anyone everyone");
  CHECK(roles(person("zoe", 9)) == "above anyone everyone");
  CHECK(roles(person("own", 5)) == "anyone everyone owner");
  Subject gid = person("gil", 8);
  gid.gid = 77;
  CHECK(roles(gid) == "groups anyone everyone");
  gid.gid = 1;
  gid.groups = {3, 77};
  CHECK(roles(gid) == "groups anyone everyone");
  CHECK(roles(person("", 12)) == "anyone everyone");
  CHECK(roles(person("ANN", 12)) == "anyone everyone");
  CHECK_FALSE(in_role(policy, "owner", Subject(), Object().owner));  // nobody doesn't own what nobody owns
}

TEST_CASE("who, except and owner") {
  const Policy policy = good(R"(
[roles.stewards]
users = ["sue"]
[[permit]]
name = "owners"
who = ["owner"]
may = ["write"]
[[permit]]
name = "reading"
who = ["everyone"]
except = ["stewards"]
may = ["read"]
[[forbid]]
name = "no-strangers"
who = ["everyone"]
may = ["delete"]
when = { owner = false }
[[permit]]
name = "deleting"
who = ["everyone"]
may = ["delete"]
[[permit]]
name = "own-tags"
who = ["everyone"]
may = ["tag"]
when = { owner = true }
)");
  const Object hers = file({"/x"}, 1001);
  CHECK(decided(policy, kAnn, Right::write, hers) == "+owners");
  CHECK(decided(policy, kBob, Right::write, hers) == "default-deny");
  CHECK(decided(policy, kBob, Right::read, hers) == "+reading");
  CHECK(decided(policy, person("sue", 3), Right::read, hers) == "default-deny");
  CHECK(decided(policy, kAnn, Right::remove, hers) == "+deleting");
  CHECK(decided(policy, kBob, Right::remove, hers) == "no-strangers");
  CHECK(decided(policy, kAnn, Right::tag, hers) == "+own-tags");
  CHECK(decided(policy, kBob, Right::tag, hers) == "default-deny");
}

TEST_CASE("a question that can't be evaluated is denied") {
  const Policy policy = open_but("");
  CHECK(decided(policy, kAnn, Right::read, file({})) == "error");
  for (const char* bad : {"", "models/m", "/a//b", "/a/", "/a/./b", "/a/../b", "/.."}) {
    CHECK(decided(policy, kAnn, Right::read, file({bad})) == "error");
    CHECK(decided(policy, kAnn, Right::read, file({"/good", bad})) == "error");
  }
  CHECK(decided(policy, kAnn, Right::read, file({"/.../..a/a.."})) == "+all");
}

TEST_CASE("a denial says why, and who could") {
  const Policy policy = good(R"(
[roles.stewards]
users = ["sue"]
[roles.leads]
users = ["lea"]
[roles.chiefs]
roles = ["leads"]
[roles.interns]
groups = ["interns"]
[[permit]]
name = "writing"
who = ["chiefs", "owner"]
may = ["write"]
where = ["/models/**"]
[[permit]]
name = "reading"
who = ["everyone"]
may = ["read"]
[[forbid]]
name = "no-interns"
who = ["interns"]
may = ["read"]
[[forbid]]
name = "vault"
who = ["everyone"]
except = ["stewards"]
may = ["read"]
where = ["/vault/**"]
)");
  const auto ask = [&](const Subject& subject, Right right, const char* path) {
    const Object object = file({path});
    return decide(policy, {subject, right, object, 0});
  };
  Decision decision = ask(kBob, Right::write, "/models/m.bin");
  CHECK(decision.reason == "denied: no rule permits write on /models/m.bin");
  CHECK(decision.who_could == "leads, chiefs, owner");  // a lead is a chief, so a lead could
  decision = ask(kBob, Right::read, "/models/m.bin");
  CHECK(decision.reason == "forbidden by rule \"no-interns\": read on /models/m.bin");
  CHECK(decision.who_could == "everyone but interns");
  CHECK(ask(kAnn, Right::read, "/vault/x").who_could == "stewards");
  CHECK(ask(kAnn, Right::purge, "/vault/x").who_could.empty());
  CHECK(ask(kAnn, Right::read, "/models/m.bin").reason.empty());
}
