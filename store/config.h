// SPDX-License-Identifier: Apache-2.0
// ward.toml: what a store says about itself. It is the last file that `ward init` writes, so its presence also says
// that the store is complete. The format is in FORMAT.md. Functions are thread-safe: they share nothing.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "store/anchor_config.h"

namespace ward::store {

/// The store format that this program reads and writes.
inline constexpr int kStoreFormat = 1;

struct Config {
  std::string origin;                    // of the log: "host/ward/uuid", names it in every checkpoint
  std::string vkey;                      // the log's public verifier key
  std::string created;                   // RFC 3339, for people
  std::string key = "keys/log.pem";      // the log's private key: a file, relative to the store, or a PKCS#11 URI
  std::vector<AnchorCommand> anchors{};  // what runs with checkpoints, in the order of the file
  // While the key is being replaced: what takes over (key_rotation.h).
  std::string next_vkey{}, next_key{};
  bool operator==(const Config&) const = default;
};

/// Reads the text of a ward.toml; `name` is what errors call it. Throws Error{config} as "name:line:column: cause",
/// Error{format} for a store of another format version. Keys that this version doesn't know are errors: ignoring one
/// could mean to ignore a promise.
Config parse_config(std::string_view text, const std::string& name);
std::string to_toml(const Config& config);

/// Loads STORE/ward.toml. Throws as parse_config; Error{config} also when `store` is no store or a half-made one, and
/// Error{io} when it can't be read.
Config load_config(const std::filesystem::path& store);
/// Writes it atomically and durably. Throws Error{io} or {no_space}.
void save_config(const std::filesystem::path& store, const Config& config);

/// Throws Error{config} when somebody else than the daemon's user and root could have written ward.toml: a store that
/// its owner brings to another user's mount must not run anything as that user. `what`: what isn't done because of it.
void check_writers(const std::filesystem::path& store, const std::string& what);

/// Whether the folder holds what an interrupted `ward init` leaves: parts of a store, but no ward.toml.
bool half_made(const std::filesystem::path& store);

}  // namespace ward::store
