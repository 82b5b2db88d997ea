// SPDX-License-Identifier: Apache-2.0
// The commands in ward.toml that anchor checkpoints outside of the store. They stand there and not in the policy, which
// whoever has the right `administer` may change: they run as the daemon's user, and only the store's owner can write
// ward.toml. Thread-safe: nothing is shared.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "policy/reader.h"

namespace ward::store {

struct AnchorCommand {
  std::string name;                  // [a-z0-9-]{1,40}: ends the names of the files that its output is kept in
  std::vector<std::string> command;  // argv; the first is an absolute path. There is no shell
  std::chrono::seconds every{3600}, timeout{60};
  bool operator==(const AnchorCommand&) const = default;
};

/// The tables [[anchor]]; what is wrong with them goes to `problems`.
std::vector<AnchorCommand> read_anchors(const policy::Node& root, policy::Problems& problems);
/// As they stand in ward.toml; "" for none.
std::string anchors_toml(const std::vector<AnchorCommand>& anchors);

}  // namespace ward::store
