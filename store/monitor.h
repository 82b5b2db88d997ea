// SPDX-License-Identifier: Apache-2.0
// The reference monitor: the one way to read or change anything in a store. Each operation decides (mode bits, then
// policy), writes the audit record and applies it, under one lock, before it returns; so a decision can't be stale and
// nothing is served unrecorded. Operations return a value or the caller's errno; refusals were recorded by then.
//
// Thread-safe. Locks, in order: Draft::content, Notes, Anchors, the monitor's lock, leaf locks (objects, publisher).
// Hooks are called with the monitor's lock held: they only queue.
#pragma once
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <thread>
#include <unordered_map>

#include "policy/policy.h"
#include "store/attr_rules.h"
#include "store/audit_log.h"
#include "store/catalog.h"
#include "store/draft.h"
#include "store/handle.h"
#include "store/intent.h"
#include "store/ledger.h"
#include "store/lineage.h"
#include "store/log_keeper.h"
#include "store/monitor_types.h"
#include "store/object_store.h"
#include "store/publisher.h"
#include "store/refusals.h"
#include "store/requester.h"
#include "store/result.h"
#include "store/slots.h"

namespace ward::store {

class Monitor {
 public:
  struct Hooks {
    /// The daemon ends by itself: whoever waits for its answers must be let go.
    std::function<void()> ending = [] {};
    /// Names whose target or attributes changed for somebody, and the file whose attributes changed, by inode number.
    std::function<void(Id number, std::vector<Place> names)> changed = [](Id, const std::vector<Place>&) {};
    /// Whether the kernel knows the file with that inode number. Asked with the monitor's lock held.
    std::function<bool(Id number)> known = [](Id) { return false; };
  };

  /// Opens the store, locks it, recovers it and starts the background work. Throws Error; nothing is changed when the
  /// store is of another format, in use, or damaged beyond what recovery may mend.
  Monitor(const std::filesystem::path& store, Hooks hooks);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void mounted(const Requester& who, const std::string& mountpoint, const std::string& options);
  /// Finalises what is open, publishes, records the unmount and makes all durable.
  void unmounted(const Requester& who);

  // ---- names (monitor_names.cc, monitor_rename.cc) ----
  Result<View> lookup(const Requester& who, Id folder, const std::string& name);
  /// The target of a symlink, to whoever may follow it.
  Result<std::string> read_link(const Requester& who, const NodeRef& node);
  Result<View> make(const Requester& who, const Place& at, Kind kind, std::uint32_t mode, std::uint32_t rdev,
                    const std::string& target);
  Result<View> link(const Requester& who, Id number, const Place& to);
  Status remove(const Requester& who, const Place& at, bool folder);
  /// flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT.
  Status rename(const Requester& who, const Place& from, const Place& to, unsigned flags);
  /// Gives a deleted artifact a name again.
  Status restore(const Requester& who, Id artifact, const Place& to);

  // ---- ways that no path walk judged (monitor_reach.cc); refusals are recorded as of a lookup ----
  /// Search permission on a folder, for a virtual name in it.
  Status enter(const Requester& who, Id folder, const std::string& name);
  /// Search permission on every folder above the inode, by one of its names (of a deleted one: its last): what a path
  /// walk to it would have needed. `path` is the way that was taken.
  Status reach(const Requester& who, Id id, const std::string& path);

  // ---- attributes (monitor_attr.cc, monitor_xattr.cc) ----
  Result<Inode> attributes(const NodeRef& node);
  /// `handle`: that the change comes through (ftruncate, fchmod), null for a change by path.
  Result<Inode> change(const Requester& who, const NodeRef& node, const AttrChange& change,
                       const std::shared_ptr<Handle>& handle);
  Status access(const Requester& who, const NodeRef& node, unsigned mask);
  Result<std::string> get_xattr(const Requester& who, const NodeRef& node, const std::string& name);
  Result<std::vector<std::string>> list_xattrs(const Requester& who, const NodeRef& node);
  /// flags: XATTR_CREATE, XATTR_REPLACE.
  Status set_xattr(const Requester& who, const NodeRef& node, const std::string& name, const std::string& value,
                   int flags);
  Status remove_xattr(const Requester& who, const NodeRef& node, const std::string& name);

