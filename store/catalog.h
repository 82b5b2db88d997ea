// SPDX-License-Identifier: Apache-2.0
// The catalog: the namespace, attributes, versions, lineage and open drafts, as a projection of the audit log in
// SQLite. `apply` is the only way to change it and is the same function for live traffic and for replay, so a catalog
// rebuilt from the log is byte for byte the same dump. One connection holds one long transaction; `flush` commits it.
// Not thread-safe: the monitor's lock guards every call.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/record.h"

namespace ward::store {

/// What stat shows of an inode, and where it stands. Of a file the content fields are those of its current version.
struct Inode {
  Id id = 0;
  Id number = 0;  // inode number: what stat calls st_ino. The file's, where `id` is the name's (glossary)
  Kind kind = Kind::file;
  std::uint32_t mode = 0, uid = 0, gid = 0, rdev = 0;  // mode: permission bits (07777)
  std::uint64_t nlink = 0;                             // names; of a folder 2 + sub-folders; 0 = deleted
  Nanos atime = 0, mtime = 0, ctime = 0, btime = 0;
  std::string target;  // of a symlink
  Place home;          // governs; of a deleted artifact the last one
  bool scratch = false;
  std::uint64_t version = 0;  // current; 0 = nothing was saved yet (empty)
  Sequence commit = 0;        // record that made the current version's bytes what they are (changes on amend)
  Sha256 sha256;
  std::uint64_t size = 0;
  std::string stage;
  std::vector<std::string> labels;
  Sequence last = 0;  // last record that changed it ("prev" of the next)
};

struct Version {
  VersionRef ref;
  Sequence commit = 0;
  Nanos time = 0;  // of the commit record
  Nanos mtime = 0;
  Sha256 sha256;
  std::uint64_t size = 0, base = 0;
  bool final = false, concurrent = false, recovered = false, lost = false;
  std::uint32_t uid = 0, login = kUnsetLogin;  // committer
  std::string user, login_name, executable;
  std::vector<Author> authors;
  std::string stage;
  std::vector<std::string> labels;
  Retain retain;
  std::vector<Sha256> amended;  // earlier bytes of this number (`N~1` is the last)
};

struct Entry {
  std::uint64_t cookie = 0;  // > 0, stable while the name stands; order of a listing
  std::string name;
  Id id = 0;
  Id number = 0;  // inode number; only in list()
  Kind kind = Kind::file;
};

/// A write session that hasn't ended: what recovery has to look at.
struct OpenDraft {
  Id draft = 0, artifact = 0;
  std::uint64_t base = 0;
  bool synced = false;            // fsynced since its last seal
  std::uint64_t synced_size = 0;  // size at that fsync
  bool sealed = false;            // its bytes are the not yet final version `version`
  std::uint64_t version = 0;
  User user;  // of the record that made it
  Process process;
};

struct PolicyRow {
  std::uint64_t number = 0;
  Sha256 sha256;
  Sequence sequence = 0;
  Nanos time = 0;
  std::string user;
};

/// One change of an artifact, for PATH@@/history: any record that changed its state.
struct Change {
  Sequence sequence = 0;
  Nanos time = 0;
  std::string action, user;
  std::uint64_t version = 0;
  std::string detail;  // for people: "renamed /a -> /b", "mode 0644", …
};

class Catalog {
 public:
  /// Opens or makes the database. Throws Error{corrupt} when SQLite says it is not a database or damaged, and
  /// Error{format} for another schema version: the caller deletes it and replays.
  explicit Catalog(const std::filesystem::path& file);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  /// Redoes one record. Records come in order; one that is applied already (sequence < applied()) is an Error{corrupt}.
  /// `leaf` is the 64-hex leaf hash of its line. Records that change no state only move applied().
  /// A record that contradicts the state is an Error{corrupt}. When it throws while it redoes, the catalog is as of the
  /// last flush, as applied() shows: replay from there. Changes stay in memory until flush, so flush every few
  /// thousand.
  void apply(const Record& record, const std::string& leaf);
  /// Number of records applied, and the leaf hash of the last ("" when none).
  Sequence applied() const;
  std::string applied_leaf() const;
  /// Number of records up to the last one that git history is to show.
  Sequence changed() const;
  /// Commits the long transaction and begins the next. Call only when the log is durable up to applied().
  /// Throws Error{no_space} when the disk is full; if SQLite rolled back, applied() shows it: replay from there.
  void flush();

  std::optional<Inode> inode(Id id) const;
  std::optional<Inode> numbered(Id number) const;  // by inode number
  std::optional<Id> child(Id dir, std::string_view name) const;
  /// Up to `limit` entries with cookie > after, in cookie order.
  std::vector<Entry> list(Id dir, std::uint64_t after, std::size_t limit) const;
  bool empty(Id dir) const;
  std::vector<Place> names(Id id) const;  // home first, then in order of creation
  /// "/a/b" of a name: walks the home places up to the root. Raw bytes.
  std::string path(const Place& place) const;
  std::string path(Id id) const;  // of the home place; "/" for the root

  std::optional<std::string> xattr(
      Id id, std::string_view name) const;  // large values: the object's bytes aren't here, see xattr_object
  std::optional<Sha256> xattr_object(Id id, std::string_view name) const;
  std::vector<std::string> xattrs(Id id) const;

  std::optional<Version> version(VersionRef ref) const;
  std::vector<Version> versions(Id artifact) const;  // oldest first
  /// How many versions the artifact was given, lost ones included: the next one has the number after that.
  std::uint64_t versions_made(Id artifact) const;
  std::vector<std::string> version_labels(VersionRef ref) const;  // as they were saved; none for no version
  std::vector<Input> inputs(VersionRef ref) const;
  std::vector<std::pair<VersionRef, Input>> outputs(VersionRef ref) const;  // versions made from it
  std::vector<Change> changes(Id artifact) const;                           // oldest first

  /// Time travel: the state just after record `at` was applied.
  std::optional<Id> child_at(Id dir, std::string_view name, Sequence at) const;
  std::vector<Entry> list_at(Id dir, Sequence at) const;
  std::optional<Version> version_at(Id artifact, Sequence at) const;
  /// Last state-changing record not after `time`; nullopt before the first.
  std::optional<Sequence> sequence_at(Nanos time) const;

  /// Deleted artifacts whose last name stood in `dir`, newest deletion last; `name` is that last name.
  std::vector<Entry> deleted(Id dir) const;
  std::vector<OpenDraft> drafts() const;
  std::optional<PolicyRow> policy() const;  // the active one
  std::vector<PolicyRow> policies() const;
  Sequence published() const;                                             // records covered by git history
  std::optional<Sequence> published_by(const std::string& commit) const;  // last_seq of a git commit (full 40 hex)
  std::string last_published() const;                                     // newest commit; "" = none
  /// Every object that a version which isn't lost, a policy or an xattr names, each once.
  std::vector<Sha256> objects() const;
  struct Totals {
    std::uint64_t artifacts = 0, versions = 0, bytes = 0;
  };
  Totals totals() const;

  /// Canonical text of all state, one line per row: equal for a live and a rebuilt catalog.
  std::string dump() const;
  /// The same in pieces, for `take`.
  void dump(const std::function<void(std::string_view)>& take) const;
  /// Takes over the state that the lines of a dump tell, given one after the other ("" after the last), and commits it.
  /// For a catalog to which nothing was applied. Throws Error{corrupt} for what dump() can't have made.
  void restore(const std::function<std::string_view()>& next_line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ward::store
