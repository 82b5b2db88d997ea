// SPDX-License-Identifier: Apache-2.0
#include "store/log_key.h"

#include "store/checkpoint.h"
#include "store/crypto_pkcs11.h"
#include "store/error.h"

namespace ward::store {

SigningKey load_key(const std::filesystem::path& store, const Config& config) {
  if (!is_token_key(config.key)) return SigningKey::load(store / config.key);
  check_writers(store, "no PKCS#11 module is loaded, which is a program");
  auto key = token_key(config.key);
  if (key.public_key() != parse_vkey(config.vkey).key)
    throw Error(Code::missing_key, "the token's key isn't the one of vkey in " + (store / "ward.toml").string());
  return key;
}

}  // namespace ward::store
