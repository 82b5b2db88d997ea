// SPDX-License-Identifier: Apache-2.0
// The monitor on extended attributes.
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "store/error.h"
#include "store/monitor.h"

namespace ward::store {
namespace {

constexpr std::size_t kInlineXattr = 4096;  // larger values are objects
constexpr std::string_view kWard = "user.ward.";

std::string iso_time(Nanos time) {
  const std::time_t seconds = time / 1'000'000'000;
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text;
}

enum class Space { user, trusted, security, unknown };

Space space_of(std::string_view name) {
  if (name.starts_with("user.")) return Space::user;
  if (name.starts_with("trusted.")) return Space::trusted;
  if (name.starts_with("security.")) return Space::security;
  return Space::unknown;
}

/// As a disk orders its refusals: permission first, then whether there are such attributes at all. 0 = none.
int refuse_space(const Requester& who, const Inode& inode, std::string_view name, bool writes) {
  if (name.starts_with("system.")) return EOPNOTSUPP;
  const auto space = space_of(name);
  if (space == Space::trusted && !who.root()) return writes ? EPERM : ENODATA;
  if (space == Space::security && writes && !who.root())
    return name == kCapability && !mode_allows(who, inode, kWrite) ? EACCES : EPERM;
  const bool plain = inode.kind == Kind::file || inode.kind == Kind::folder;
  if (space == Space::user && !plain) return writes ? EPERM : ENODATA;
  const bool sticky = inode.kind == Kind::folder && (inode.mode & S_ISVTX) != 0;
  if (space == Space::user && sticky && writes && !who.root() && who.uid() != inode.uid) return EPERM;
  if ((space == Space::user || space == Space::unknown) && !mode_allows(who, inode, writes ? kWrite : kRead))
    return EACCES;
  if (space == Space::unknown) return EOPNOTSUPP;
  return name.ends_with('.') && std::count(name.begin(), name.end(), '.') == 1 ? EINVAL : 0;
}

const char* reason_of(int error) {
  return error == EACCES ? "the mode bits don't let you write"
                         : "only root may change this kind of attribute, and only the owner those of a sticky folder";
}

}  // namespace

std::optional<std::string> Monitor::ward_xattr(const Lock&, const NodeRef& node, const Inode& inode,
                                               std::string_view key) const {
  if (inode.kind != Kind::file) return std::nullopt;
  const bool older = node.face == Face::version && node.artifact == inode.id;
  const auto version = catalog_->version({inode.id, older ? node.version : inode.version});
  if (key == "version") return std::to_string(version ? version->ref.version : 0);
  if (!version) return std::nullopt;
  if (key == "sha256") return version->sha256;
  if (key == "stage") return version->stage;
  if (key == "retain_until") return version->retain.until == 0 ? "none" : iso_time(version->retain.until);
  return std::nullopt;
}

Result<std::string> Monitor::get_xattr(const Requester& who, const NodeRef& node, const std::string& name) {
  const bool ward = name.starts_with(kWard), user = name.starts_with("user.");
  if (user) who.prepare();
  const auto held = lock();
  const auto inode = find(held, node);
  if (!inode) return kVanished;
  const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
  if (const int error = ward ? 0 : refuse_space(who, *inode, name, false)) {
    if (error != EACCES || !user) return Errno{error};
    return refuse_mode(held, who, "getxattr", *inode, path, EACCES, "the mode bits don't let you read it");
  }
  if (user) {  // what is known of a file, and what people noted on it, is for those who may read it
    const auto right = inode->kind == Kind::folder ? policy::Right::list : policy::Right::read;
    const auto verdict = judge(held, who, right, object_of(held, *inode));
    if (!verdict.permitted) return refuse(held, who, "getxattr", inode->id, path, "", verdict);
  }
  auto value = ward ? ward_xattr(held, node, *inode, name.substr(kWard.size())) : xattr(held, *inode, name);
  if (!value) return Errno{ENODATA};
  return *std::move(value);
}

Result<std::vector<std::string>> Monitor::list_xattrs(const Requester& who, const NodeRef& node) {
  const auto held = lock();
  const auto inode = find(held, node);
  if (!inode) return kVanished;
  std::vector<std::string> names;
  if (const auto orphan = orphans_.find(inode->number); orphan != orphans_.end()) {
    for (const auto& [name, value] : orphan->second.xattrs) names.push_back(name);
  } else {
    names = catalog_->xattrs(inode->id);
  }
  if (!who.root()) std::erase_if(names, [](const std::string& name) { return name.starts_with("trusted."); });
  return names;
}

Status Monitor::set_xattr(const Requester& who, const NodeRef& node, const std::string& name, const std::string& value,
                          int flags) {
  who.prepare();
  SetXattr set;
  set.name = name;
  if (value.size() > kInlineXattr) set.sha256 = objects_.put(value);
  const auto held = lock();
  const auto inode = find(held, node);
  if (!inode) return kVanished;
  const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
  if (name.starts_with(kWard))
    return refuse_mode(held, who, "setxattr", *inode, path, EPERM, "user.ward.* are facts that WardFS shows");
  if (const int error = refuse_space(who, *inode, name, true)) {
    if (error == EOPNOTSUPP || error == EINVAL) return Errno{error};
    return refuse_mode(held, who, "setxattr", *inode, path, error, reason_of(error));
  }
  const bool exists = xattr(held, *inode, name).has_value();
  if ((flags & XATTR_CREATE) != 0 && exists) return Errno{EEXIST};
  if ((flags & XATTR_REPLACE) != 0 && !exists) return Errno{ENODATA};
  const auto verdict = judge(held, who, policy::Right::tag, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "setxattr", inode->id, path, "", verdict);
  if (set.sha256.empty()) set.value = value;
  set_xattr(held, who, *inode, path, set, verdict);
  return Done{};
}

Status Monitor::remove_xattr(const Requester& who, const NodeRef& node, const std::string& name) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, node);
  if (!inode) return kVanished;
  const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
  // The kernel takes capabilities away before a write, as the writer; when a person asks for it, it demands the right
  // first.
  const auto draft = name == kCapability ? draft_of(held, *inode) : nullptr;
  const bool before_write = name == kCapability && ((draft && draft->writers > 0) || mode_allows(who, *inode, kWrite));
  if (const int error = before_write ? 0 : refuse_space(who, *inode, name, true)) {
    if (error == EOPNOTSUPP || error == EINVAL) return Errno{error};
    return refuse_mode(held, who, "removexattr", *inode, path, error, reason_of(error));
  }
  if (!xattr(held, *inode, name)) return Errno{ENODATA};
  const auto right = name == kCapability ? policy::Right::write : policy::Right::tag;
  const auto verdict = judge(held, who, right, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "removexattr", inode->id, path, "", verdict);
  SetXattr set;
  set.name = name, set.removed = true;
  set_xattr(held, who, *inode, path, set, verdict);
  return Done{};
}

}  // namespace ward::store
