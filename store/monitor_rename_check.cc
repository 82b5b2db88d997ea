// SPDX-License-Identifier: Apache-2.0
// What a rename needs. It is judged as what it amounts to: a copy to the new name and a removal of the old one, so that
// nothing is moved to where more is allowed by whom the old name keeps out. POLICY.md, "Moving".
#include <linux/fs.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "store/monitor_move.h"

namespace ward::store {

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
  move.source = named(held, *source);
  if (const auto target = catalog_->child(to.dir, to.name)) move.target = named(held, *target);
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
  if (move.source.kind == Kind::file && !exchange) {
    move.saves = !move.target ? move.source.scratch && !policy::scratch(*policy_, move.to_path)
                              : move.target->kind == Kind::file && move.target->nlink == 1 && move.source.nlink == 1 &&
                                    !move.target->scratch && (flags & RENAME_WHITEOUT) == 0;
  }
  if (const auto refused = refuse_move(held, who, move)) return *refused;
  return move;
}

std::optional<Errno> Monitor::refuse_move(const Lock& held, const Requester& who, Move& move) {
  const bool exchange = (move.flags & RENAME_EXCHANGE) != 0;
  const auto stuck = [&](const Inode& inode, const Inode& folder, const Inode& into,
                         const std::string& path) -> std::optional<Errno> {
    if (!sticky_allows(who, folder, inode))
      return refuse_mode(held, who, "rename", inode, path, EPERM,
                         "the folder is sticky and neither it nor the file is yours");
    if (inode.kind == Kind::folder && folder.id != into.id && !mode_allows(who, inode, kWrite))
      return refuse_mode(held, who, "rename", inode, path, EACCES,
                         "a folder that you may not write can't get another parent");
    return std::nullopt;
  };
  if (const auto refused = stuck(move.source, move.from_folder, move.to_folder, move.from_path)) return refused;
  if (const auto refused = refuse_leaving(held, who, move.source, move.from_path)) return refused;
  if (move.target) {
    const auto& into = exchange ? move.from_folder : move.to_folder;
    if (const auto refused = stuck(*move.target, move.to_folder, into, move.to_path)) return refused;
    if (exchange) {
      if (const auto refused = refuse_leaving(held, who, *move.target, move.to_path)) return refused;
    } else {  // over an artifact: a save of it, or else it loses the name
      const auto right = move.saves ? policy::Right::write : policy::Right::remove;
      const auto verdict = judge_name(held, who, right, *move.target, move.to_path);
      if (!verdict.permitted) return refuse(held, who, "rename", move.target->id, move.to_path, "", verdict);
    }
  }
  const auto arrival = refuse_arrival(held, who, move.source, move.from, move.to, move);
  if (!arrival) return Errno{arrival.error()};
  move.verdict = *arrival;
  if (exchange) {
    const auto back = refuse_arrival(held, who, *move.target, move.to, move.from, move);
    if (!back) return Errno{back.error()};
  }
  if ((move.flags & RENAME_WHITEOUT) == 0) return std::nullopt;
  const auto whiteout = judge(held, who, policy::Right::create, object_at(held, move.from, move.from_folder));
  if (whiteout.permitted) return std::nullopt;
  return refuse(held, who, "rename", 0, move.from_path, "", whiteout);
}

/// Who may not read a file can't move it to where somebody may. What one wrote oneself and nobody has a version of is
/// no secret.
std::optional<Errno> Monitor::refuse_leaving(const Lock& held, const Requester& who, const Inode& inode,
                                             const std::string& path) {
  auto verdict = judge_name(held, who, policy::Right::remove, inode, path);
  const bool own_scratch = inode.scratch && inode.uid == who.uid();
  if (verdict.permitted && inode.kind == Kind::file && !own_scratch)
    verdict = judge(held, who, policy::Right::read, object_of(held, inode));
  if (verdict.permitted && inode.kind == Kind::folder)
    verdict = judge(held, who, policy::Right::list, object_of(held, inode));
  if (verdict.permitted) return std::nullopt;
  return refuse(held, who, "rename", inode.id, path, "", verdict);
}

/// Whether the inode may stand at `to`, with its labels and stage, and all that is below it.
Result<Monitor::Verdict> Monitor::refuse_arrival(const Lock& held, const Requester& who, const Inode& inode,
                                                 const Place& from, const Place& to, Move& move) {
  const auto path = path_of(held, to);
  auto object = object_at(held, to, *find(held, to.dir));
  object.labels = labels_of(held, inode, object.paths);
  if (!move.saves) object.stage = inode.stage;
  const auto verdict = judge(held, who, policy::Right::create, object);
  if (!verdict.permitted) return refuse(held, who, "rename", inode.id, path, "", verdict);
  if (!move.saves)
    if (const auto refused =
            refuse_stage(held, who, "rename", inode, path, from == inode.home ? &move.restaged : nullptr))
      return *refused;
  if (!move.saves)
    if (const auto refused = refuse_label_loss(held, who, "rename", inode, path_of(held, from), path)) return *refused;
  if (inode.kind == Kind::folder && path.size() > kPathMost) return Errno{ENAMETOOLONG};
  if (inode.kind == Kind::folder)
    if (const auto refused = refuse_subtree(held, who, inode.id, path, move)) return *refused;
  return verdict;
}

