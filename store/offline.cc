// SPDX-License-Identifier: Apache-2.0
#include "store/offline.h"

#include "store/catalog.h"
#include "store/crypto.h"
#include "store/error.h"
#include "store/key_rotation.h"
#include "store/ledger.h"
#include "store/lock.h"
#include "store/record_json.h"
#include "store/recovery.h"
#include "store/requester.h"

namespace ward::store {
namespace {

/// The catalog, if it is what the log says up to its end.
std::unique_ptr<Catalog> current_catalog(const std::filesystem::path& store, const AuditLog& log) {
  const auto file = store / "catalog.db";
  if (!std::filesystem::exists(file)) return nullptr;
  try {
    auto catalog = std::make_unique<Catalog>(file);
    if (catalog->applied() == log.size() && catalog->applied_leaf() == log.last_leaf()) return catalog;
  } catch (const Error& error) {
    if (error.code() != Code::corrupt && error.code() != Code::format) throw;  // the next mount makes a new one
  }
  return nullptr;
}

}  // namespace

Sequence append_offline(AuditLog& log, const Config& config, Payload payload, bool sign) {
  const auto self = Requester::self();
  Record record;
  record.time = now();
  record.sequence = log.size();
  record.user = self.user();
  record.process = self.process();
  record.path = std::string("/");  // gcc 12 warns of a plain literal here
  record.payload = std::move(payload);
  record.salt = random64();
  const std::string line = to_line(record, config.origin.substr(0, config.origin.find('/')));
  const auto sequence = log.append(std::span(&line, 1), AuditLog::Space::reserved);
  log.sync();
  if (sign) log.checkpoint();
  return sequence;
}

std::string record_command(const std::filesystem::path& store, const Maintenance& command) {
  try {
    Config config = load_config(store);
    const StoreLock lock(store);
    AuditLog log = open_log(store, config);
    const auto catalog = current_catalog(store, log);
    if (log.cut_bytes() != 0) append_offline(log, config, Recover{log.cut_bytes(), 0, 0, 0});
    append_offline(log, config, command);
    if (!catalog) return "";
    catch_up(store / "audit", *catalog);
    catalog->flush();
    return "";
  } catch (const Error& error) {
    switch (error.code()) {
      case Code::busy:
        return "the store is in use";
      case Code::corrupt:
      case Code::missing_key:
        return error.what();
      default:
        throw;
    }
  }
}

}  // namespace ward::store
