// SPDX-License-Identifier: Apache-2.0
// The log's private key, wherever ward.toml says that it is.
#pragma once
#include <filesystem>

#include "store/config.h"
#include "store/crypto.h"

namespace ward::store {

/// From the file or the token that config.key names; take it after any fork. Throws Error{missing_key} when it can't be
/// had, isn't the private part of config.vkey, or is in a token but the store another user's (a URI names a program to
/// load); Error{config} for a malformed URI.
SigningKey load_key(const std::filesystem::path& store, const Config& config);

}  // namespace ward::store
