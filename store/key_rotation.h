// SPDX-License-Identifier: Apache-2.0
// Replaces the log's signing key. Opening a log goes through here, since a crash may have left that half done.
#pragma once
#include <filesystem>
#include <string>

#include "store/audit_log.h"
#include "store/config.h"

namespace ward::store {

/// Opens the store's log for appending, having finished or dropped a replacement of the key that a crash interrupted;
/// `config` is then as ward.toml says. The caller holds the store's lock. Throws as AuditLog and load_key.
AuditLog open_log(const std::filesystem::path& store, Config& config);

/// The key that signs the log, also where that was interrupted. Throws as load_key.
SigningKey signing_key(const std::filesystem::path& store, const Config& config);

/// Puts a new key in place of the log's: made in STORE/keys, or the one in a token that a PKCS#11 URI names. Takes the
/// store's lock. Returns the new configuration. The old key's file is deleted: it signs nothing any more. Throws
/// Error{busy} while the store is in use, Error{missing_key}, and as open_log.
Config rotate_key(const std::filesystem::path& store, const std::string& token_uri);

}  // namespace ward::store
