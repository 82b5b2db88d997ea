// SPDX-License-Identifier: Apache-2.0
// The order: ward.toml names the next key; the record, durable: the commit point; its line beside the log; a checkpoint
// by the next key; the old one is deleted; ward.toml has the next as the key. After a crash the log tells whether the
// record was written.
#include "store/key_rotation.h"

#include <unistd.h>

#include <cerrno>

#include "store/checkpoint.h"
#include "store/crypto_pkcs11.h"
#include "store/error.h"
#include "store/files.h"
#include "store/key_history.h"
#include "store/lock.h"
#include "store/log_key.h"
#include "store/offline.h"
#include "store/record_json.h"
#include "store/segments.h"

namespace ward::store {
namespace {

AuditLog open_with(const std::filesystem::path& store, const Config& config) {
  return {store / "audit", config.origin, load_key(store, config)};
}

SigningKey load_next(const std::filesystem::path& store, const Config& config) {
  Config next = config;
  next.key = config.next_key, next.vkey = config.next_vkey;
  return load_key(store, next);
}

/// Adds the record's line to the file of rotations, if it isn't there.
void keep_line(const std::filesystem::path& audit, const std::string& line) {
  const auto path = KeyHistory::path(audit);
  std::error_code error;
  const std::string text = std::filesystem::exists(path, error) ? read_file(path) : "";
  if (text.ends_with(line + "\n")) return;
  write_durably(path, text + line + "\n");
}

/// Durably, and before ward.toml forgets its name: no crash leaves a key that nobody would delete.
void remove_key(const std::filesystem::path& store, const std::string& key) {
  if (is_token_key(key)) return;
  const auto file = store / key;
  if (::unlink(file.c_str()) == 0)
    sync_folder(file.parent_path());
  else if (errno != ENOENT)
    throw_errno("delete " + file.string());
}

/// ward.toml says what holds from now on. The next key signed: the old one isn't needed any more.
void settle(const std::filesystem::path& store, Config& config) {
  write_durably(store / "audit" / "vkey", config.next_vkey + "\n", 0444);
  remove_key(store, config.key);
  config.vkey = config.next_vkey, config.key = config.next_key;
  config.next_vkey.clear(), config.next_key.clear();
  save_config(store, config);
}

void drop(const std::filesystem::path& store, Config& config) {
  remove_key(store, config.next_key);
  config.next_vkey.clear(), config.next_key.clear();
  save_config(store, config);
}

bool signed_by_next(const std::filesystem::path& store, const Config& config) {
  const auto path = store / "audit" / "checkpoint";
  std::error_code error;
  return std::filesystem::exists(path, error) &&
         check_note(parse_note(read_file(path)), parse_vkey(config.next_vkey)) == Signature::good;
}

/// The line of the record that was to make the next key the log's; "" when it wasn't written.
std::string find_record(const std::filesystem::path& store, const AuditLog& log, const Config& config) {
  std::string found;
  const auto text = log.checkpoint_text();
  const Sequence from = text.empty() ? 0 : parse_checkpoint(parse_note(text)).size;
  read_lines(store / "audit", from, [&](Sequence, std::string_view line) {
    if (action_of(line) != "key-rotation") return;
    const auto record = parse_line(line);
    if (std::get<KeyRotation>(record.payload).vkey == config.next_vkey) found = line;
  });
  return found;
}

void take_over(const std::filesystem::path& store, AuditLog& log, Config& config, SigningKey next,
               const std::string& line) {
  keep_line(store / "audit", line);
  log.rekey(std::move(next));
  settle(store, config);
}

/// What a crash left half done.
void finish(const std::filesystem::path& store, Config& config) {
  if (signed_by_next(store, config)) return settle(store, config);
  AuditLog log = open_with(store, config);
  const auto line = find_record(store, log, config);
  if (line.empty()) {
    drop(store, config);
  } else {
    take_over(store, log, config, load_next(store, config), line);
  }
}

}  // namespace

AuditLog open_log(const std::filesystem::path& store, Config& config) {
  if (!config.next_key.empty()) finish(store, config);
  return open_with(store, config);
}

SigningKey signing_key(const std::filesystem::path& store, const Config& config) {
  return !config.next_key.empty() && signed_by_next(store, config) ? load_next(store, config) : load_key(store, config);
}

Config rotate_key(const std::filesystem::path& store, const std::string& token_uri) {
  Config config = load_config(store);
  const StoreLock lock(store);
  AuditLog log = open_log(store, config);
  const auto now_key = load_key(store, config);
  auto next = token_uri.empty() ? SigningKey::generate() : token_key(token_uri);
  if (next.public_key() == now_key.public_key()) throw Error(Code::usage, "that is the log's key already");
  config.next_vkey = to_vkey({config.origin, next.public_key()});
  config.next_key = token_uri;
  if (token_uri.empty()) {
    const auto id = config.next_vkey.substr(config.origin.size() + 1, 8);
    config.next_key = "keys/log-" + id + ".pem";
  }
  save_config(store, config);  // first: what a crash leaves of the key has a name there
  if (token_uri.empty()) {
    std::filesystem::create_directory(store / "keys");
    std::filesystem::permissions(store / "keys", std::filesystem::perms::owner_all);
    next.save(store / config.next_key);
  }
  const auto sequence = append_offline(log, config, sign_rotation(config.origin, log.size(), now_key, next), false);
  take_over(store, log, config, std::move(next), line_at(store / "audit", sequence));
  return config;
}

}  // namespace ward::store
