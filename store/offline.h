// SPDX-License-Identifier: Apache-2.0
// Commands that work on a store without a mount are in its log like everything else.
#pragma once
#include <filesystem>
#include <string>

#include "store/audit_log.h"
#include "store/config.h"
#include "store/record.h"

namespace ward::store {

/// Appends one record of the caller to the log, durably, and signed unless `sign` says otherwise. Returns its number.
/// For who holds the store's lock.
Sequence append_offline(AuditLog& log, const Config& config, Payload payload, bool sign = true);

/// Records that `command` ran on the store, and with what result. Takes the store's lock. A catalog that is up to date
/// stays so. "" when it was recorded, else why not: a store in use, or without a sound log and its key, takes no record
/// without a mount. Throws Error for anything else.
std::string record_command(const std::filesystem::path& store, const Maintenance& command);

}  // namespace ward::store
