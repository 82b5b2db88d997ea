// SPDX-License-Identifier: Apache-2.0
// Records of the audit log. A record is an envelope (who, when, what path, how it ended) and a payload (what
// happened, with everything that redo needs). Each payload describes its fields once, in `fields`; the writer and the
// reader in record_json.cc are both visitors of that description, so that they can't disagree.
//
// Visitor: v("key", x) is always written; v.opt("key", x) is left out when x equals its default;
// v.name("key", s) holds raw bytes (written as UTF-8, plus "key_b64" when s isn't valid UTF-8).
// Keys and their order are the format (FORMAT.md): change them only with a new format number.
#pragma once
#include <array>
#include <optional>
#include <utility>
#include <variant>

#include "store/types.h"

namespace ward::store {

struct User {
  std::uint32_t id = 0;
  std::string name;
  std::uint32_t group = 0;
  std::uint32_t login = kUnsetLogin;  // the human behind sudo
  std::string login_name;
  bool operator==(const User&) const = default;
};

struct Process {
  std::int32_t pid = 0;    // thread group
  std::string entity_id;   // 8..16 hex digits: boot, pid, start time and exec, hashed
  std::string executable;  // path; spoofable, so never what permits
  bool operator==(const Process&) const = default;
};

// ---- Payloads. `action` is event.action. ----

/// Record 0 of every log.
struct LogStart {
  static constexpr const char* action = "log-start";
  int format = 1;
  std::string origin, vkey;
  template <class V>
  void fields(V& v) {
    v("format", format), v("origin", origin), v("vkey", vkey);
  }
  bool operator==(const LogStart&) const = default;
};

struct Mount {
  static constexpr const char* action = "mount";
  std::string mountpoint, program, options;
  template <class V>
  void fields(V& v) {
    v.name("mountpoint", mountpoint), v("program", program), v("options", options);
  }
  bool operator==(const Mount&) const = default;
};

struct Unmount {
  static constexpr const char* action = "unmount";
  bool clean = true;
  template <class V>
  void fields(V& v) {
    v("clean", clean);
  }
  bool operator==(const Unmount&) const = default;
};

/// What start-up had to mend: bytes of an unterminated last line that were cut, drafts found, slots drained.
struct Recover {
  static constexpr const char* action = "recover";
  std::uint64_t cut_bytes = 0, drafts_sealed = 0, drafts_kept = 0, slots = 0;
  template <class V>
  void fields(V& v) {
    v("cut_bytes", cut_bytes), v("drafts_sealed", drafts_sealed), v("drafts_kept", drafts_kept), v("slots", slots);
  }
  bool operator==(const Recover&) const = default;
};

/// A command that ran on the store without a mount.
struct Maintenance {
  static constexpr const char* action = "maintenance";
  std::string command, result;  // "fsck": "sound" or "damaged"; "audit verify": the verdict; "rebuild": "begun"
  std::uint64_t findings = 0;
  template <class V>
  void fields(V& v) {
    v("command", command), v("result", result), v.opt("findings", findings);
  }
  bool operator==(const Maintenance&) const = default;
};

/// The lines of records 0..before-1 go; `snapshot` is the sha256 of STORE/snapshots/<before>.zst, as text: the catalog
/// as it was before record `before`. Their hashes stay in the tiles.
struct Prune {
  static constexpr const char* action = "prune";
  Sequence before = 0;
  Sha256 snapshot;
  std::uint64_t size = 0;  // of the snapshot, as text
  template <class V>
  void fields(V& v) {
    v("before", before), v("snapshot", snapshot), v("size", size);
  }
  bool operator==(const Prune&) const = default;
};

/// From the checkpoint on that covers this record the log is signed with `vkey`. Both keys sign the text that FORMAT.md
/// gives ("Rotation"), in base64.
struct KeyRotation {
  static constexpr const char* action = "key-rotation";
  std::string was, vkey, by_old, by_new;
  template <class V>
  void fields(V& v) {
    v("was", was), v("vkey", vkey), v("by_old", by_old), v("by_new", by_new);
  }
  bool operator==(const KeyRotation&) const = default;
};

/// A command that anchors checkpoints outside ran with the one over the first `checkpoint` records. result: "stored"
/// (what it printed has that sha256), "done" (it printed nothing), or how it failed: "exit" and "signal" (`code` says
/// which), "timeout", "too-long", "not-started", "not-stored".
struct Anchor {
  static constexpr const char* action = "anchor";
  std::string name, result;
  std::uint64_t checkpoint = 0;
  std::uint32_t code = 0;
  Sha256 sha256;
  template <class V>
  void fields(V& v) {
    v("name", name), v("checkpoint", checkpoint), v("result", result), v.opt("code", code), v.opt("sha256", sha256);
  }
  bool failed() const { return result != "stored" && result != "done"; }
  bool operator==(const Anchor&) const = default;
};

/// The policy's text is the object named sha256.
struct PolicyChange {
  static constexpr const char* action = "policy-change";
  std::uint64_t number = 0, was = 0;
  Sha256 sha256;
  std::uint64_t size = 0, tests_passed = 0;
  template <class V>
  void fields(V& v) {
    v("number", number), v("was", was), v("sha256", sha256), v("size", size), v("tests_passed", tests_passed);
  }
  bool operator==(const PolicyChange&) const = default;
};

/// A new name for a new inode. `artifact` is this record's own sequence, except for a linked O_TMPFILE.
struct Create {
  static constexpr const char* action = "create";
  Id artifact = 0;
  Place at;
  Kind kind = Kind::file;
  std::uint32_t mode = 0, uid = 0, gid = 0, rdev = 0;  // mode: permission bits only (07777)
  std::string target;                                  // of a symlink
  bool scratch = false;                                // unversioned until it gets a governed name
  Id handle = 0;                                       // this record also opens the file: its own sequence, else 0
  Id draft = 0;                                        // the draft that the handle writes to: its own sequence, else 0
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("dir", at.dir), v.name("name", at.name), v("kind", kind), v("mode", mode), v("uid", uid),
        v("gid", gid), v.opt("rdev", rdev), v.name_opt("target", target), v.opt("scratch", scratch),
        v.opt("handle", handle), v.opt("draft", draft);
  }
  bool operator==(const Create&) const = default;
};

