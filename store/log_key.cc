// SPDX-License-Identifier: Apache-2.0
#include "store/log_key.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/checkpoint.h"
#include "store/crypto_pkcs11.h"
#include "store/error.h"

namespace ward::store {
namespace {

/// A URI names a module, which is a program: root must not run what somebody else wrote into a store.
void check_own(const std::filesystem::path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) throw_errno("stat " + path.string());
  if (st.st_uid != ::geteuid() || (st.st_mode & 022) != 0)
    throw Error(Code::missing_key,
                path.string() +
                    " belongs to another user or can be written by others: no PKCS#11 module is loaded "
                    "because of it");
}

}  // namespace

SigningKey load_key(const std::filesystem::path& store, const Config& config) {
  if (!is_token_key(config.key)) return SigningKey::load(store / config.key);
  check_own(std::filesystem::canonical(store));
  check_own(store / "ward.toml");
  auto key = token_key(config.key);
  if (key.public_key() != parse_vkey(config.vkey).key)
    throw Error(Code::missing_key, "the token's key isn't the one of vkey in " + (store / "ward.toml").string());
  return key;
}

}  // namespace ward::store
