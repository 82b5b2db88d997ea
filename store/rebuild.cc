// SPDX-License-Identifier: Apache-2.0
// `ward rebuild`: the catalog, made again from the log alone.
#include <fcntl.h>
#include <unistd.h>

#include "store/audit_log.h"
#include "store/config.h"
#include "store/files.h"
#include "store/fsck_parts.h"
#include "store/key_rotation.h"
#include "store/lock.h"
#include "store/offline.h"

namespace ward::store {
namespace {

/// A database with its companions.
void remove_database(const std::filesystem::path& file) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const auto name = file.string() + suffix;
    if (::unlink(name.c_str()) != 0 && errno != ENOENT) throw_errno("delete " + name);
  }
}

}  // namespace

Sequence rebuild(const std::filesystem::path& store, const Progress& progress) {
  Config config = load_config(store);
  const StoreLock lock(store);
  AuditLog log = open_log(store, config);
  // Before anything is done: who rebuilds, and what opening the log had to cut. The replay applies these records too.
  append_offline(log, config, Maintenance{"rebuild", "begun", 0});
  if (log.cut_bytes() != 0) append_offline(log, config, Recover{log.cut_bytes(), 0, 0, 0});

  const auto file = store / "catalog.db", fresh = store / "catalog.db.new";
  remove_database(fresh);  // of a rebuild that was interrupted
  Sequence records = 0;
  {
    Catalog catalog(fresh);
    records = replay(store, catalog, progress).records;
  }  // closing writes the whole database into its one file
  {
    const Fd fd = open_file(fresh, O_RDONLY);
    if (::fsync(fd.get()) != 0) throw_errno("fsync " + fresh.string());
  }
  remove_database(file);  // first, so that the old write-ahead file is never taken for the new database's
  if (::rename(fresh.c_str(), file.c_str()) != 0) throw_errno("rename " + fresh.string());
  sync_folder(store);
  return records;
}

}  // namespace ward::store