  // ---- open files (monitor_open.cc) ----
  /// ESTALE: look the name up again, the node to open is another one now.
  Result<std::shared_ptr<Handle>> open(const Requester& who, const NodeRef& node, int flags);
  Result<Opened> create(const Requester& who, const Place& at, std::uint32_t mode, int flags);
  Result<Opened> temporary(const Requester& who, Id folder, std::uint32_t mode, int flags);  // O_TMPFILE
  Result<std::shared_ptr<Handle>> open_folder(const Requester& who, Id id);
  /// An old version, by number; `amended` counts back through bytes the number had before it was final (N~1 …).
  Result<NodeRef> version_node(const Requester& who, Id artifact, std::uint64_t version);
  struct Listed {
    Entry entry;
    View view;
  };
  /// Up to `limit` entries after the cookie; with views for readdirplus.
  std::vector<Listed> list(const Requester& who, Id folder, std::uint64_t after, std::size_t limit, bool views);

  // ---- content (monitor_io.cc) ----
  // `who` is the process whose request it is: not always the one that opened the file (monitor_parties.cc).
  /// Notes a read; call before its bytes are served. Throws Error when it can't be noted: then serve nothing.
  void note_read(const std::shared_ptr<Handle>& handle, const Requester& who, std::uint64_t offset,
                 std::uint64_t length);
  /// mapped: pages of a shared mapping, which go where they were changed even if the handle appends.
  Result<std::uint64_t> write(const std::shared_ptr<Handle>& handle, const Requester& who, std::uint64_t offset,
                              std::span<const char> bytes, bool mapped);
  Status allocate(const std::shared_ptr<Handle>& handle, const Requester& who, int mode, std::uint64_t offset,
                  std::uint64_t length);
  Status sync(Handle& handle);
  Status sync_folder();

  // ---- saves (monitor_save.cc) ----
  /// A close of one descriptor: seals what may be sealed. `tid` is the closing thread.
  Status flush(Handle& handle, std::int32_t tid);
  void release(const std::shared_ptr<Handle>& handle);
  void release_folder(const std::shared_ptr<Handle>& handle);
  /// The kernel forgot a file: an unlinked one is gone for good, unless a look-up that found it before it lost its name
  /// is still on its way there.
  void forget(Id number);

  /// Records what is refused because of what kind of thing it is (a virtual file, an old version), whoever asks.
  Errno deny(const Requester& who, const char* action, Id artifact, const std::string& path, int error,
             const char* reason);

  // ---- governance (monitor_govern.cc) ----
  struct PolicyResult {
    int error = 0;        // 0, EACCES, EINVAL
    std::string message;  // line, column, cause
    std::uint64_t number = 0;
  };
  PolicyResult replace_policy(const Requester& who, const std::string& text);
  std::string policy_text() const;
  Status set_stage(const Requester& who, Id artifact, const std::string& stage);
  std::vector<Why> why(std::uint32_t uid) const;
  /// Decides and records the opening of a virtual file: right `audit` for the log, `read` for an artifact's governance.
  Status open_report(const Requester& who, Id artifact, policy::Right right, const std::string& path);
  /// The same for the reader's own records: right `read` on their path, as if it were a file of root's.
  Status open_own_records(const Requester& who, const std::string& path);
  /// Whether open_report() would succeed; asks, and so isn't recorded.
  bool may_open_report(const Requester& who, Id artifact, policy::Right right) const;
  /// The same for the draft that a save left behind: for its author, if the artifact may be read, and administrators.
  Status open_kept(const Requester& who, Id draft, const std::string& path);
  /// What a renderer of a report may look at, under the monitor's lock: visible(id) says whether the reader may learn
  /// of that artifact: may read it (list a folder), by policy and by mode bits, and could walk to it.
  struct Sight {
    const Catalog& catalog;
    const policy::Policy& policy;
    std::function<bool(Id)> visible;
  };
  std::string report(const Requester& who, const std::function<std::string(const Sight&)>& render) const;
  std::string status() const;  // lines "key value"

  /// Waits until the disk has what this thread recorded, as far as the policy wants that before an answer. Throws
  /// Error: then nothing may be served.
  void settle();