struct Link {
  static constexpr const char* action = "link";
  Id artifact = 0, prev = 0;
  Place to;
  std::string from_path;  // one of the names it had already; history copies the entry. Descriptive, as Record::path
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v("dir", to.dir), v.name("name", to.name), v.path("from_path", from_path);
  }
  bool operator==(const Link&) const = default;
};

/// Retention as computed when the version was made; replay never computes it again.
struct Retain {
  std::string rule, mode;  // mode: "" (none), "governance" or "compliance"
  Nanos until = 0;         // keep until; 0 = no minimum
  Nanos purge_after = 0;   // may be purged after; 0 = never
  template <class V>
  void fields(V& v) {
    v("rule", rule), v.opt("mode", mode), v.time_opt("until", until), v.time_opt("purge_after", purge_after);
  }
  bool operator==(const Retain&) const = default;
};

/// One input of a version. basis: "observed" (the writer read it), "inherited" (an ancestor or pipeline peer read it),
/// "descendant" (a child read it), "declared". confidence: "high" or "low".
struct Input {
  VersionRef of;
  std::string basis = "observed", confidence = "high";
  template <class V>
  void fields(V& v) {
    v("artifact", of.artifact), v("version", of.version), v("basis", basis), v("confidence", confidence);
  }
  bool operator==(const Input&) const = default;
};

struct Author {
  std::uint32_t uid = 0, login = kUnsetLogin;
  std::uint64_t bytes = 0;  // written
  template <class V>
  void fields(V& v) {
    v("uid", uid), v("login", login), v("bytes", bytes);
  }
  bool operator==(const Author&) const = default;
};

