// SPDX-License-Identifier: Apache-2.0
// The sequencer: gives a record its number, appends it to the log and applies it to the catalog, as one step. A record
// that is in the log is applied or the daemon stops: answering "failed" for something that is in the log would be a
// lie. The monitor's lock guards every call.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "store/audit_log.h"
#include "store/catalog.h"
#include "store/record.h"

namespace ward::store {

class Ledger {
 public:
  /// `observe` sees every record after it was applied (the publisher); `ending` is called before the daemon stops.
  Ledger(
      AuditLog& log, Catalog& catalog, std::string host, std::function<void(const Record&)> observe,
      std::function<void()> ending = [] {});

  /// Number that the next record gets.
  Sequence next() const { return log_.size(); }
  /// Appends all records or none, then applies them. Fills in sequence, time (when 0) and salt. Throws Error{no_space},
  /// {io}: then nothing happened.
  void append(std::span<Record> records, AuditLog::Space space = AuditLog::Space::ordinary);

 private:
  AuditLog& log_;
  Catalog& catalog_;
  std::string host_;
  std::function<void(const Record&)> observe_;
  std::function<void()> ending_;
};

/// The clock of records and inodes: whole microseconds since 1970 UTC, in nanoseconds.
Nanos now();

}  // namespace ward::store
