// SPDX-License-Identifier: Apache-2.0
// The working content of one artifact while somebody may write it. It reads from its base object until the first
// write makes a private file in drafts/; a seal hard-links that file into the object store, and the next write
// un-shares it again. Life of a save: FORMAT.md.
//
// Locks: `content` (shared: reads and writes of a private file; exclusive: making private, append, truncate, seal).
// The monitor's lock may be taken while `content` is held, never the other way round.
#pragma once
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>

#include "store/hash_follower.h"
#include "store/lineage.h"
#include "store/object_store.h"
#include "store/record.h"

namespace ward::store {

/// What a draft starts from: a version's bytes; version 0 is empty. Without an object the draft opens it when needed.
struct Base {
  std::uint64_t version = 0;
  Sha256 sha256;
  std::uint64_t size = 0;
  std::shared_ptr<const Object> object;
};

enum class DraftKind {
  session,  // seen by the writers' sessions only, until the seal
  live,     // policy visibility = "write": seen by all at once
  scratch,  // never sealed: its file is the artifact's content until it gets a governed name
};

/// The processes of one user with one session id.
struct Session {
  std::uint32_t uid = 0;
  std::int32_t id = 0;
  bool operator==(const Session&) const = default;
};

class Draft {
 public:
  using Exclusive = std::unique_lock<std::shared_mutex>;

  Draft(std::filesystem::path folder, HashPool& pool, ObjectStore& objects, Id artifact, Id number, DraftKind kind,
        Base base);

  DraftKind kind() const { return kind_; }

  // ---- content; each locks `content` itself. They throw Error (no_space, io). ----
  std::uint64_t size() const { return size_; }  // takes no lock
  /// Bytes read, fewer than asked only at the end.
  std::size_t read(std::uint64_t offset, std::span<char> into) const;
  /// Writes all of `bytes`; with append at the end, wherever `offset` says. Returns the offset used.
  std::uint64_t write(Id handle, const Author& author, std::uint64_t offset, std::span<const char> bytes, bool append,
                      Nanos now);
  /// `opening`: by O_TRUNC. Shells close a descriptor between that and the first write: it is no save yet.
  void truncate(Id handle, const Author& author, std::uint64_t size, bool opening, Nanos now);
  /// fallocate(2) with a mode that the caller has checked; false when the disk can't do it so.
  [[nodiscard]] bool allocate(Id handle, const Author& author, int mode, std::uint64_t offset, std::uint64_t length,
                              Nanos now);
  std::int64_t seek(std::int64_t offset, int whence) const;  // SEEK_DATA, SEEK_HOLE; negative errno
  void sync() const;
  /// What it shows now, as bytes that stay as they are: the next write un-shares the file. Null when it is empty.
  std::shared_ptr<const Object> still(const Exclusive&);
  std::shared_ptr<const Object> base_object() const;  // null when it is empty