/// A save's single commit point: version `version` of `artifact` is the object `sha256`.
struct Commit {
  static constexpr const char* action = "commit";
  Id artifact = 0, prev = 0, draft = 0;
  std::uint64_t version = 0, base = 0;
  Sha256 sha256;
  std::uint64_t size = 0;
  Nanos mtime = 0;
  std::optional<Nanos> ctime;          // when the bytes changed last; absent = the record's time
  bool final = false;                  // false until RELEASE: late writes may still amend it
  bool amends = false;                 // replaces the not yet final version of the same number
  bool concurrent = false;             // made of the writes of several handles, of which one is still open
  bool recovered = false;              // sealed by recovery after a crash
  std::vector<Author> authors;         // at most 128, most bytes first
  std::uint64_t authors_left_out = 0;  // beyond those
  std::vector<Input> inputs;           // at most 256 in a record
  std::uint64_t more_inputs = 0;       // that many follow in `inputs` records
  std::string stage;
  std::vector<std::string> labels;
  Retain retain;
  bool executable = false;          // any x bit: git's 100755
  std::vector<std::string> also;    // the artifact's other paths, when it has several names: at most 8 KiB of them
  std::uint64_t also_left_out = 0;  // beyond those
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v("draft", draft), v("version", version), v("base", base),
        v("sha256", sha256), v("size", size), v.time("mtime", mtime), v.time_opt("ctime", ctime), v("final", final),
        v.opt("amends", amends), v.opt("concurrent", concurrent), v.opt("recovered", recovered), v("authors", authors),
        v.opt("authors_left_out", authors_left_out), v("inputs", inputs), v.opt("more_inputs", more_inputs),
        v("stage", stage), v("labels", labels), v("retain", retain), v.opt("executable", executable),
        v.paths_opt("also", also), v.opt("also_left_out", also_left_out);
  }
  bool operator==(const Commit&) const = default;
};

/// More inputs of the version that the commit before it made; in the same append.
struct Inputs {
  static constexpr const char* action = "inputs";
  Id artifact = 0;
  std::uint64_t version = 0, position = 0;  // position: how many inputs stand before these
  std::vector<Input> inputs;                // at most 256
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("version", version), v("position", position), v("inputs", inputs);
  }
  bool operator==(const Inputs&) const = default;
};

/// The last writer let go: the version can't be amended any more and its draft is gone.
struct Finalise {
  static constexpr const char* action = "finalise";
  Id artifact = 0, draft = 0;
  std::uint64_t version = 0;
  Sha256 sha256;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("draft", draft), v("version", version), v("sha256", sha256);
  }
  bool operator==(const Finalise&) const = default;
};

/// A save whose bytes equal the current version: no new version. Times of the file after it; absent = the record's.
struct Unchanged {
  static constexpr const char* action = "save-unchanged";
  Id artifact = 0, draft = 0;
  std::uint64_t version = 0;
  Sha256 sha256;
  std::optional<Nanos> mtime, ctime;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("draft", draft), v("version", version), v("sha256", sha256), v.time_opt("mtime", mtime),
        v.time_opt("ctime", ctime);
  }
  bool operator==(const Unchanged&) const = default;
};

/// A draft that ends without a version. kept: its bytes stay in drafts/ and are listed under @@/drafts.
struct Abandon {
  static constexpr const char* action = "abandon";
  Id artifact = 0, draft = 0;
  bool kept = false;
  bool executable = false;  // of an artifact that has no version yet: history shows it as an empty file
  std::string cause;        // "unwritten", "writer-killed", "crash", "deleted", "policy"
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("draft", draft), v("kept", kept), v.opt("executable", executable), v("cause", cause);
  }
  bool operator==(const Abandon&) const = default;
};

/// fsync of a draft: recovery seals it after a crash.
struct Sync {
  static constexpr const char* action = "sync";
  Id artifact = 0, draft = 0;
  std::uint64_t size = 0;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("draft", draft), v("size", size);
  }
  bool operator==(const Sync&) const = default;
};

/// A move of a name. When it lands on an artifact, `saved` is that artifact's new version and `retired` the source's
/// id; `replaced` is an inode that lost its name instead (folders, symlinks, hard-linked files).
struct Rename {
  static constexpr const char* action = "rename";
  Id artifact = 0, prev = 0;
  Place from, to;
  bool exchange = false;  // RENAME_EXCHANGE: `replaced` now has the name `from`
  bool whiteout = false;
  bool scratch = false;  // the moved inode's state under its new name
  Id replaced = 0, retired = 0;
  std::string to_path;  // descriptive, as Record::path, which is the old path
  std::optional<Commit> saved;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v.place("from", from), v.place("to", to), v.path("to_path", to_path),
        v.opt("exchange", exchange), v.opt("whiteout", whiteout), v.opt("scratch", scratch),
        v.opt("replaced", replaced), v.opt("retired", retired), v.opt("saved", saved);
  }
  bool operator==(const Rename&) const = default;
};

