// SPDX-License-Identifier: Apache-2.0
// The policies that come with the program, as the text that people then edit. Tests hold them to their own examples.
#include "policy/presets.h"

#include "policy/policy.h"

namespace ward::policy {
namespace {

constexpr const char* kAllowAll =
    R"toml(# WardFS policy: everyone may do everything. What is left is the record of who did it.
format = 1

[[permit]]
name = "allow-all"
who = ["everyone"]
may = ["*"]

[[test]]
who = "anybody"
may = "purge"
path = "/models/m.bin"
expect = "permit"
rule = "allow-all"
)toml";

constexpr const char* kTeamRules =
    R"toml(# WardFS policy for a small team: everyone works, stewards govern, auditors read the log, admins write this.
format = 1

[roles.admins]
users = ["root"]
groups = ["ward-admins"]

[roles.stewards]
groups = ["ward-stewards"]

[roles.auditors]
groups = ["ward-auditors"]

[[permit]]
name = "everyone-works"
who = ["everyone"]
may = ["read", "write", "create", "delete", "list", "tag"]

[[permit]]
name = "owners-release"
who = ["owner", "stewards"]
may = ["promote", "sign"]

[[permit]]
name = "stewards-govern"
who = ["stewards"]
may = ["approve", "hold", "purge"]

[[permit]]
name = "auditors-audit"
who = ["auditors", "admins"]
may = ["audit"]

[[permit]]
name = "admins-administer"
who = ["admins"]
may = ["administer"]

# For a create, the owner is the owner of the folder: give people folders of their own below /restricted.
[[forbid]]
name = "restricted"
who = ["everyone"]
except = ["owner", "stewards"]
may = ["read", "write", "create", "delete", "list", "tag", "promote", "approve", "hold", "sign", "purge"]
where = ["/restricted/**"]

[[forbid]]
name = "deployed-is-fixed"
who = ["everyone"]
except = ["stewards"]
may = ["write", "delete"]
when = { stage = ["deployment", "monitoring"] }

[[retention]]
name = "models-1y"
where = ["/models/**"]
keep = "1y"
mode = "governance"

[[retention]]
name = "default-30d"
keep = "30d"
mode = "governance"
)toml";

constexpr const char* kTeamLifecycle = R"toml(
[[lifecycle]]
name = "team"
stages = ["training", "validation", "staging", "deployment", "monitoring", "retirement"]
transition = [
  { from = "training", to = "validation" },
  { from = "validation", to = "training" },
  { from = "validation", to = "staging" },
  { from = "staging", to = "training" },
  { from = "staging", to = "deployment", approvals = [{ role = "stewards", count = 1 }] },
  { from = "deployment", to = "monitoring" },
  { from = "monitoring", to = "deployment" },
  { from = "training", to = "retirement" },
  { from = "validation", to = "retirement" },
  { from = "staging", to = "retirement" },
  { from = "deployment", to = "retirement", who = ["stewards"] },
  { from = "monitoring", to = "retirement", who = ["stewards"] },
]
)toml";

constexpr const char* kTeamTests = R"toml(
[[test]]
who = "ann"
may = "write"
path = "/models/m.bin"
expect = "permit"
rule = "everyone-works"

[[test]]
who = "ann"
may = "write"
path = "/models/m.bin"
stage = "deployment"
expect = "deny"
rule = "deployed-is-fixed"

[[test]]
who = "sue"
groups = ["ward-stewards"]
may = "write"
path = "/models/m.bin"
stage = "deployment"
expect = "permit"

[[test]]
who = "ann"
may = "read"
path = "/restricted/pii.csv"
expect = "deny"
rule = "restricted"

[[test]]
who = "ann"
may = "read"
path = "/restricted/ann/pii.csv"
owner = true
expect = "permit"

[[test]]  # a second name elsewhere doesn't open a restricted file
who = "ann"
may = "read"
path = "/models/copy.csv"
links = ["/restricted/pii.csv"]
expect = "deny"
rule = "restricted"

[[test]]
who = "ann"
may = "promote"
path = "/models/m.bin"
expect = "deny"
rule = "default-deny"

[[test]]
who = "ann"
may = "promote"
path = "/models/m.bin"
owner = true
expect = "permit"
rule = "owners-release"

[[test]]
who = "olga"
groups = ["ward-auditors"]
may = "audit"
path = "/"
expect = "permit"

[[test]]
who = "olga"
groups = ["ward-auditors"]
may = "administer"
path = "/"
expect = "deny"

[[test]]
who = "root"
may = "administer"
path = "/"
expect = "permit"
rule = "admins-administer"
)toml";

}  // namespace

std::string preset(std::string_view name) {
  if (name == "team") return kTeamRules + (kTeamLifecycle + names_toml()) + kTeamTests;
  if (name == "allow-all") return kAllowAll + names_toml();
  return "";
}

}  // namespace ward::policy
