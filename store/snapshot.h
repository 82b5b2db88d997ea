// SPDX-License-Identifier: Apache-2.0
// The catalog as text at one point of the log, so that the lines before it may go: STORE/snapshots/<before>.zst.
// FORMAT.md, "Snapshots". Functions share nothing; one process at a time works on a store.
#pragma once
#include <filesystem>

#include "store/catalog.h"

namespace ward::store {

/// What a `prune` record says of one.
struct Snapshot {
  Sequence before = 0;     // the first record that isn't in it
  Sha256 sha256;           // of the text
  std::uint64_t size = 0;  // of the text
};

std::filesystem::path snapshot_path(const std::filesystem::path& store, Sequence before);

/// Writes the catalog's state, durably. Throws Error{io}, {no_space}.
Snapshot write_snapshot(const std::filesystem::path& store, const Catalog& catalog);

/// Gives an empty catalog the state before record `before`. Who calls it compares the result with the log's `prune`
/// record. Throws Error{corrupt} for a snapshot that is missing or damaged, Error{io}.
Snapshot restore_snapshot(const std::filesystem::path& store, Sequence before, Catalog& catalog);

/// Brings an empty catalog to where the log's lines begin, or further when a crash left lines that were to be pruned:
/// nothing to do for a log from record 0.
Snapshot restore_start(const std::filesystem::path& store, Catalog& catalog);

/// Looks for the record that vouches for the snapshot that a replay began with.
class SnapshotProof {
 public:
  explicit SnapshotProof(Snapshot used) : used_(std::move(used)), proven_(used_.before == 0) {}
  void see(const Record& record);
  /// At the end of the log. Throws Error{corrupt} when no record vouched.
  void finish() const;

 private:
  Snapshot used_;
  bool proven_;
};

}  // namespace ward::store
