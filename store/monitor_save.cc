// SPDX-License-Identifier: Apache-2.0
// The monitor on saves: when a close seals a draft, what a seal records, and how a draft ends. FORMAT.md, "Life of a
// save", says it step by step.
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "store/error.h"
#include "store/monitor.h"

namespace ward::store {

Status Monitor::flush(Handle& handle, std::int32_t tid) {
  if (!handle.draft || !handle.writes) return Done{};
  Draft& draft = *handle.draft;
  const auto frozen = draft.freeze();
  if (!draft.dirty(frozen, handle.id) || draft.kind() == DraftKind::scratch || draft.detached) return Done{};
  draft.flushed(frozen, handle.id);
  if (draft.kind() == DraftKind::session && killed_by_signal(tid)) {
    const auto held = lock();
    draft.interrupted = true;
    return Done{};
  }
  if (draft.others_writing(frozen, handle.id) || draft.begun(frozen)) return Done{};  // the last one seals
  return seal(draft, frozen, handle.who, false);
}

Draft::Bytes Monitor::store_bytes(Draft& draft, const Draft::Exclusive& frozen) {
  auto bytes = draft.store(frozen);
  if (bytes.sha256.empty()) bytes.sha256 = empty_;  // a name whose first save has no bytes
  return bytes;
}

Status Monitor::seal(Draft& draft, const Draft::Exclusive& frozen, const Requester& who, bool last) {
  const auto bytes = store_bytes(draft, frozen);
  const auto held = lock();
  const auto inode = find(held, draft.number);
  if (!inode || draft.detached) return Done{};  // deleted: there is nothing to save, and the bytes are there to the end
  const auto path = path_of(held, inode->home);
  const auto verdict = judge(held, who, policy::Right::write, object_of(held, *inode));
  if (!verdict.permitted) {  // the policy changed while the file was open
    (void)refuse(held, who, "commit", inode->id, path, "w", verdict);
    append(held, record(who, path, Abandon{inode->id, draft.id, true, false, "policy"}, verdict),
           AuditLog::Space::reserved);
    draft.keep(frozen);
    return Errno{EPERM};
  }
  std::uint64_t version = inode->version;
  bool final = false;
  Commit commit = commit_of(held, *inode, draft, frozen, bytes, path);
  // The same bytes from restricted inputs are restricted: labels that grow are a version.
  if (inode->version != 0 && bytes.sha256 == inode->sha256 && commit.labels == inode->labels) {
    Unchanged same{inode->id, draft.id, inode->version, inode->sha256, std::nullopt, std::nullopt};
    if (const auto times = draft.unsealed_times()) same.mtime = times->mtime, same.ctime = times->ctime;
    append(held, record(who, path, same, verdict));
  } else {
    commit.concurrent = draft.mixed(frozen) && draft.writers > 1;
    commit.final = final = last && draft.writers <= 1;
    version = commit.version;
    std::vector<Record> records;
    if (draft.sealed_at != 0 && !commit.amends)  // the save before can't be amended any more; its draft goes on
      records.push_back(record(who, path, Finalise{inode->id, 0, draft.sealed_version, inode->sha256}, verdict));
    auto more = split_inputs(commit);
    records.push_back(record(who, path, std::move(commit), verdict));
    for (auto& inputs : more) records.push_back(record(who, path, std::move(inputs), verdict));
    append(held, records);
    draft.sealed_at = catalog_->inode(inode->id)->commit;
  }
  const auto after = *find(held, inode->number);
  draft.sealed(frozen, base_named(after));
  draft.sealed_version = version;
  draft.interrupted = false;
  draft.leave();
  if (final) {
    draft.drop(frozen);
    draft.id = 0;
    draft.sealed_version = draft.sealed_at = 0;
    draft.activities.clear();
  }
  announce(held, *inode);
  return Done{};
}

Status Monitor::truncate(const Requester& who, const std::shared_ptr<Draft>& draft, std::uint64_t size, Handle* handle,
                         bool opening) {
  drop_privileges(who, draft->number);
  draft->truncate(handle != nullptr ? handle->id : 0, {who.uid(), who.user().login, 0}, size, opening, now());
  if (handle != nullptr || draft->kind() == DraftKind::scratch) return Done{};
  const auto frozen = draft->freeze();
  if (draft->others_writing(frozen, 0)) return Done{};  // their close seals it
  bool last = false;
  {
    const auto held = lock();
    last = draft->writers == 0;
  }
  const auto sealed = seal(*draft, frozen, who, last);
  const auto held = lock();
  retire(held, draft, frozen, who);
  return sealed;
}

void Monitor::finalise(const Lock& held, Draft& draft, const Draft::Exclusive& frozen, const Requester& who) {
  if (draft.id == 0 || draft.kind() == DraftKind::scratch) return;
  const auto inode = find(held, draft.number);
  const std::string path = inode && inode->nlink > 0 ? path_of(held, inode->home) : "";
  if (draft.detached && draft.dirty(frozen)) {
    append(held, record(who, path, Abandon{draft.artifact, draft.id, false, false, "deleted"}, {}),
           AuditLog::Space::reserved);
    draft.drop(frozen);
  } else if (draft.dirty(frozen)) {  // what can't be sealed is kept for people to look at
    append(held,
           record(who, path,
                  Abandon{draft.artifact, draft.id, true, false, draft.interrupted ? "writer-killed" : "unsealed"}, {}),
           AuditLog::Space::reserved);
    draft.keep(frozen);
  } else if (draft.sealed_version != 0) {
    const auto& base = draft.base(frozen);
    append(held, record(who, path, Finalise{draft.artifact, draft.id, draft.sealed_version, base.sha256}, {}),
           AuditLog::Space::reserved);
    draft.drop(frozen);
  } else {
    const bool executable = inode && (inode->mode & 0111) != 0;
    append(held,
           record(who, path,
                  Abandon{draft.artifact, draft.id, false, executable, draft.detached ? "deleted" : "unwritten"}, {}),
           AuditLog::Space::reserved);
    draft.drop(frozen);
  }
  draft.id = 0;
  draft.sealed_version = draft.sealed_at = 0;
  draft.interrupted = false;
  draft.activities.clear();
  hooks_.changed(draft.number, catalog_->names(draft.artifact));
}

void Monitor::retire(const Lock& held, const std::shared_ptr<Draft>& draft, const Draft::Exclusive& frozen,
                     const Requester& who) {
  // Readers of a save go on with the version that it became. Those of a deleted file have nothing but the draft, and
  // everybody reads one that is shown at once.
  const bool unused = draft->writers + draft->readers == 0;
  if (draft->detached ? unused : draft->writers == 0) finalise(held, *draft, frozen, who);
  const bool waiting = draft->pinned_until > now();
  const bool idle = draft->kind() == DraftKind::session && !draft->detached ? draft->writers == 0 : unused;
  if (idle && !waiting && draft_of(held, *draft) == draft) {
    if (const auto times = draft->unsealed_times(); times && draft->kind() == DraftKind::scratch)
      set_scratch_mtime(draft->artifact, times->mtime);
    if (draft->kind() == DraftKind::scratch && !draft->detached && !draft->activities.empty())
      scratch_[draft->artifact] = {draft->activities, draft->authors(frozen), draft->last_write};
    drafts_.erase(draft->number);
    hooks_.changed(draft->number, catalog_->names(draft->artifact));
  }
  if (unused) draft->rest(frozen);
}

void Monitor::release(const std::shared_ptr<Handle>& handle) {
  std::vector<Record> records;
  for (const auto& [process, party] : handle->parties.by_process) {  // nobody has the descriptor any more
    collect(*party, true, records);
    records.push_back(record(party->who, party->path, Close{party->artifact, party->id},
                             {true, 0, party->policy, party->rule, "", ""}));
  }
  collect(*handle, true, records);
  records.push_back(record(handle->who, handle->path, Close{handle->artifact, handle->id},
                           {true, 0, handle->policy, handle->rule, "", ""}));
  if (!handle->draft) {
    const auto held = lock();
    append(held, records, AuditLog::Space::reserved);
    handles_.erase(handle->id);
    return;
  }
  Draft& draft = *handle->draft;
  const auto frozen = draft.freeze();
  bool seals = false;
  {
    const auto held = lock();
    append(held, records, AuditLog::Space::reserved);
    handles_.erase(handle->id);
    if (handle->reads) {  // what was written since the open, too
      learn(held, handle->who, *handle);
      for (const auto& [process, party] : handle->parties.by_process) learn(held, party->who, *handle);
    }
    const bool last = handle->writes && draft.writers == 1;
    draft.flushed(frozen, handle->id);
    seals = draft.kind() != DraftKind::scratch && !draft.detached && handle->writes && !draft.interrupted &&
            (last ? draft.dirty(frozen) : draft.dirty(frozen, handle->id) && !draft.others_writing(frozen, handle->id));
  }
  if (seals) {
    try {
      (void)seal(draft, frozen, handle->who, true);
    } catch (const Error& error) {  // nobody waits for a RELEASE: the draft stays, recoverable
      std::fprintf(stderr, "ward: sealing %s at its last close: %s; kept in drafts/\n", handle->path.c_str(),
                   error.what());
    }
  }
  const auto held = lock();
  (handle->writes ? draft.writers : draft.readers) -= 1;
  if (!draft.dirty(frozen, handle->id)) draft.sessions.erase(handle->id);  // it has nothing of its own to see any more
  retire(held, handle->draft, frozen, handle->who);
}

void Monitor::release_folder(const std::shared_ptr<Handle>& handle) {
  const auto held = lock();
  append(held,
         record(handle->who, handle->path, Close{handle->artifact, handle->id},
                {true, 0, handle->policy, handle->rule, "", ""}),
         AuditLog::Space::reserved);
}

}  // namespace ward::store