  const std::filesystem::path& folder() const { return folder_; }
  AuditLog& log() { return *log_; }
  ObjectStore& objects() { return objects_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Verdict {
    bool permitted = true;
    int error = 0;  // for the caller when refused
    std::uint64_t policy = 0;
    std::string rule, reason, who_could;
  };

  /// A file that has no name but that the kernel still knows, and of which the catalog has no row: unlinked without
  /// versions, made by O_TMPFILE, or replaced by a rename. By inode number.
  struct Orphan {
    Inode inode;
    std::map<std::string, std::string> xattrs;
    bool replaced = false;   // its id is that of the file which took its name: no record may speak of it by that
    Nanos since = 0;         // when it lost its name
    bool forgotten = false;  // by the kernel, though a look-up from before may still be on its way there
  };

  // core (monitor.cc)
  Lock lock() const { return Lock(mutex_); }
  /// A node that leads nowhere any more: the kernel walks again.
  static constexpr Errno kVanished{ESTALE};
  std::optional<Inode> find(const Lock&, Id number) const;
  std::optional<Inode> find(const Lock&, const NodeRef& node) const;
  Inode named(const Lock&, Id id) const;  // of an id that a name leads to
  std::string path_of(const Lock&, const Place& place) const;
  /// What the artifact carries and what the policy gives to its paths, sorted.
  std::vector<std::string> labels_of(const Lock&, const Inode& inode, std::span<const std::string> paths) const;
  policy::Object object_of(const Lock&, const Inode& inode) const;
  policy::Object object_at(const Lock&, const Place& place, const Inode& folder) const;
  Verdict judge(const Lock&, const Requester& who, policy::Right right, const policy::Object& object) const;
  /// Of one name of an inode: its home must permit it, and so must that name.
  Verdict judge_name(const Lock&, const Requester& who, policy::Right right, const Inode& inode,
                     const std::string& path) const;
  Verdict obscured() const;
  Verdict judge_report(const Lock&, const Requester& who, const Inode& inode, policy::Right right) const;
  Verdict refused_by_mode(const Inode& inode, int error, const char* reason) const;
  Record record(const Requester& who, std::string path, Payload payload, const Verdict& verdict) const;
  void append(const Lock&, Record record, AuditLog::Space space = AuditLog::Space::ordinary);
  void append(const Lock&, std::span<Record> records, AuditLog::Space space = AuditLog::Space::ordinary);
  /// Records a refusal, keeps it for @@/why, returns its errno.
  Errno refuse(const Lock&, const Requester& who, const char* action, Id artifact, const std::string& path,
               const std::string& mode, const Verdict& verdict);
  Errno refuse_mode(const Lock&, const Requester& who, const char* action, const Inode& inode, const std::string& path,
                    int error, const char* reason);
  void remember_why(const Record& refusal, const Verdict& verdict);
  void record_refusals(bool all);
  void announce(const Lock&, const Inode& inode) const;
  void announce_children(const Lock&, Id folder) const;

  // names
  bool searchable(const Lock&, const Requester& who, Id folder, std::uint32_t owner) const;
  bool reachable(const Lock&, const Requester& who, const Inode& inode) const;
  bool visible(const Lock&, const Requester& who, Id id) const;
  Result<View> look_up(Lock held, const Requester& who, Id folder, const std::string& name);
  std::optional<Errno> refuse_intent(const Lock&, const Requester& who, const Place& place, const Inode& inode,
                                     const Intent& intent);
  /// `walks`: the caller's thread is on its way to an open for writing, and so finds the draft.
  View view(const Lock&, const Requester& who, const Inode& inode, bool parent_public, bool walks = false) const;
  bool walks_to(const Lock&, const Requester& who, const Place& place, const Inode& inode);
  void walks_to_nothing(const Lock&, const Requester& who, const Place& place);
  Result<Inode> parent_for_change(const Lock&, const Requester& who, const char* action, const Place& at);
  struct Move;  // a checked rename
  /// What begins the lifecycle of a new path, which calls its first stage otherwise; with that path.
  using Restaged = std::vector<std::pair<StageChange, std::string>>;
  Result<Move> check_move(const Lock&, const Requester& who, const Place& from, const Place& to, unsigned flags);
  std::optional<Errno> refuse_move(const Lock&, const Requester& who, Move& move);
  std::optional<Errno> refuse_leaving(const Lock&, const Requester& who, const Inode& inode, const std::string& path);
  Result<Verdict> refuse_arrival(const Lock&, const Requester& who, const Inode& inode, const Place& from,
                                 const Place& to, Move& move);
  std::optional<Errno> refuse_stage(const Lock&, const Requester& who, const char* action, const Inode& inode,
                                    const std::string& to, Restaged* restaged);
  std::optional<Errno> refuse_label_loss(const Lock&, const Requester& who, const char* action, const Inode& inode,
                                         const std::string& from, const std::string& to);
  std::optional<Errno> refuse_subtree(const Lock&, const Requester& who, Id folder, const std::string& to, Move& move);
  bool needs_fresh_names(const Lock&, const Requester& who, const Move& move);
  void move_name(const Lock&, const Requester& who, const Move& move);
  void move_saving(const Lock&, const Requester& who, const Move& move, Draft* draft, const Draft::Exclusive* frozen,
                   const Draft::Bytes& bytes);
  bool below(const Lock&, Id folder, Id ancestor) const;
  void unlinked(const Lock&, Orphan left);

  // files without a name (monitor_orphans.cc)
  Orphan orphan_of(const Lock&, const Inode& before, bool replaced) const;
  void set_attributes(const Lock&, const Requester& who, const Inode& inode, const std::string& path, SetAttr set,
                      const Verdict& verdict);
  void set_xattr(const Lock&, const Requester& who, const Inode& inode, const std::string& path, SetXattr set,
                 const Verdict& verdict);
  std::optional<std::string> xattr(const Lock&, const Inode& inode, const std::string& name) const;
  std::optional<std::string> ward_xattr(const Lock&, const NodeRef& node, const Inode& inode,
                                        std::string_view key) const;
  std::filesystem::path scratch_file(Id id) const { return folder_ / "drafts" / ("s" + std::to_string(id)); }
  void set_scratch_mtime(Id id, Nanos mtime) const;
  void sweep_orphans(const Lock&, Nanos time);
  void show_content(const Lock&, const NodeRef& node, Inode& inode) const;
  void show_scratch(Inode& inode) const;
  Status truncate_open(const Requester& who, const std::shared_ptr<Handle>& handle, std::uint64_t size);
  Status truncate_by_path(const Requester& who, const NodeRef& node, std::uint64_t size);

  // drafts
  std::shared_ptr<Draft> draft_of(const Lock&, const Inode& inode) const;
  std::shared_ptr<Draft> draft_of(const Lock&, const Draft& draft) const;
  std::shared_ptr<Draft> draft_of(const Lock&, const NodeRef& node, const Inode& inode) const;
  std::shared_ptr<Draft> begin_draft(const Lock&, const Inode& inode, DraftKind kind);
  DraftKind kind_for(const Lock&, const Inode& inode, const std::string& path) const;
  static Base base_named(const Inode& inode);  // without its object
  Base base_of(const Inode& inode);
  std::shared_ptr<Handle> make_handle(const Lock&, const Requester& who, Id id, const Inode& inode, int flags,
                                      const std::string& path, const Verdict& verdict);
  Result<Opened> create_new(const Lock&, const Requester& who, const Place& at, std::uint32_t mode, int flags);
  Result<Opened> create_existing(const Lock&, const Requester& who, const Inode& parent, const Inode& inode, int flags);
  Result<std::shared_ptr<Handle>> open_node(const Lock&, const Requester& who, const NodeRef& node, int flags,
                                            const std::optional<Intent>& intent);
  Result<std::shared_ptr<Handle>> open_version(const Lock&, const Requester& who, const NodeRef& node,
                                               const Inode& inode, int flags);
  /// Reads the current version through a node that isn't its own.
  Result<std::shared_ptr<Handle>> open_bytes(const Lock&, const Requester& who, const Inode& inode, int flags);
  /// A recorded handle on the version that `seen` names. Throws Error when its object is gone.
  std::shared_ptr<Handle> serve(const Lock&, const Requester& who, const Inode& seen, int flags,
                                const std::string& path, const Verdict& verdict);
  Result<std::shared_ptr<Handle>> open_draft(const Lock&, const Requester& who, std::shared_ptr<Draft> draft,
                                             const Inode& inode, int flags);
  std::shared_ptr<Draft> pin_draft(const Lock&, const Inode& inode);
  bool sees(const Lock&, const Requester& who, const Draft& draft) const;
  void hold_still(const Requester& who, Handle& handle);
  Errno walk_to_draft(const Lock&, const Requester& who, const Inode& inode);
  Result<Verdict> may_open(const Lock&, const Requester& who, const Inode& inode, int flags, const std::string& path);
  std::optional<Errno> refuse_creation(const Lock&, const Requester& who, const Inode& inode,
                                       const std::optional<Intent>& intent);
  Status empty(const Requester& who, Handle& handle);
  void claim_notes(Handle& handle, Id draft);
  void introduce(const Requester& who);

  // parties
  std::shared_ptr<Handle> party(const std::shared_ptr<Handle>& handle, const Requester& who);
  std::shared_ptr<Handle> admit(Handle& handle, const Requester& who);
  static void take_idle(Handle& handle, Nanos before, std::vector<std::shared_ptr<Handle>>& into);
  void end_party(Handle& party);
  void learn(const Lock&, const Requester& who, const Handle& handle);

  // saves; what their records say is in monitor_commit.cc
  /// `moved`: the file whose draft it is, when it is renamed over `inode`.
  Commit commit_of(const Lock&, const Inode& inode, const Draft& draft, const Draft::Exclusive& frozen,
                   const Draft::Bytes& bytes, const std::string& path, const Inode* moved = nullptr);
  /// A commit of the source's current bytes to `inode`: a rename over it of a file that nobody writes.
  Commit commit_of_version(const Lock&, const Inode& inode, const Inode& source, const std::string& path);
  void complete(const Lock&, Commit& commit, const Inode& inode, const std::vector<std::string>& own,
                const std::string& path) const;
  /// Puts the draft's bytes into the object store; without the monitor's lock.
  Draft::Bytes store_bytes(Draft& draft, const Draft::Exclusive& frozen);
  Status seal(Draft& draft, const Draft::Exclusive& frozen, const Requester& who, bool last);
  Status truncate(const Requester& who, const std::shared_ptr<Draft>& draft, std::uint64_t size, Handle* handle,
                  bool opening);
  void finalise(const Lock&, Draft& draft, const Draft::Exclusive& frozen, const Requester& who);
  void retire(const Lock&, const std::shared_ptr<Draft>& draft, const Draft::Exclusive& frozen, const Requester& who);
  void spill(Handle& handle, const SlotContent& content, bool last);
  void collect(Handle& handle, bool last, std::vector<Record>& into) const;
  /// What was written anew runs with nobody's privileges: set-id bits (unless root writes) and file capabilities go.
  void drop_privileges(const Requester& who, Id number);
  void rejoin(const std::shared_ptr<Handle>& opened, Handle& user);
  void note_write(Handle& handle, Id draft, Range range);
  void record_ranges();
  std::vector<std::shared_ptr<Handle>> open_handles() const;

  // background (monitor_background.cc)
  void background();
  void tick();
  void prune_log(const std::function<bool()>& stop);
  void roll_log();
  Sequence make_durable();
  void reap(Nanos time);
  void recover();
  void start_publisher(const std::string& host);
  void start_anchors();

  const std::filesystem::path folder_;
  Hooks hooks_;
  struct Opening;  // lock file and configuration
  std::unique_ptr<Opening> opening_;
  ObjectStore objects_;
  Sha256 empty_;  // the object without bytes, durable; set before the first request
  HashPool pool_;
  std::unique_ptr<Slots> slots_;
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<LogKeeper> keeper_;

  mutable std::mutex mutex_;  // the monitor's lock: guards all below
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Ledger> ledger_;
  std::optional<policy::Policy> policy_;
  std::uint64_t policy_number_ = 0;
  Lineage lineage_;
  std::unordered_map<Id, std::shared_ptr<Draft>> drafts_;  // by inode number
  std::unordered_map<Id, Orphan> orphans_;                 // by inode number
  std::map<std::uint32_t, std::deque<Why>> why_;
  Refusals refusals_;
  std::atomic<std::uint64_t> privileges_ = 1;  // how often privileges were given: handles look only after that
  std::unordered_map<Id, std::weak_ptr<Handle>> handles_;
  struct Walk {
    Id artifact = 0;
    Nanos since = 0;
    Place place;          // where it leads: the file that was looked up since, or moved; dir 0 = none yet
    bool missed = false;  // the last look-up found no file there
  };
  std::map<std::int32_t, Walk> walking_;   // threads that were told ESTALE at an open for writing
  std::map<std::int32_t, Walk> renaming_;  // threads that were told ESTALE at a rename over an artifact
  struct Provenance {
    std::set<std::string> activities;
    std::vector<Author> authors;
    Lineage::Tick last_write = Lineage::kAlways;
  };
  std::unordered_map<Id, Provenance> scratch_;  // who wrote the scratch files that nobody has open

  Sequence flushed_ = 0;       // records in the committed catalog
  Nanos ranges_recorded_ = 0;  // when long-lived handles were last recorded

  std::unique_ptr<Publisher> publisher_;  // after what its callbacks use: its thread ends first

  std::unique_ptr<class Anchors> anchors_;  // after what its recorder uses

  std::mutex background_mutex_;
  std::condition_variable background_wake_;
  bool stopping_ = false;
  std::thread background_thread_;
};

}  // namespace ward::store
