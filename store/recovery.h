// SPDX-License-Identifier: Apache-2.0
// What a start does before anything is served: bring the catalog up to the log, turn slots left by a crash into
// records, and settle drafts. Replay never decides: it redoes what records say.
#pragma once
#include <filesystem>
#include <memory>

#include "store/audit_log.h"
#include "store/catalog.h"
#include "store/ledger.h"
#include "store/object_store.h"
#include "store/publisher.h"
#include "store/slots.h"

namespace ward::store {

/// Opens STORE/catalog.db and replays what it lacks. One that is damaged, of another schema, ahead of the log or of
/// another history is discarded and rebuilt. Throws Error{corrupt} when the log itself can't be replayed.
std::unique_ptr<Catalog> open_catalog(const std::filesystem::path& store, const AuditLog& log);
/// Applies the log's records from catalog.applied() on; an empty catalog of a pruned log begins with the snapshot.
void catch_up(const std::filesystem::path& audit, Catalog& catalog);
/// Gives the publisher the records from `from` on that history lacks.
void observe_unpublished(const std::filesystem::path& audit, Sequence from, Publisher& publisher);

/// Settles what a crash left. Appends its own records; run it once, before anything is served.
class Recovery {
 public:
  Recovery(std::filesystem::path store, ObjectStore& objects, const Slots& slots, const AuditLog& log, Catalog& catalog,
           Ledger& ledger);
  void run();

 private:
  void drain_slots();
  void settle(const OpenDraft& draft);
  void seal(const OpenDraft& draft, const std::filesystem::path& file, const Inode& inode);
  void keep(const OpenDraft& draft, const std::filesystem::path& file, bool has_bytes);
  void check_objects();
  void tidy_scratch();
  void append(const OpenDraft& draft, const std::string& path, Payload payload);

  const std::filesystem::path store_;
  ObjectStore& objects_;
  const Slots& slots_;
  const AuditLog& log_;
  Catalog& catalog_;
  Ledger& ledger_;
  Recover report_;
};

}  // namespace ward::store
