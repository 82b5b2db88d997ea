// SPDX-License-Identifier: Apache-2.0
// Makes a store.
#pragma once
#include <filesystem>
#include <string>

#include "store/config.h"

namespace ward::store {

struct InitOptions {
  std::string policy_text;             // the first policy; must parse, and its own tests must hold
  std::string policy_name = "policy";  // what errors call it: a file's name
  std::string origin;                  // of the log; "" = host/ward/uuid
  std::string key = "";                // PKCS#11 URI of the log's key in a token; "" = a new one in keys/log.pem
};

/// Makes the store in a folder that doesn't exist or is empty, and returns its configuration, whose vkey somebody
/// should keep elsewhere. ward.toml is written last: a store that has one is complete. When it fails, what it made is
/// removed again; a crash leaves a half-made store, which load_config() recognises.
/// Throws Error{config} for a folder that isn't empty, a bad policy, origin or URI, and Error{missing_key} when the
/// token hasn't got the key (nothing is changed then), Error{busy} when another init works there, Error{io} or
/// {no_space}.
Config init_store(const std::filesystem::path& path, const InitOptions& options);

}  // namespace ward::store
