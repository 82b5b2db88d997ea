// SPDX-License-Identifier: Apache-2.0
// The commands: each adds itself to the command line and, when it is the one that was asked for, sets what to run.
#pragma once
#include <functional>
#include <string>

#include "tools/exit_codes.h"

namespace CLI {
class App;
}

namespace ward::tools {

/// Set while the command line is read, run afterwards. May throw store::Error, which main turns into an exit code.
using Action = std::function<Exit()>;

void add_init(CLI::App& app, Action& action);      // cmd_init.cc: init
void add_mount(CLI::App& app, Action& action);     // cmd_mount.cc: mount
void add_umount(CLI::App& app, Action& action);    // cmd_umount.cc: umount
void add_look(CLI::App& app, Action& action);      // cmd_look.cc: status, versions, lineage, retention, why
void add_log(CLI::App& app, Action& action);       // cmd_log.cc: log
void add_audit(CLI::App& app, Action& action);     // cmd_audit.cc: audit verify, prove, timestamp
void add_cosign(CLI::App& audit, Action& action);  // cmd_cosign.cc: audit cosign
void add_rotate(CLI::App& audit, Action& action);  // cmd_rotate.cc: audit rotate-key
void add_check(CLI::App& app, Action& action);     // cmd_check.cc: fsck, rebuild, policy check

/// Prints the line `ward: message` to stderr and returns `code`: `return fail(Exit::usage, …)`.
Exit fail(Exit code, const std::string& message);

}  // namespace ward::tools
