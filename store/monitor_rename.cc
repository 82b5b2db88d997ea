// SPDX-License-Identifier: Apache-2.0
// The monitor on renames. A file moved over an artifact makes a new version of that artifact: identity, history and
// governance stay with the name. Anything else (folders, symlinks, hard-linked files) is the rename of any disk.
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "store/error.h"
#include "store/monitor.h"

namespace ward::store {

struct Monitor::Move {
  Place from, to;
  std::string from_path, to_path;
  Inode from_folder, to_folder, source;
  std::optional<Inode> target;  // what stands at `to`
  unsigned flags = 0;
  bool nothing = false;  // two names of one inode: rename(2) does nothing
  bool saves = false;    // the move makes a version: of the target, or of a scratch source that gets a governed name
  Verdict verdict;
};

bool Monitor::below(const Lock& held, Id folder, Id ancestor) const {
  for (auto at = folder; at != 0;) {
    if (at == ancestor) return true;
    const auto inode = find(held, at);
    at = inode && at != kRoot ? inode->home.dir : 0;
  }
  return false;
}

Result<Monitor::Move> Monitor::check_move(const Lock& held, const Requester& who, const Place& from, const Place& to,
                                          unsigned flags) {
  Move move;
  move.from = from, move.to = to, move.flags = flags;
  const auto from_folder = parent_for_change(held, who, "rename", from);
  if (!from_folder) return Errno{from_folder.error()};
  const auto to_folder = parent_for_change(held, who, "rename", to);
  if (!to_folder) return Errno{to_folder.error()};
  move.from_folder = *from_folder, move.to_folder = *to_folder;
  const auto source = catalog_->child(from.dir, from.name);
  if (!source) return Errno{ENOENT};
  move.source = *find(held, *source);
  if (const auto target = catalog_->child(to.dir, to.name)) move.target = find(held, *target);
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  if (exchange && !move.target) return Errno{ENOENT};
  if (move.target && (flags & RENAME_NOREPLACE) != 0) return Errno{EEXIST};
  move.nothing = move.target && move.target->id == move.source.id;
  if (move.nothing) return move;
  if (move.source.kind == Kind::folder && below(held, to.dir, move.source.id)) return Errno{EINVAL};
  if (move.target && move.target->kind == Kind::folder && below(held, from.dir, move.target->id))
    return Errno{exchange ? EINVAL : ENOTEMPTY};
  if (move.target && !exchange) {
    if (move.source.kind == Kind::folder && move.target->kind != Kind::folder) return Errno{ENOTDIR};
    if (move.source.kind != Kind::folder && move.target->kind == Kind::folder) return Errno{EISDIR};
    if (move.target->kind == Kind::folder && !catalog_->empty(move.target->id)) return Errno{ENOTEMPTY};
  }
  move.from_path = path_of(held, from), move.to_path = path_of(held, to);
  if (const auto refused = refuse_move(held, who, move)) return *refused;
  move.verdict = judge(held, who, policy::Right::create, object_at(held, to, move.to_folder));
  if (!move.verdict.permitted) return refuse(held, who, "rename", move.source.id, move.to_path, "", move.verdict);
  if (move.source.kind == Kind::folder)
    if (const auto refused = refuse_subtree(held, who, move.source.id, move.to_path)) return *refused;
  if (exchange && move.target->kind == Kind::folder)
    if (const auto refused = refuse_subtree(held, who, move.target->id, move.from_path)) return *refused;
  if (move.source.kind != Kind::file || exchange) return move;
  const bool scratch_name = policy::scratch(*policy_, move.to_path);
  if (!move.target) {
    move.saves = move.source.scratch && !scratch_name;
  } else {
    move.saves = move.target->kind == Kind::file && move.target->nlink == 1 && move.source.nlink == 1 &&
                 !move.target->scratch && (flags & RENAME_WHITEOUT) == 0;
  }
  return move;
}

/// Sticky folders, mode bits of moved folders, and policy on what leaves its name.
std::optional<Errno> Monitor::refuse_move(const Lock& held, const Requester& who, const Move& move) {
  const auto check = [&](const Inode& inode, const Inode& folder, const Inode& into,
                         const std::string& path) -> std::optional<Errno> {
    if (!sticky_allows(who, folder, inode))
      return refuse_mode(held, who, "rename", inode, path, EPERM,
                         "the folder is sticky and neither it nor the file is yours");
    if (inode.kind == Kind::folder && folder.id != into.id && !mode_allows(who, inode, kWrite))
      return refuse_mode(held, who, "rename", inode, path, EACCES,
                         "a folder that you may not write can't get another parent");
    const auto verdict = judge(held, who, policy::Right::remove, object_of(held, inode));
    if (!verdict.permitted) return refuse(held, who, "rename", inode.id, path, "", verdict);
    return std::nullopt;
  };
  if (const auto refused = check(move.source, move.from_folder, move.to_folder, move.from_path)) return refused;
  if (!move.target) return std::nullopt;
  const bool exchange = (move.flags & RENAME_EXCHANGE) != 0;
  if (!exchange && move.target->kind == Kind::file) {  // over an artifact: that is a save of it
    if (!sticky_allows(who, move.to_folder, *move.target))
      return refuse_mode(held, who, "rename", *move.target, move.to_path, EPERM,
                         "the folder is sticky and neither it nor the file is yours");
    const auto verdict = judge(held, who, policy::Right::write, object_of(held, *move.target));
    if (!verdict.permitted) return refuse(held, who, "rename", move.target->id, move.to_path, "", verdict);
    return std::nullopt;
  }
  return check(*move.target, move.to_folder, exchange ? move.from_folder : move.to_folder, move.to_path);
}

void Monitor::move_name(const Lock& held, const Requester& who, const Move& move) {
  Rename rename;
  rename.artifact = move.source.id;
  rename.prev = move.source.last;
  rename.from = move.from, rename.to = move.to, rename.to_path = move.to_path;
  rename.exchange = (move.flags & RENAME_EXCHANGE) != 0;
  rename.whiteout = (move.flags & RENAME_WHITEOUT) != 0;
  rename.scratch = move.source.scratch;
  rename.replaced = move.target ? move.target->id : 0;
  append(held, record(who, move.from_path, rename, move.verdict));
  if (move.target && !rename.exchange) unlinked(held, *move.target);
  if (move.target) announce(held, move.target->id);
  announce(held, move.source.id);
}

void Monitor::move_saving(const Lock& held, const Requester& who, const Move& move, Draft* draft,
                          const Draft::Exclusive* frozen, const Draft::Bytes& bytes) {
  const Inode& kept = move.target ? *move.target : move.source;  // whose version it becomes
  Rename rename;
  rename.artifact = kept.id;
  rename.prev = kept.last;
  rename.from = move.from, rename.to = move.to, rename.to_path = move.to_path;
  rename.retired = move.target ? move.source.id : 0;
  Inode future = kept;
  future.mode = move.source.mode;
  Commit commit;
  if (draft != nullptr) {
    commit = commit_of(held, future, *draft, *frozen, bytes, move.to_path);
    commit.amends = false;  // what the source sealed under its own name doesn't count here
    commit.version = kept.version + 1;
    commit.draft = draft->writers > 0 ? ledger_->next() : 0;
    commit.final = draft->writers == 0;
  } else {
    commit = commit_of_version(held, future, move.source, move.to_path);
  }
  commit.mtime = draft != nullptr && draft->unsealed_mtime() ? *draft->unsealed_mtime() : move.source.mtime;
  rename.saved = commit;
  append(held, record(who, move.from_path, rename, move.verdict));
  const auto after = *find(held, kept.id);
  if (const auto replaced = move.target ? draft_of(held, kept.id) : nullptr) {
    // Whoever has the replaced file open keeps its bytes; whoever is on the way to it writes the new one.
    replaced->detached = true;
    drafts_.erase(kept.id);
  }
  if (draft != nullptr) {
    const auto node = drafts_.extract(move.source.id);
    draft->govern(*frozen, rename.saved->draft, base_named(after));
    draft->artifact = kept.id;
    draft->sealed_version = draft->writers > 0 ? after.version : 0;
    draft->sealed_at = draft->writers > 0 ? after.commit : 0;
    if (draft->writers == 0) draft->drop(*frozen);
    if (!node.empty() && draft->writers > 0) drafts_[kept.id] = node.mapped();
    scratch_.erase(move.source.id);
  }
  if (move.target && !catalog_->inode(move.source.id)) {
    Inode orphan = move.source;
    orphan.nlink = 0;
    orphans_[move.source.id] = std::move(orphan);
  }
  hooks_.changed(move.source.id, {move.from});
  announce(held, kept.id);
}

/// What may not leave its path, or may not stand at the new one, doesn't go along with its folder.
std::optional<Errno> Monitor::refuse_subtree(const Lock& held, const Requester& who, Id folder, const std::string& to) {
  constexpr std::size_t kAtOnce = 1000;
  for (std::uint64_t after = 0;;) {
    const auto entries = catalog_->list(folder, after, kAtOnce);
    for (const Entry& entry : entries) {
      const auto inode = *find(held, entry.id);
      const auto object = object_of(held, inode);
      const auto leaving = judge(held, who, policy::Right::remove, object);
      if (!leaving.permitted) return refuse(held, who, "rename", entry.id, object.paths[0], "", leaving);
      auto arriving_at = object;
      arriving_at.paths = {to + "/" + entry.name};
      const auto arriving = judge(held, who, policy::Right::create, arriving_at);
      if (!arriving.permitted) return refuse(held, who, "rename", entry.id, arriving_at.paths[0], "", arriving);
      if (inode.kind == Kind::folder)
        if (const auto refused = refuse_subtree(held, who, entry.id, arriving_at.paths[0])) return refused;
    }
    if (entries.size() < kAtOnce) return std::nullopt;
    after = entries.back().cookie;
  }
}

/// After a rename over an artifact the kernel shows the source's node under the target's name for as long as it was
/// told to keep the source's entry, and there is no telling it otherwise in time. ESTALE makes it look both names up
/// again; this time the entry gets no life beyond the rename.
bool Monitor::needs_fresh_names(const Lock& held, const Requester& who, const Move& move) {
  if (!move.target || !view(held, who, move.source, true).cacheable) return false;
  const auto before = renaming_.extract(who.tid());
  if (!before.empty() && before.mapped().place == move.from && now() - before.mapped().since < kWalk) return false;
  if (renaming_.size() > 10'000) renaming_.clear();
  renaming_[who.tid()] = {move.source.id, now(), move.from};
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
      draft = draft_of(held, source);
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
    if (!move->saves || move->source.id != source || draft_of(held, source) != draft) continue;
    move_saving(held, who, *move, draft.get(), &frozen, bytes);
    return Done{};
  }
}

}  // namespace ward::store