  // ---- seal; the monitor drives it with `content` held exclusively. ----
  Exclusive freeze() { return Exclusive(content); }
  bool dirty(const Exclusive&) const { return !dirty_.empty(); }
  bool dirty(const Exclusive&, Id handle) const { return dirty_.contains(handle); }
  /// A descriptor of `handle` was closed: its unsealed writes wait for nobody but the seal. Writing on takes that back.
  void flushed(const Exclusive&, Id handle);
  /// Whether a handle other than `handle` is in the middle of writing: a seal now would publish half of its save.
  bool others_writing(const Exclusive&, Id handle) const;
  /// Whether what `handle` wrote was closed, and waits for others to be done.
  bool waits(const Exclusive&, Id handle) const;
  /// Whether unsealed writes came through several handles.
  bool mixed(const Exclusive&) const { return dirty_.size() > 1; }
  /// Whether an unsealed write came through a handle that was open at the last seal: it belongs to that save. Writes of
  /// handles opened since are a save of their own.
  bool late(const Exclusive&) const;
  /// All that happened since the last seal is an O_TRUNC, or that the file grew as before a mapping is filled: more is
  /// to come, so a seal waits for RELEASE.
  bool begun(const Exclusive&) const { return !written_; }
  struct Bytes {
    Sha256 sha256;
    std::uint64_t size = 0;
  };
  /// Hashes the content and puts it into the object store.
  Bytes store(const Exclusive&);
  /// The content is the durable-enough object `base` now: nothing is unsealed.
  void sealed(const Exclusive&, Base base);
  /// A scratch file got a governed name: it is a draft `id` of that kind from now on, sealed as `base`.
  void govern(const Exclusive&, Id id, DraftKind kind, Base base);
  /// Leaves the file in drafts/ as `<id>.kept` and goes back to the base (a killed writer).
  void keep(const Exclusive&);
  /// Forgets the private file (unwritten, deleted, finalised) and goes back to the base.
  void drop(const Exclusive&);
  /// Nobody has it open: lets go of the base's object. The kernel may keep the draft's node for hours, and with it the
  /// draft; it must not keep a descriptor.
  void rest(const Exclusive&);
  std::vector<Author> authors(const Exclusive&) const;  // most bytes first
  /// Authors of a scratch file from when it was open before.
  void remember(const std::vector<Author>& authors);
  const Base& base(const Exclusive&) const { return base_; }
  struct Times {
    Nanos mtime = 0;
    Nanos ctime = 0;  // of the last change through this draft; 0 = none
  };
  std::optional<Times> times() const;           // nullopt: those of its base
  std::optional<Times> unsealed_times() const;  // while it is dirty; of a scratch file always
  void set_mtime(Nanos mtime);

  mutable std::shared_mutex content;

  /// Grows at each seal: sessions that see the draft join anew when they write again.
  std::atomic<std::uint64_t> generation = 1;

  const Id number;  // inode number of the file whose content it is

  // ---- guarded by the monitor's lock ----
  std::atomic<Id> artifact;            // whose content it is; a rename over another one moves it
  std::atomic<bool> detached = false;  // its artifact went on without it: never seals
  std::atomic<Id> id = 0;              // sequence of the open that made it; 0 = no writer yet
  std::map<Id, Session> sessions;      // who sees it, by the handle that they write through; 0: truncate(2)
  unsigned writers = 0, readers = 0;   // open handles
  Nanos pinned_until = 0;              // a walk is on its way here after ESTALE
  std::atomic<Lineage::Tick> last_write = Lineage::kAlways;  // lineage's clock at the last write
  std::uint64_t sealed_version = 0;                          // version that its bytes are since a seal, 0 = none
  Sequence sealed_at = 0;                                    // the commit by which it made that version, 0 = none
  /// What was written is in a version now, for all to see; whoever writes on joins again. Staying would show a session
  /// that is done the half-written next save of somebody else.
  void leave() {
    sessions.clear();
    ++generation;
  }
  bool interrupted = false;          // a writer was killed since the last seal
  std::set<std::string> activities;  // entity ids of the writers, for lineage

 private:
  std::filesystem::path file_name() const;
  /// What it reads from without a private file; -1: nothing. The owner keeps it open. Caller holds `content`.
  std::pair<std::shared_ptr<const Object>, int> source() const;
  void make_private(const Exclusive&, std::uint64_t keep);
  void touched(Id handle, const Author& author, std::uint64_t bytes, bool data, Nanos now);
  void grew(std::uint64_t end);
  void require_room(std::uint64_t size) const;

  const std::filesystem::path folder_;
  HashPool& pool_;
  ObjectStore& objects_;
  const Id file_id_;  // names a scratch file
  // Guarded by `content`; marks_ guards dirty_, authors_, written_, times_ and base_.object beside shared holders of
  // it.
  std::atomic<DraftKind> kind_;
  mutable Base base_;  // its object is opened when somebody reads
  std::optional<Fd> file_;
  std::optional<Bytes> stored_;                   // what store() made of file_, while it is shared_
  std::unique_ptr<HashPool::Follower> follower_;  // declared after file_: gone before the descriptor closes
  bool shared_ = false;                           // file_ is an object or lent to readers: un-share before a write
  mutable std::mutex marks_;
  std::atomic<std::uint64_t> size_;
  std::map<Id, bool> dirty_;  // handles with unsealed writes, and whether they were closed since; 0: truncate(2)
  bool written_ = false;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> authors_;
  std::optional<Times> times_;
};

}  // namespace ward::store
