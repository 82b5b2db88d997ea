// SPDX-License-Identifier: Apache-2.0
// Where a process stands among others: its ancestors and the pipes it runs into.
#include <algorithm>
#include <charconv>

#include "store/patience.h"
#include "store/proc_files.h"

namespace ward::store {
namespace {

constexpr std::size_t kMostAncestors = 32;
constexpr std::size_t kRemembered = 4096;

/// Inode of the pipe behind a descriptor; 0 for anything else.
std::uint64_t pipe_behind(std::int32_t pid, int descriptor) {
  const auto target = read_proc_link("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor));
  constexpr std::string_view prefix = "pipe:[";
  std::uint64_t inode = 0;
  if (target.starts_with(prefix)) std::from_chars(target.data() + prefix.size(), target.data() + target.size(), inode);
  return inode;
}

Family ask(std::int32_t process, std::int32_t parent) {
  Family family;
  family.pipe_in = pipe_behind(process, 0), family.pipe_out = pipe_behind(process, 1);
  for (auto pid = parent; pid > 1 && family.ancestors.size() < kMostAncestors;) {
    const auto stat = parse_stat(read_proc(main_stat_path(pid)));
    if (!stat) break;
    family.ancestors.push_back({pid, stat->session, stat->group, stat->start_ticks, stat->exec_mark,
                                entity_id(pid, stat->start_ticks, stat->exec_mark)});
    pid = stat->parent;
  }
  return family;
}

/// Thread-safe; forgets the oldest.
class Remembered {
 public:
  std::shared_ptr<const Family> find(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto found = families_.find(id);
    return found == families_.end() ? nullptr : found->second;
  }

  /// The one that was first.
  std::shared_ptr<const Family> keep(const std::string& id, std::shared_ptr<const Family> family) {
    const std::lock_guard lock(mutex_);
    const auto [kept, is_new] = families_.try_emplace(id, std::move(family));
    auto result = kept->second;
    if (is_new) ids_.push_back(id);
    if (ids_.size() > kRemembered) {
      families_.erase(ids_.front());
      ids_.pop_front();
    }
    return result;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Family>> families_;
  std::list<std::string> ids_;  // oldest first
};

}  // namespace

std::shared_ptr<const Family> family_of(const Caller& caller) {
  static Remembered remembered;
  if (auto known = remembered.find(caller.entity_id)) return known;
  const auto asked = std::make_shared<Family>();
  if (!in_time(caller.uid, kPatience,
               [asked, process = caller.pid, parent = caller.parent] { *asked = ask(process, parent); }))
    return nullptr;
  return remembered.keep(caller.entity_id, asked);
}

}  // namespace ward::store
