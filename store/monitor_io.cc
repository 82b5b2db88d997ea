// SPDX-License-Identifier: Apache-2.0
// The monitor on content: reads and writes of open files, and what makes them durable.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include <cerrno>

#include "store/error.h"
#include "store/monitor.h"

namespace ward::store {

void Monitor::note_read(const std::shared_ptr<Handle>& opened, const Requester& who, std::uint64_t offset,
                        std::uint64_t length) {
  const auto user = party(opened, who);
  Handle& handle = *user;
  if (handle.read_notes) {
    handle.read_notes->add({offset, length}, [&](const SlotContent& full) { spill(handle, full, false); });
  } else if (handle.depth == policy::Depth::request) {
    SlotContent one;
    one.key = {handle.id, handle.artifact, 0, handle.version, false};
    one.requests = 1;
    if (length > 0) one.ranges = {{offset, length}};
    spill(handle, one, false);
  }
}

Result<std::uint64_t> Monitor::write(const std::shared_ptr<Handle>& opened, const Requester& who, std::uint64_t offset,
                                     std::span<const char> bytes, bool mapped) {
  if (!opened->draft) return Errno{EBADF};
  Draft& draft = *opened->draft;
  const auto user = party(opened, who);
  Handle& handle = *user;
  if (!mapped && handle.privileges.exchange(privileges_) != privileges_) drop_privileges(handle.who, draft.number);
  rejoin(opened, handle);
  const Author author{handle.who.uid(), handle.who.user().login, 0};
  draft.last_write = lineage_.now();
  const auto at = draft.write(opened->id, author, offset, bytes, opened->append && !mapped, now());
  note_write(handle, draft.id, {at, bytes.size()});
  return bytes.size();
}

/// Who goes on after a seal sees what it writes.
void Monitor::rejoin(const std::shared_ptr<Handle>& opened, Handle& user) {
  Draft& draft = *opened->draft;
  if (user.joined == draft.generation) return;
  const auto held = lock();
  draft.sessions[opened->id] = {opened->who.uid(), opened->who.session()};
  draft.activities.insert(user.who.process().entity_id);  // an ended version's were forgotten
  user.joined = draft.generation.load();
}

/// Bytes that a handle changed: by a write, a truncation, a hole.
void Monitor::note_write(Handle& handle, Id draft, Range range) {
  if (handle.write_notes) {
    handle.write_notes->add(range, [&](const SlotContent& full) { spill(handle, full, false); });
  } else if (handle.depth == policy::Depth::request) {
    SlotContent one;
    one.key = {handle.id, handle.artifact, draft, handle.version, true};
    one.requests = 1;
    if (range.length > 0) one.ranges = {range};
    spill(handle, one, false);
  }
}

Status Monitor::allocate(const std::shared_ptr<Handle>& opened, const Requester& who, int mode, std::uint64_t offset,
                         std::uint64_t length) {
  constexpr int kKnown = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
  if ((mode & ~kKnown) != 0) return Errno{EOPNOTSUPP};
  if (!opened->draft || !opened->writes) return Errno{EBADF};
  const auto user = party(opened, who);
  drop_privileges(user->who, opened->draft->number);
  rejoin(opened, *user);
  const Author author{user->who.uid(), user->who.user().login, 0};
  if (!opened->draft->allocate(opened->id, author, mode, offset, length, now())) return Errno{EOPNOTSUPP};
  note_write(*user, opened->draft->id, {offset, mode == FALLOC_FL_KEEP_SIZE ? 0 : length});
  return Done{};
}

void Monitor::drop_privileges(const Requester& who, Id number) {
  const auto held = lock();
  const auto inode = find(held, number);
  if (!inode) return;
  const auto path = path_of(held, inode->home);
  SetAttr set;
  set.mode = without_privileges(who, *inode);
  if (!who.root() && *set.mode != inode->mode) set_attributes(held, who, *inode, path, set, {});
  if (!xattr(held, *inode, kCapability)) return;
  SetXattr gone;
  gone.name = kCapability, gone.removed = true;
  set_xattr(held, who, *inode, path, gone, {});
}

Status Monitor::sync(Handle& handle) {
  Sha256 sealed;
  if (handle.draft) {
    Draft& draft = *handle.draft;
    draft.sync();
    const auto frozen = draft.freeze();
    const auto held = lock();
    if (draft.dirty(frozen) && draft.kind() != DraftKind::scratch && draft.id != 0) {
      append(held, record(handle.who, handle.path, Sync{handle.artifact, draft.id, draft.size()},
                          {true, 0, handle.policy, handle.rule, "", ""}));
    } else {
      sealed = draft.base(frozen).sha256;
    }
  } else {
    sealed = handle.sha256;
  }
  if (!sealed.empty()) objects_.sync(sealed);
  log_->sync();
  return Done{};
}

Status Monitor::sync_folder() {
  log_->sync();
  return Done{};
}

void Monitor::spill(Handle& handle, const SlotContent& content, bool last) {
  const Verdict verdict{true, 0, handle.policy, handle.rule, "", ""};
  std::uint64_t bytes = 0;
  for (const Range& range : content.ranges) bytes += range.length;
  const auto held = lock();
  if (content.key.writes) {
    append(held, record(handle.who, handle.path,
                        Write{handle.artifact, handle.id, content.key.draft, content.part, last, content.requests,
                              bytes, content.ranges},
                        verdict));
  } else {
    append(held, record(handle.who, handle.path,
                        Read{handle.artifact, content.key.version, handle.sha256, handle.id, content.part, last,
                             content.requests, bytes, content.ranges},
                        verdict));
  }
}

void Monitor::collect(Handle& handle, bool last, std::vector<Record>& into) const {
  const Verdict verdict{true, 0, handle.policy, handle.rule, "", ""};
  for (const auto* notes : {handle.read_notes.get(), handle.write_notes.get()}) {
    if (notes == nullptr || notes->empty()) continue;
    const auto content = notes->content();
    std::uint64_t bytes = 0;
    for (const Range& range : content.ranges) bytes += range.length;
    if (content.key.writes) {
      into.push_back(record(handle.who, handle.path,
                            Write{handle.artifact, handle.id, content.key.draft, content.part, last, content.requests,
                                  bytes, content.ranges},
                            verdict));
    } else {
      into.push_back(record(handle.who, handle.path,
                            Read{handle.artifact, content.key.version, handle.sha256, handle.id, content.part, last,
                                 content.requests, bytes, content.ranges},
                            verdict));
    }
  }
}

}  // namespace ward::store