struct Delete {
  static constexpr const char* action = "delete";
  Id artifact = 0, prev = 0;
  Place at;
  std::uint64_t names_left = 0, versions_kept = 0;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v("dir", at.dir), v.name("name", at.name), v("names_left", names_left),
        v("versions_kept", versions_kept);
  }
  bool operator==(const Delete&) const = default;
};

/// A deleted artifact gets a name again.
struct Restore {
  static constexpr const char* action = "restore";
  Id artifact = 0, prev = 0;
  Place to;
  Sha256 sha256;  // of the current version, "" = none; history puts the entry back
  std::uint64_t size = 0;
  bool executable = false;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v("dir", to.dir), v.name("name", to.name), v.opt("sha256", sha256),
        v("size", size), v.opt("executable", executable);
  }
  bool operator==(const Restore&) const = default;
};

/// chmod, chown, utimes. Absent fields didn't change. ctime becomes the record's time.
struct SetAttr {
  static constexpr const char* action = "setattr";
  Id artifact = 0, prev = 0;
  std::optional<std::uint32_t> mode, uid, gid;
  std::optional<Nanos> atime, mtime;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v.opt("mode", mode), v.opt("uid", uid), v.opt("gid", gid),
        v.time_opt("atime", atime), v.time_opt("mtime", mtime);
  }
  bool operator==(const SetAttr&) const = default;
};

/// setxattr and removexattr. Values over 4 KiB are the object `sha256`; smaller ones stand here, base64 when not UTF-8.
struct SetXattr {
  static constexpr const char* action = "setxattr";
  Id artifact = 0, prev = 0;
  std::string name, value;
  Sha256 sha256;
  bool removed = false;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v.name("name", name), v.name_opt("value", value), v.opt("sha256", sha256),
        v.opt("removed", removed);
  }
  bool operator==(const SetXattr&) const = default;
};

struct StageChange {
  static constexpr const char* action = "stage";
  Id artifact = 0, prev = 0;
  std::uint64_t version = 0;
  Sha256 sha256;
  std::string from, to;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v("version", version), v("sha256", sha256), v("from", from), v("to", to);
  }
  bool operator==(const StageChange&) const = default;
};

/// An open, or the first use of a descriptor that was inherited or passed on. `handle` is this record's own sequence.
/// mode: "r", "w", "rw", "x" (execute), "list" (a folder). A write open names its draft: its own sequence when the open
/// made the draft.
struct Open {
  static constexpr const char* action = "open";
  Id artifact = 0;
  std::uint64_t version = 0;
  Sha256 sha256;
  std::uint64_t size = 0;
  Id handle = 0, draft = 0;
  std::uint64_t base = 0;  // version that a new draft starts from
  Id via = 0;              // the handle whose descriptor this process inherited or was given; 0 = it opened the file
  std::string mode, depth;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("version", version), v.opt("sha256", sha256), v("size", size), v("handle", handle),
        v.opt("draft", draft), v.opt("base", base), v.opt("via", via), v("mode", mode), v("depth", depth);
  }
  bool operator==(const Open&) const = default;
};

/// What one handle read: exact byte ranges, coalesced, at most 1,000 per part.
struct Read {
  static constexpr const char* action = "read";
  Id artifact = 0;
  std::uint64_t version = 0;
  Sha256 sha256;
  Id handle = 0;
  std::uint64_t part = 1;
  bool last = false;
  std::uint64_t requests = 0, bytes = 0;
  std::vector<Range> ranges;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("version", version), v.opt("sha256", sha256), v("handle", handle), v("part", part),
        v("last", last), v("requests", requests), v("bytes", bytes), v("ranges", ranges);
  }
  bool operator==(const Read&) const = default;
};

