// SPDX-License-Identifier: Apache-2.0
// What holds when a policy says nothing about it: scratch names, names that everybody sees at once, the lifecycle.
#include "policy/presets.h"

namespace ward::policy {
namespace {

/// Names that programs make for themselves. Written out in every preset too, so that people see and change them.
constexpr const char* kNames = R"toml(
# Names that programs use while they work: audited, but not versioned until renamed to a governed name.
[[scratch]]
where = [
  "*.tmp", "*.temp", "*~", ".~*",                    # temporary and backup files
  ".*.sw?", ".*.swp?", "4913",                       # vim
  "*.lock", "*.lck",                                 # lock files, those of git included
  ".?*.[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]",  # rsync: .name.XXXXXX
  "*-journal", "*-wal", "*-shm",                     # SQLite
  ".git/objects/**/tmp_*",                           # objects and packs that git is still writing
  ".nfs*", ".fuse_hidden*",                          # deleted while open
]
not_where = [                                        # these pin what a result was made with: they are artifacts
  "Cargo.lock", "Gemfile.lock", "Pipfile.lock", "composer.lock", "conda.lock", "flake.lock", "pdm.lock", "pixi.lock",
  "poetry.lock", "uv.lock", "yarn.lock", ".terraform.lock.hcl",
]

# Everybody sees each write at once: files that are followed while they grow, and databases.
[[visibility]]
where = [
  "*.log", "events.out.tfevents.*",
  "*.db", "*.db3", "*.sqlite", "*.sqlite3", "*-journal", "*-wal", "*-shm",
]
visibility = "write"
)toml";

constexpr const char* kLifecycle = R"toml(
[[lifecycle]]
name = "built-in"
stages = ["training", "validation", "staging", "deployment", "monitoring", "retirement"]
transition = [
  { from = "training", to = "validation" },
  { from = "validation", to = "training" },
  { from = "validation", to = "staging" },
  { from = "staging", to = "training" },
  { from = "staging", to = "deployment" },
  { from = "deployment", to = "monitoring" },
  { from = "monitoring", to = "deployment" },
  { from = "training", to = "retirement" },
  { from = "validation", to = "retirement" },
  { from = "staging", to = "retirement" },
  { from = "deployment", to = "retirement" },
  { from = "monitoring", to = "retirement" },
]
)toml";

}  // namespace

std::string names_toml() {
  return kNames;
}

std::string built_in_toml() {
  return kNames + std::string(kLifecycle);
}

}  // namespace ward::policy