/// A stage is worth what its lifecycle asked for. Taken along to a path with another lifecycle it would be a stage that
/// nobody granted there; only the first one, which every file has, becomes the first one of the other (`restaged`).
std::optional<Errno> Monitor::refuse_stage(const Lock& held, const Requester& who, const char* action,
                                           const Inode& inode, const std::string& to, Restaged* restaged) {
  if (inode.kind != Kind::file || inode.version == 0) return std::nullopt;
  const auto home = path_of(held, inode.home);
  if (policy::same_lifecycle(*policy_, home, to)) return std::nullopt;
  if (inode.stage == policy::initial_stage(*policy_, home)) {
    const auto initial = policy::initial_stage(*policy_, to);
    if (restaged != nullptr && initial != inode.stage)
      restaged->push_back({{inode.id, inode.last, inode.version, inode.sha256, inode.stage, initial}, to});
    return std::nullopt;
  }
  Verdict verdict;
  verdict.permitted = false, verdict.error = EPERM, verdict.policy = policy_number_;
  verdict.reason = "denied: its stage, " + inode.stage + ", was granted under the lifecycle of " + home +
                   "; another one holds at the new name, where it would begin anew: copy it";
  return refuse(held, who, action, inode.id, to, "", verdict);
}

/// Labels that a path gives to what stands there stick to what is saved there, not to what was there before the policy
/// gave them, nor to scratch files: such a thing stays where it has them, since its bytes may be what they are about.
std::optional<Errno> Monitor::refuse_label_loss(const Lock& held, const Requester& who, const char* action,
                                                const Inode& inode, const std::string& from, const std::string& to) {
  if (inode.kind != Kind::file) return std::nullopt;
  const auto object = object_of(held, inode);
  auto names = object.paths;
  std::erase(names, from);
  if (!to.empty()) names.push_back(to);
  const auto &has = object.labels, keeps = labels_of(held, inode, names);
  const auto lost = std::find_if(has.begin(), has.end(), [&](const std::string& label) {
    return !std::binary_search(keeps.begin(), keeps.end(), label);
  });
  if (lost == has.end()) return std::nullopt;
  Verdict verdict;
  verdict.permitted = false, verdict.error = EPERM, verdict.policy = policy_number_;
  verdict.reason = "denied: it would lose its label \"" + *lost + "\", which it has by its path alone: save it anew";
  return refuse(held, who, action, inode.id, from, "", verdict);
}

/// What may not leave its path, or may not stand at the new one, doesn't go along with its folder.
std::optional<Errno> Monitor::refuse_subtree(const Lock& held, const Requester& who, Id folder, const std::string& to,
                                             Move& move) {
  constexpr std::size_t kAtOnce = 1000;
  std::vector<std::pair<Id, std::string>> waiting{{folder, to}};  // not recursive: a tree may be deep
  while (!waiting.empty()) {
    const auto [dir, path] = std::move(waiting.back());
    waiting.pop_back();
    for (std::uint64_t after = 0;;) {
      const auto entries = catalog_->list(dir, after, kAtOnce);
      for (const Entry& entry : entries) {
        const auto inode = named(held, entry.id);
        const Place name{dir, entry.name};
        if (const auto refused = refuse_leaving(held, who, inode, path_of(held, name))) return refused;
        auto object = object_of(held, inode);
        object.paths = {path + "/" + entry.name};
        object.labels = labels_of(held, inode, object.paths);
        const auto arriving = judge(held, who, policy::Right::create, object);
        if (!arriving.permitted) return refuse(held, who, "rename", entry.id, object.paths[0], "", arriving);
        auto* restaged = inode.home == name ? &move.restaged : nullptr;
        if (const auto refused = refuse_stage(held, who, "rename", inode, object.paths[0], restaged)) return refused;
        if (const auto refused = refuse_label_loss(held, who, "rename", inode, path_of(held, name), object.paths[0]))
          return refused;
        if (inode.kind == Kind::folder && object.paths[0].size() > kPathMost) return Errno{ENAMETOOLONG};
        if (inode.kind == Kind::folder) waiting.emplace_back(entry.id, object.paths[0]);
      }
      if (entries.size() < kAtOnce) break;
      after = entries.back().cookie;
    }
  }
  return std::nullopt;
}

}  // namespace ward::store