/// What one handle wrote; as Read.
struct Write {
  static constexpr const char* action = "write";
  Id artifact = 0, handle = 0, draft = 0;
  std::uint64_t part = 1;
  bool last = false;
  std::uint64_t requests = 0, bytes = 0;
  std::vector<Range> ranges;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("handle", handle), v("draft", draft), v("part", part), v("last", last),
        v("requests", requests), v("bytes", bytes), v("ranges", ranges);
  }
  bool operator==(const Write&) const = default;
};

struct Close {
  static constexpr const char* action = "close";
  Id artifact = 0, handle = 0;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("handle", handle);
  }
  bool operator==(const Close&) const = default;
};

/// Git history caught up with records first_seq..last_seq.
struct Publish {
  static constexpr const char* action = "publish";
  Sequence first_seq = 0, last_seq = 0;
  std::string tree, commit;  // 40 hex digits
  template <class V>
  void fields(V& v) {
    v("first_seq", first_seq), v("last_seq", last_seq), v("tree", tree), v("commit", commit);
  }
  bool operator==(const Publish&) const = default;
};

/// An object is missing or short: the artifact falls back to `fallback` (0 = empty).
struct VersionLost {
  static constexpr const char* action = "version-lost";
  Id artifact = 0, prev = 0;
  std::uint64_t version = 0, fallback = 0;
  Sha256 sha256;
  template <class V>
  void fields(V& v) {
    v("artifact", artifact), v("prev", prev), v("version", version), v("fallback", fallback), v("sha256", sha256);
  }
  bool operator==(const VersionLost&) const = default;
};

/// Once per activity: who the process behind an entity_id was.
struct Activity {
  static constexpr const char* action = "process";
  std::int32_t pid = 0, parent = 0, session = 0;
  std::string entity_id, parent_entity, executable;
  Sha256 argv_sha256;
  Nanos started = 0;
  template <class V>
  void fields(V& v) {
    v("pid", pid), v("parent", parent), v("session", session), v("entity_id", entity_id),
        v.opt("parent_entity", parent_entity), v.name("executable", executable), v("argv_sha256", argv_sha256),
        v.time("started", started);
  }
  bool operator==(const Activity&) const = default;
};

/// A refusal of any action: changes no state. event.outcome is failure and event.action is `action_name`.
struct Refusal {
  std::string action_name;  // not a field: becomes event.action
  Id artifact = 0;
  std::uint64_t version = 0;
  std::string mode, error;  // error: "EACCES", "EPERM", …
  std::uint64_t count = 1;  // how many equal refusals this record stands for
  template <class V>
  void fields(V& v) {
    v.opt("artifact", artifact), v.opt("version", version), v.opt("mode", mode), v("errno", error),
        v.opt("count", count, std::uint64_t{1});
  }
  bool operator==(const Refusal&) const = default;
};

/// What happened: one of the above. A class of its own, so that copying and destroying its alternatives is compiled
/// once, in record.cc, and not wherever a record is made.
using Payloads =
    std::variant<LogStart, Mount, Unmount, Recover, Maintenance, Prune, KeyRotation, PolicyChange, Create, Link, Commit,
                 Inputs, Finalise, Unchanged, Abandon, Sync, Rename, Delete, Restore, SetAttr, SetXattr, StageChange,
                 Open, Read, Write, Close, Publish, VersionLost, Activity, Anchor, Refusal>;
struct Payload : Payloads {
  using Payloads::Payloads;
  Payload();
  Payload(const Payload& other);
  Payload(Payload&& other) noexcept;
  Payload& operator=(const Payload& other);
  Payload& operator=(Payload&& other) noexcept;
  ~Payload();
};

struct Record {
  Nanos time = 0;  // written in UTC with exactly six decimals: give whole microseconds
  Sequence sequence = 0;
  std::string reason;  // why it failed; "" on success
  User user;
  Process process;
  std::string path;  // raw bytes from the mount's root ("/models/m.bin"); descriptive, redo uses ids
  Payload payload;
  std::uint64_t policy = 0;  // number of the policy that decided; 0 = none did
  std::string rule;          // name of the rule that decided
  std::uint64_t salt = 0;    // random: keeps a later redaction from being guessable
  bool operator==(const Record&) const = default;
};

}  // namespace ward::store
