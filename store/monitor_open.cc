// SPDX-License-Identifier: Apache-2.0
// The monitor on opening: versions for readers, drafts for writers, folders for listing. An open is decided and in the
// log before it is answered. Opening a version for writing makes (or joins) the artifact's draft and answers ESTALE:
// the kernel walks the path again and finds the draft's node.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "store/crypto.h"
#include "store/error.h"
#include "store/monitor.h"
#include "store/open_flags.h"
#include "store/protections.h"

namespace ward::store {
namespace {
constexpr int kIntentMatters = -1;  // not for the kernel: what the call wants must be known first
}

std::shared_ptr<Draft> Monitor::draft_of(const Lock&, const Inode& inode) const {
  const auto found = drafts_.find(inode.number);
  return found == drafts_.end() ? nullptr : found->second;
}

std::shared_ptr<Draft> Monitor::draft_of(const Lock&, const Draft& draft) const {
  const auto found = drafts_.find(draft.number);
  return found == drafts_.end() ? nullptr : found->second;
}

/// The working content that a node shows: a draft that ended gives way to the one of now.
std::shared_ptr<Draft> Monitor::draft_of(const Lock& held, const NodeRef& node, const Inode& inode) const {
  if (node.face == Face::draft && node.draft->writers + node.draft->readers > 0) return node.draft;
  return node.face == Face::draft || node.face == Face::live ? draft_of(held, inode) : nullptr;
}

DraftKind Monitor::kind_for(const Lock&, const Inode& inode, const std::string& path) const {
  if (inode.scratch) return DraftKind::scratch;
  return policy::visibility(*policy_, path) == policy::Visibility::write ? DraftKind::live : DraftKind::session;
}

Base Monitor::base_named(const Inode& inode) {
  return inode.version == 0 ? Base() : Base{inode.version, inode.sha256, inode.size, nullptr};
}

Base Monitor::base_of(const Inode& inode) {
  Base base = base_named(inode);
  if (base.version == 0) return base;
  base.object = objects_.open(inode.sha256, inode.size);
  if (!base.object)
    throw Error(Code::io, "object " + inode.sha256 + " of " + catalog_->path(inode.home) +
                              " is missing or short; run: ward fsck STORE");
  return base;
}

std::shared_ptr<Draft> Monitor::begin_draft(const Lock& held, const Inode& inode, DraftKind kind) {
  if (auto draft = draft_of(held, inode)) return draft;
  auto base = kind == DraftKind::scratch ? Base() : base_of(inode);
  const bool fresh = kind == DraftKind::scratch && !std::filesystem::exists(scratch_file(inode.id));
  auto draft =
      std::make_shared<Draft>(folder_ / "drafts", pool_, objects_, inode.id, inode.number, kind, std::move(base));
  draft->detached = inode.nlink == 0;
  if (fresh && inode.mtime != 0) {  // its bytes are as old as its name
    draft->set_mtime(inode.mtime);
    set_scratch_mtime(inode.id, inode.mtime);
  }
  if (const auto past = scratch_.extract(inode.id); !past.empty()) {
    draft->activities = past.mapped().activities;
    draft->last_write = past.mapped().last_write;
    draft->remember(past.mapped().authors);
  }
  drafts_[inode.number] = draft;
  return draft;
}

Result<Monitor::Verdict> Monitor::may_open(const Lock& held, const Requester& who, const Inode& inode, int flags,
                                           const std::string& path) {
  unsigned mask = 0;
  if ((flags & kExecFlag) != 0) {
    mask = kExecute;
  } else {
    if (reads(flags)) mask |= kRead;
    if (writes(flags)) mask |= kWrite;
  }
  if (!mode_allows(who, inode, mask))
    return refuse_mode(held, who, "open", inode, path, EACCES, "the file's mode bits don't let you open it so");
  const auto object = object_of(held, inode);
  Verdict verdict;
  if (reads(flags)) verdict = judge(held, who, policy::Right::read, object);
  if (verdict.permitted && writes(flags)) verdict = judge(held, who, policy::Right::write, object);
  if (verdict.permitted && who.obscured()) verdict = obscured();
  if (!verdict.permitted) return refuse(held, who, "open", inode.id, path, mode_name(flags), verdict);
  return verdict;
}

/// What is made from what couldn't be told any more: lineage and labels need to know the processes above.
Monitor::Verdict Monitor::obscured() const {
  Verdict verdict;
  verdict.permitted = false, verdict.error = EBUSY, verdict.policy = policy_number_;
  verdict.reason = "denied: a process above yours hangs in an execve, so nobody can say what it has read";
  return verdict;
}

Errno Monitor::walk_to_draft(const Lock& held, const Requester& who, const Inode& inode) {
  if (const auto before = walking_.extract(who.tid()); !before.empty() && before.mapped().artifact == inode.id &&
                                                       before.mapped().place.dir == 0 &&
                                                       now() - before.mapped().since < kWalk) {
    return refuse_mode(
        held, who, "open", inode, path_of(held, inode.home), EBUSY,
        "a descriptor or a bind mount of this version can't be reopened for writing; open the file by its path");
  }
  pin_draft(held, inode);
  if (walking_.size() > 10'000) walking_.clear();
  walking_[who.tid()] = {inode.id, now(), {}, false};
  return {ESTALE};
}

/// Makes or finds the draft, and keeps it until a walk that is on its way to it is over.
std::shared_ptr<Draft> Monitor::pin_draft(const Lock& held, const Inode& inode) {
  auto draft = begin_draft(held, inode, kind_for(held, inode, path_of(held, inode.home)));
  draft->pinned_until = now() + kPin;
  announce(held, inode);
  return draft;
}

/// Writers of the same session see a draft, everybody else the last version: a loader never reads half a model.
bool Monitor::sees(const Lock&, const Requester& who, const Draft& draft) const {
  if (draft.kind() != DraftKind::session) return true;
  if (draft.sessions.empty()) return false;
  const Session own{who.uid(), who.session()};
  return std::any_of(draft.sessions.begin(), draft.sessions.end(), [&](const auto& it) { return it.second == own; });
}

std::shared_ptr<Handle> Monitor::make_handle(const Lock& held, const Requester& who, Id id, const Inode& inode,
                                             int flags, const std::string& path, const Verdict& verdict) {
  auto handle = std::make_shared<Handle>(who);
  handle->id = id;
  handle->artifact = inode.id;
  handle->number = inode.number;
  handle->version = inode.version;
  handle->sha256 = inode.sha256;
  handle->reads = reads(flags);
  handle->writes = writes(flags);
  handle->append = (flags & O_APPEND) != 0;
  handle->depth = policy::depth(*policy_, path, labels_of(held, inode, std::span(&path, 1)));
  if (handle->depth == policy::Depth::ranges && policy::durability(*policy_, path) == policy::Durability::disk)
    handle->depth = policy::Depth::request;  // a slot doesn't outlive the machine
  handle->path = path;
  handle->policy = verdict.policy;
  handle->rule = verdict.rule;
  handles_[id] = handle;
  return handle;
}

void Monitor::claim_notes(Handle& handle, Id draft) {
  if (handle.depth != policy::Depth::ranges) return;
  if (handle.reads) handle.read_notes = slots_->claim({handle.id, handle.artifact, draft, handle.version, false});
  if (handle.writes) handle.write_notes = slots_->claim({handle.id, handle.artifact, draft, handle.version, true});
}

/// Once per activity: who the process behind an entity id is. Its command line is read with no lock held.
void Monitor::introduce(const Requester& who) {
  const Caller& caller = who.caller();
  {
    const auto held = lock();
    if (!lineage_.seen(caller)) return;
  }
  Activity activity;
  activity.pid = caller.pid, activity.parent = caller.parent, activity.session = caller.session;
  activity.entity_id = caller.entity_id, activity.executable = caller.executable;
  if (caller.family && !caller.family->ancestors.empty())
    activity.parent_entity = caller.family->ancestors.front().entity_id;
  activity.argv_sha256 = hex(sha256(command_line(caller)));
  activity.started = wall_time(caller.start_ticks);
  const auto held = lock();
  try {
    append(held, record(who, "", activity, {}));
  } catch (const Error& error) {  // a full disk: an open will be refused, and a refusal has room in the reserve
    if (error.code() != Code::no_space) throw;
    lineage_.not_recorded(caller);
  }
}

Result<std::shared_ptr<Handle>> Monitor::open(const Requester& who, const NodeRef& node, int flags) {
  introduce(who);
  auto opened = open_node(lock(), who, node, flags, std::nullopt);
  if (!opened && opened.error() == kIntentMatters)
    opened = open_node(lock(), who, node, flags, intent_of(who.uid(), who.tid()));  // read with no lock held
  if (opened && (flags & O_TRUNC) != 0)
    if (const auto done = empty(who, **opened); !done) return Errno{done.error()};
  if (opened && (*opened)->draft && !(*opened)->writes) hold_still(who, **opened);
  return opened;
}

/// Who is done with their own writing reads what they left: a draft that waits for others to be done goes on changing.
void Monitor::hold_still(const Requester& who, Handle& handle) {
  const auto draft = handle.draft;
  if (draft->kind() != DraftKind::session) return;
  const auto frozen = draft->freeze();
  const auto held = lock();
  bool waits = false;
  for (const auto& [writer, session] : draft->sessions) {
    if (session != Session{who.uid(), who.session()}) continue;
    if (!draft->waits(frozen, writer)) return;  // its writer is at work: read as on a disk
    waits = true;
  }
  if (!waits && draft->detached) return;
  handle.object = waits ? draft->still(frozen) : draft->base_object();  // not any more: it was sealed just now
  handle.draft.reset();
  draft->readers -= 1;
  retire(held, draft, frozen, handle.who);
}

/// Where the machine protects what others made in a folder of all, an open that could have created is refused.
std::optional<Errno> Monitor::refuse_creation(const Lock& held, const Requester& who, const Inode& inode,
                                              const std::optional<Intent>& intent) {
  if (inode.uid == who.uid() || inode.nlink == 0) return std::nullopt;
  const auto folder = find(held, inode.home.dir);
  if (!folder || may_be_created_over(who, *folder, inode)) return std::nullopt;
  if (!intent) return Errno{kIntentMatters};
  if (!intent->creates) return std::nullopt;
  return refuse_mode(held, who, "open", inode, path_of(held, inode.home), EACCES,
                     "O_CREAT doesn't open what others made in a sticky folder on this machine (protected_regular)");
}

/// O_TRUNC empties the draft, not the version; without the monitor's lock, since a seal may hold the draft. Of an empty
/// file it only moves the times.
Status Monitor::empty(const Requester& who, Handle& handle) {
  if (handle.draft->size() != 0) return truncate(who, handle.draft, 0, &handle, true);
  drop_privileges(who, handle.number);
  const auto held = lock();
  const auto inode = find(held, handle.number);
  SetAttr times;
  times.mtime = now();
  if (inode) set_attributes(held, who, *inode, handle.path, times, {true, 0, handle.policy, handle.rule, "", ""});
  return Done{};
}

Result<std::shared_ptr<Handle>> Monitor::open_node(const Lock& held, const Requester& who, const NodeRef& node,
                                                   int flags, const std::optional<Intent>& intent) {
  const auto inode = find(held, node);
  if (!inode) return kVanished;
  if (inode->kind != Kind::file) return Errno{EINVAL};
  if (const auto refused = refuse_creation(held, who, *inode, intent)) return *refused;
  if (node.face == Face::version) return open_version(held, who, node, *inode, flags);
  if (node.face == Face::plain) return Errno{EINVAL};
  // A draft's or a live node is read and written directly and keeps no bytes of its own: what it was looked up for may
  // have ended meanwhile (a seal, a rename, a policy), and still it serves, since the kernel won't walk a second time.
  if (writes(flags)) {
    const auto draft = begin_draft(held, *inode, kind_for(held, *inode, path_of(held, inode->home)));
    return open_draft(held, who, draft, *inode, flags);
  }
  const auto draft = draft_of(held, *inode);
  const bool remains = draft && draft->detached && (draft->writers == 0 || inode->version == 0);  // nobody saves it
  if (draft && (remains || sees(held, who, *draft))) return open_draft(held, who, draft, *inode, flags);
  const auto path = path_of(held, inode->home);
  if (draft || kind_for(held, *inode, path) == DraftKind::session) return open_bytes(held, who, *inode, flags);
  return open_draft(held, who, begin_draft(held, *inode, kind_for(held, *inode, path)), *inode, flags);
}

Result<std::shared_ptr<Handle>> Monitor::open_version(const Lock& held, const Requester& who, const NodeRef& node,
                                                      const Inode& inode, int flags) {
  const auto path = path_of(held, inode.home);
  // A policy, a label or a move changed how closely it is audited: the node that the kernel kept would serve it as
  // before. A look-up gives another one.
  if (!node.pinned && !writes(flags) &&
      node.depth != policy::depth(*policy_, path, labels_of(held, inode, std::span(&path, 1))))
    return Errno{ESTALE};
  const auto verdict = may_open(held, who, inode, flags, path);
  if (!verdict) return Errno{verdict.error()};
  if (writes(flags)) {
    if (node.pinned) {
      return refuse_mode(held, who, "open", inode, path + "@@/versions/" + std::to_string(node.version), EROFS,
                         "a version doesn't change; write to the file");
    }
    return walk_to_draft(held, who, inode);
  }
  walking_.erase(who.tid());
  if (!node.recent && !node.pinned && node.commit != inode.commit) return Errno{ESTALE};
  Inode seen = inode;
  seen.id = node.artifact;  // a rename may have handed the file to another artifact since
  seen.version = node.version, seen.sha256 = node.sha256, seen.size = node.size;
  return serve(held, who, seen, flags, path, *verdict);
}

Result<std::shared_ptr<Handle>> Monitor::open_bytes(const Lock& held, const Requester& who, const Inode& inode,
                                                    int flags) {
  const auto path = path_of(held, inode.home);
  const auto verdict = may_open(held, who, inode, flags, path);
  if (!verdict) return Errno{verdict.error()};
  return serve(held, who, inode, flags, path, *verdict);
}

std::shared_ptr<Handle> Monitor::serve(const Lock& held, const Requester& who, const Inode& seen, int flags,
                                       const std::string& path, const Verdict& verdict) {
  auto base = base_of(seen);
  Open open;
  open.artifact = seen.id, open.version = seen.version, open.sha256 = seen.sha256, open.size = seen.size;
  auto handle = make_handle(held, who, ledger_->next(), seen, flags, path, verdict);
  handle->object = base.object;
  claim_notes(*handle, 0);
  open.handle = handle->id, open.mode = mode_name(flags), open.depth = policy::to_string(handle->depth);
  append(held, record(who, path, open, verdict));
  learn(held, who, *handle);
  return handle;
}

Result<std::shared_ptr<Handle>> Monitor::open_draft(const Lock& held, const Requester& who,
                                                    std::shared_ptr<Draft> draft, const Inode& inode, int flags) {
  walking_.erase(who.tid());
  const auto path = path_of(held, inode.home);
  const auto verdict = may_open(held, who, inode, flags, path);
  if (!verdict) return Errno{verdict.error()};
  const bool writer = writes(flags);
  const Sequence sequence = ledger_->next();
  Open open;
  open.artifact = inode.id, open.version = inode.version, open.sha256 = inode.sha256, open.size = draft->size();
  open.handle = sequence;
  open.mode = mode_name(flags);
  auto handle = make_handle(held, who, sequence, inode, flags, path, *verdict);
  handle->draft = draft;
  if (writer && draft->kind() != DraftKind::scratch) {
    open.draft = draft->id == 0 ? sequence : draft->id.load();
    open.base = inode.version;
  }
  open.depth = policy::to_string(handle->depth);
  claim_notes(*handle, open.draft);
  append(held, record(who, path, open, *verdict));
  if (writer && draft->id == 0) draft->id = sequence;
  (writer ? draft->writers : draft->readers) += 1;
  if (writer) draft->sessions[handle->id] = {who.uid(), who.session()};
  handle->joined = draft->generation.load();
  if (writer) draft->activities.insert(who.process().entity_id);
  if (handle->reads) learn(held, who, *handle);
  return handle;
}

Result<std::shared_ptr<Handle>> Monitor::open_folder(const Requester& who, Id id) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, id);
  if (!inode) return Errno{ENOENT};
  const std::string path = id == kRoot ? "/" : path_of(held, inode->home);
  if (!mode_allows(who, *inode, kRead))
    return refuse_mode(held, who, "open", *inode, path, EACCES, "the folder's mode bits don't let you list it");
  const auto verdict = judge(held, who, policy::Right::list, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "open", id, path, "list", verdict);
  Open open;
  open.artifact = id, open.handle = ledger_->next(), open.mode = "list", open.depth = "open";
  append(held, record(who, path, open, verdict));
  auto handle = std::make_shared<Handle>(who);
  handle->id = open.handle, handle->artifact = id, handle->path = path;
  handle->policy = verdict.policy, handle->rule = verdict.rule;
  return handle;
}

Result<NodeRef> Monitor::version_node(const Requester& who, Id artifact, std::uint64_t number) {
  (void)who;  // deciding is the open's business; a look shows no more than history does
  const auto held = lock();
  const auto version = catalog_->version({artifact, number});
  if (!version) return Errno{ENOENT};
  NodeRef node;
  node.artifact = artifact, node.number = number_of_version(version->commit);
  node.face = Face::version, node.commit = version->commit, node.version = number;
  node.sha256 = version->sha256, node.size = version->size, node.pinned = true;
  return node;
}

std::vector<Monitor::Listed> Monitor::list(const Requester& who, Id folder, std::uint64_t after, std::size_t limit,
                                           bool views) {
  const auto held = lock();
  std::vector<Listed> listed;
  const auto inode = find(held, folder);
  if (!inode || inode->nlink == 0) return listed;
  const bool searchable = views && mode_allows(who, *inode, kExecute);
  for (auto& entry : catalog_->list(folder, after, limit)) {
    Listed item;
    if (searchable) item.view = view(held, who, named(held, entry.id), (inode->mode & 1) != 0);
    item.entry = std::move(entry);
    listed.push_back(std::move(item));
  }
  return listed;
}

}  // namespace ward::store
