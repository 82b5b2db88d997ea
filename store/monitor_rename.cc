// SPDX-License-Identifier: Apache-2.0
// The monitor on renames. A file moved over an artifact makes a new version of that artifact: identity, history and
// governance stay with the name. Anything else (folders, symlinks, hard-linked files) is the rename of any disk.
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "store/error.h"
#include "store/monitor.h"
#include "store/monitor_move.h"

namespace ward::store {

void Monitor::move_name(const Lock& held, const Requester& who, const Move& move) {
  Rename rename;
  rename.artifact = move.source.id;
  rename.prev = move.source.last;
  rename.from = move.from, rename.to = move.to, rename.to_path = move.to_path;
  rename.exchange = (move.flags & RENAME_EXCHANGE) != 0;
  rename.whiteout = (move.flags & RENAME_WHITEOUT) != 0;
  rename.scratch = move.source.scratch;
  rename.replaced = move.target ? move.target->id : 0;
  std::vector<Record> records{record(who, move.from_path, rename, move.verdict)};
  for (auto [change, path] : move.restaged) {
    if (change.artifact == move.source.id || change.artifact == rename.replaced) change.prev = ledger_->next();
    records.push_back(record(who, path, change, move.verdict));
  }
  auto left = move.target ? std::optional(orphan_of(held, *move.target, false)) : std::nullopt;
  append(held, records);
  if (left && !rename.exchange) unlinked(held, *std::move(left));
  if (move.target) announce(held, *move.target);
  announce(held, move.source);
}

void Monitor::move_saving(const Lock& held, const Requester& who, const Move& move, Draft* draft,
                          const Draft::Exclusive* frozen, const Draft::Bytes& bytes) {
  const Inode& kept = move.target ? *move.target : move.source;  // whose version it becomes
  Rename rename;
  rename.artifact = kept.id;
  rename.prev = kept.last;
  rename.from = move.from, rename.to = move.to, rename.to_path = move.to_path;
  rename.retired = move.target ? move.source.id : 0;
  rename.whiteout = (move.flags & RENAME_WHITEOUT) != 0;
  Inode future = kept;
  future.mode = move.source.mode;
  const auto carried = labels_of(held, move.source, std::span(&move.from_path, 1));  // the bytes keep what they had
  future.labels.insert(future.labels.end(), carried.begin(), carried.end());
  Commit commit;
  if (draft != nullptr) {
    commit = commit_of(held, future, *draft, *frozen, bytes, move.to_path, move.target ? &move.source : nullptr);
    if (move.target) commit.base = kept.version;  // the draft's was one of the source's
    commit.draft = draft->writers > 0 ? ledger_->next() : 0;
    commit.final = draft->writers == 0;
  } else {
    commit = commit_of_version(held, future, move.source, move.to_path);
  }
  const auto times = draft != nullptr ? draft->unsealed_times() : std::nullopt;
  commit.mtime = times ? times->mtime : move.source.mtime;
  commit.ctime.reset();  // a rename is a change
  const auto more = split_inputs(commit);
  rename.saved = commit;
  std::vector<Record> records{record(who, move.from_path, rename, move.verdict)};
  for (const auto& inputs : more) records.push_back(record(who, move.to_path, inputs, move.verdict));
  const auto replaced = move.target ? draft_of(held, *move.target) : nullptr;
  auto orphan = move.target ? std::optional(orphan_of(held, *move.target, true)) : std::nullopt;
  append(held, records);
  const auto after = named(held, kept.id);  // under the source's inode number
  if (orphan) {
    orphan->inode.nlink = 0;
    orphans_.insert_or_assign(move.target->number, *std::move(orphan));
  }
  if (replaced) replaced->detached = true;  // who has the replaced file open keeps its bytes
  if (draft != nullptr) {
    draft->govern(*frozen, rename.saved->draft, kind_for(held, after, move.to_path), base_named(after));
    draft->leave();
    draft->artifact = kept.id;
    draft->sealed_version = draft->writers > 0 ? after.version : 0;
    draft->sealed_at = draft->writers > 0 ? after.commit : 0;
    if (draft->writers == 0) {
      draft->drop(*frozen);
      drafts_.erase(draft->number);
    }
    scratch_.erase(move.source.id);
  }
  hooks_.changed(move.source.number, {move.from});
  announce(held, after);
  if (move.target) hooks_.changed(move.target->number, {move.to});
}

/// After a rename over an artifact the kernel shows the source's node under the target's name for as long as it was
/// told to keep the source's entry, and there is no telling it otherwise in time. ESTALE makes it look both names up
/// again; this time the entry gets no life beyond the rename.
bool Monitor::needs_fresh_names(const Lock& held, const Requester& who, const Move& move) {
  if (!move.target || !view(held, who, move.source, true).cacheable) return false;
  const auto before = renaming_.extract(who.tid());
  if (!before.empty() && before.mapped().place == move.from && now() - before.mapped().since < kWalk) return false;
  if (renaming_.size() > 10'000) renaming_.clear();
  renaming_[who.tid()] = {move.source.id, now(), move.from, false};
  return true;
}

Status Monitor::rename(const Requester& who, const Place& from, const Place& to, unsigned flags) {
  who.prepare();
  for (;;) {
    std::shared_ptr<Draft> draft;
    Id source = 0;
    {
      const auto held = lock();
      const auto move = check_move(held, who, from, to, flags);
      if (!move) return Errno{move.error()};
      if (move->nothing) return Done{};
      if (!move->saves) {
        move_name(held, who, *move);
        return Done{};
      }
      if (needs_fresh_names(held, who, *move)) return Errno{ESTALE};
      source = move->source.id;
      draft = draft_of(held, move->source);
      if (!draft && move->source.scratch) draft = begin_draft(held, move->source, DraftKind::scratch);
      if (!draft) {
        move_saving(held, who, *move, nullptr, nullptr, {});
        return Done{};
      }
    }
    // The source's unsaved bytes become the version: hashed without the monitor's lock, then everything is checked
    // again.
    const auto frozen = draft->freeze();
    const auto bytes = store_bytes(*draft, frozen);
    const auto held = lock();
    const auto move = check_move(held, who, from, to, flags);
    if (!move) return Errno{move.error()};
    if (!move->saves || move->source.id != source || draft_of(held, move->source) != draft) continue;
    move_saving(held, who, *move, draft.get(), &frozen, bytes);
    return Done{};
  }
}

}  // namespace ward::store
