// SPDX-License-Identifier: Apache-2.0
// Private to catalog*.cc: what stands behind Catalog. The tables are described in FORMAT.md, "Catalog".
//
// One redo() per payload; a payload without one doesn't compile. All of them work from the record and the tables
// alone, and throw Error{corrupt} when those contradict each other; Catalog::apply then rolls back.
#pragma once
#include "store/catalog.h"
#include "store/recent_rows.h"
#include "store/sqlite.h"

namespace ward::store {

/// The row of an inode: what Inode shows and what only the catalog needs.
struct Node : Inode {
  std::uint64_t versions = 0;  // rows in `version`; an inode that has some outlives its last name
  Sequence deleted = 0;        // record that took the last name; 0 = has a name
  Id merged_into = 0;          // artifact that took over its bytes when it was renamed over it
};

/// The single row of `state`. Kept here while records are applied and written only by save_state().
struct State {
  Sequence applied = 0;
  std::string leaf;
  Sequence published = 0;
  Sequence changed = 0;  // records up to the last one that git history shows
  int format = 0;
  std::string origin, vkey;
  Nanos clock = 0;  // latest time in time_index: times that go backwards are lifted to it
  Catalog::Totals totals;
};

struct Catalog::Impl {
  Database db;
  State state;
  Sequence flushed = 0;               // state.applied of the last flush
  RecentRows<Id, Node> recent{8192};  // of `inode`, about 500 bytes each

  explicit Impl(const std::filesystem::path& file);

  // catalog_schema.cc
  void load_state();
  void save_state();
  /// Drops everything since the last flush and begins again.
  void roll_back();

  /// Where a folder stands, or stood last. nullopt for an id that never was a folder.
  std::optional<Place> folder_place(Id dir);

  // catalog_node.cc: rows of inodes
  std::optional<Node> find(Id id);
  /// The same without a copy; null when there is none. Valid until the next call for any node.
  const Node* peek(Id id);
  /// The node that a record speaks of; Error{corrupt} when it isn't there.
  Node need(Id id, const Record& record);
  void insert(const Node& node);
  void update(const Node& node);
  void remove(Id id);  // the row, its xattrs and changes
  /// Marks the node as changed by `record`: last and ctime.
  static void stamp(Node& node, const Record& record);
  /// The same for a save, which says itself when the file changed.
  static void stamp(Node& node, const Record& record, const std::optional<Nanos>& changed);
  /// One line of PATH@@/history; scratch files that never had a version have none.
  void note(const Record& record, const Node& node, const char* action, const std::string& detail);
  void index_time(const Record& record);

  // catalog_names.cc: rows of names
  /// Cookie of the n-th name (0 or 1) that a record makes.
  static std::uint64_t cookie(const Record& record, unsigned n) { return record.sequence * 2 + n; }
  void add_name(const Record& record, const Place& at, const Node& node, unsigned n = 0);
  void drop_name(const Record& record, const Place& at, const Node& node);
  /// drop_name and what follows from it: a new home, or the end of the inode. Writes the node.
  void unlink(const Record& record, const Place& at, Node& node);
  void move_name(const Record& record, const Place& from, const Place& to, Node& node, unsigned n = 0);
  void touch_folder(const Record& record, Id dir, int subfolders);
  bool has_entries(Id dir);

  // catalog_redo_names.cc
  void redo(const Record&, const Create&);
  void redo(const Record&, const Link&);
  void redo(const Record&, const Delete&);
  void redo(const Record&, const Rename&);
  void redo(const Record&, const Restore&);
  void exchange(const Record&, const Rename&);
  void move(const Record&, const Rename&);
  void merge(const Record&, const Rename&);

  // catalog_redo_saves.cc
  void redo(const Record&, const Commit&);
  void redo(const Record&, const Inputs&);
  void redo(const Record&, const Finalise&);
  void redo(const Record&, const Unchanged&);
  void redo(const Record&, const Abandon&);
  void redo(const Record&, const Sync&);
  void redo(const Record&, const Open&);
  void redo(const Record&, const VersionLost&);
  void save(const Record&, const Commit&, const char* action, const std::string& detail);
  void begin_draft(const Record&, Id draft, Id artifact, std::uint64_t base);

  // catalog_redo_rest.cc
  void redo(const Record&, const LogStart&);
  void redo(const Record&, const PolicyChange&);
  void redo(const Record&, const SetAttr&);
  void redo(const Record&, const SetXattr&);
  void redo(const Record&, const StageChange&);
  void redo(const Record&, const Publish&);
  void redo(const Record&, const KeyRotation&);
  void redo(const Record&, const Mount&) {}  // these change no state
  void redo(const Record&, const Unmount&) {}
  void redo(const Record&, const Recover&) {}
  void redo(const Record&, const Maintenance&) {}
  void redo(const Record&, const Prune&) {}
  void redo(const Record&, const Anchor&) {}
  void redo(const Record&, const Read&) {}
  void redo(const Record&, const Write&) {}
  void redo(const Record&, const Close&) {}
  void redo(const Record&, const Activity&) {}
  void redo(const Record&, const Refusal&) {}

  // catalog_versions.cc
  std::optional<Version> load_version(VersionRef ref);
};

/// Labels in one column: a JSON array, "" when there are none.
std::string pack_labels(const std::vector<std::string>& labels);
std::vector<std::string> unpack_labels(std::string_view text);
/// Error{corrupt} that names the record.
[[noreturn]] void contradiction(const Record& record, const std::string& what);

}  // namespace ward::store
