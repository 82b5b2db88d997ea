// SPDX-License-Identifier: Apache-2.0
#include "fs/virtual_tree.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "fs/driver.h"
#include "fs/virtual_audit.h"
#include "fs/virtual_log.h"
#include "fs/virtual_text.h"
#include "store/record_json.h"
#include "store/segment_text.h"
#include "store/segments.h"

namespace ward::fs {
namespace {

using store::Errno;
using store::Id;
using store::Requester;
using store::Result;

bool is_directory(What what) {
  switch (what) {
    case What::governance:
    case What::versions:
    case What::at:
    case What::past:
    case What::deleted:
    case What::drafts:
    case What::disk_folder:
    case What::bundles:
    case What::find:
      return true;
    case What::text:
    case What::past_link:
    case What::disk_file:
    case What::bundle:
    case What::proof:
    case What::log_report:
    case What::answer:
      return false;
  }
  return false;
}

std::optional<std::uint64_t> number(const std::string& text) {
  if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::stoull(text);
}

std::string key_of(const Virtual& path) {
  return std::to_string(static_cast<int>(path.what)) + "/" + std::to_string(path.artifact) + "/" +
         std::to_string(path.at) + "/" + path.name + "/" + path.disk.string();
}

}  // namespace

std::string virtual_path(const store::Monitor& monitor, const Virtual& node) {
  std::string base =
      monitor.report(Requester::self(), [&](const auto& see) { return see.catalog.path(node.artifact); });
  switch (node.what) {
    case What::governance:
      return base + "@@";
    case What::text:
      return base + "@@/" + node.name;
    case What::versions:
      return base + "@@/versions";
    case What::at:
      return base + "@@/at";
    case What::past:
    case What::past_link:
      return base + "@@/at/" + std::to_string(node.at);
    case What::deleted:
      return base + "@@/deleted";
    case What::drafts:
      return "/@@/drafts";
    case What::disk_folder:
    case What::disk_file:
    case What::bundles:
    case What::bundle:
    case What::log_report:
    case What::find:
    case What::answer:
      return "/@@/" + node.name;
    case What::proof:
      return base + "@@/versions/" + node.name;
  }
  return base;
}

bool VirtualTree::is_folder(Id artifact) const {
  return !monitor_
              .report(Requester::self(),
                      [&](const auto& see) -> std::string {
                        const auto inode = see.catalog.inode(artifact);
                        return inode && inode->kind == store::Kind::folder ? "y" : "";
                      })
              .empty();
}

VirtualEntry VirtualTree::enter(const Requester& who, const std::string& name, Virtual path) {
  VirtualEntry entry;
  entry.name = name;
  auto key = key_of(path);
  entry.node = nodes_.remember(std::make_shared<const Virtual>(std::move(path)), key);
  entry.attr = stat(who, *entry.node);
  return entry;
}

VirtualEntry VirtualTree::governance(Id artifact) {
  return enter(Requester::self(), "@@", {What::governance, artifact, 0, "", {}});
}

Result<VirtualEntry> VirtualTree::alias(const Requester& who, const std::string& name, Id artifact,
                                        std::uint64_t version) {
  const auto ref = monitor_.version_node(who, artifact, version);
  if (!ref) return Errno{ref.error()};
  VirtualEntry entry;
  entry.name = name;
  entry.node = nodes_.remember(*ref, policy::Depth::ranges);
  const auto inode = monitor_.attributes(*ref);
  if (!inode) return Errno{inode.error()};
  entry.attr = stat_of(*inode);
  return entry;
}

std::vector<std::string> VirtualTree::children(const Virtual& folder) const {
  std::vector<std::string> names;
  const bool dir = is_folder(folder.artifact), root = folder.artifact == store::kRoot;
  for (const auto& file : text_files())
    if (root ? file.for_root : dir ? file.for_folders : file.for_files) names.emplace_back(file.name);
  if (dir) names.insert(names.end(), {"at", "deleted"});
  if (!dir) names.emplace_back("versions");
  if (root) names.insert(names.end(), {"audit", "drafts"});
  return names;
}

Result<VirtualEntry> VirtualTree::lookup(const Requester& who, const Virtual& folder, const std::string& name) {
  switch (folder.what) {
    case What::governance: {
      const auto names = children(folder);
      if (std::find(names.begin(), names.end(), name) == names.end()) return Errno{ENOENT};
      Virtual path{What::text, folder.artifact, 0, name, {}};
      if (name == "versions") path.what = What::versions;
      if (name == "at") path.what = What::at;
      if (name == "deleted") path.what = What::deleted;
      if (name == "drafts") path.what = What::drafts;
      if (name == "audit") path.what = What::disk_folder, path.disk = monitor_.folder() / "audit";
      return enter(who, name, std::move(path));
    }
    case What::versions: {
      if (const auto version = number(name)) return alias(who, name, folder.artifact, *version);
      const auto proven = name.ends_with(".proof") ? number(name.substr(0, name.size() - 6)) : std::nullopt;
      if (!proven || !monitor_.version_node(who, folder.artifact, *proven)) return Errno{ENOENT};
      return enter(who, name, {What::proof, folder.artifact, *proven, name, {}});
    }
    case What::bundles: {
      const auto path = folder.name.substr(kAuditFolder.size()) + "/" + name;
      const auto there = find_bundle(monitor_, path);
      if (!there) return Errno{ENOENT};
      return enter(who, name, {*there ? What::bundles : What::bundle, store::kRoot, 0, folder.name + "/" + name, {}});
    }
    case What::find:
      return enter(who, name, {What::answer, store::kRoot, 0, std::string(kFind) + name, {}});
    case What::at: {
      const auto when = moment(name);
      if (!when) return Errno{ENOENT};
      return enter(who, name, {What::past, folder.artifact, *when, name, {}});
    }
    case What::past:
      return in_past(who, folder, name);
    case What::deleted: {
      if (const auto way = walk_into(who, folder, name); !way) return Errno{way.error()};
      const auto id = deleted(folder, name);
      if (!id) return Errno{id.error()};
      std::uint64_t version = 0;
      (void)monitor_.report(who,
                            [&](const auto& see) { return version = see.catalog.inode(*id)->version, std::string(); });
      return alias(who, name, *id, version);
    }
    case What::drafts:
    case What::disk_folder:
      return on_disk(who, folder, name);
    case What::text:
    case What::past_link:
    case What::disk_file:
    case What::bundle:
    case What::proof:
    case What::log_report:
    case What::answer:
      break;
  }
  return Errno{ENOTDIR};
}

/// A time (2026-11-23T10:04:05Z), a record's number, or a git commit (40 hex digits).
std::optional<store::Sequence> VirtualTree::moment(const std::string& when) const {
  std::optional<store::Sequence> sequence = number(when);
  if (sequence) return sequence;
  (void)monitor_.report(Requester::self(), [&](const auto& see) {
    if (when.size() == 40) {
      sequence = see.catalog.published_by(when);
    } else {
      std::tm tm{};
      const char* end = ::strptime(when.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
      if (end != nullptr && (std::string(end) == "Z" || *end == '\0'))
        sequence = see.catalog.sequence_at((::timegm(&tm) + 1) * 1'000'000'000LL - 1);
    }
    return std::string();
  });
  return sequence;
}

/// Names of the past are looked up by whom the folder of now lets in.
store::Status VirtualTree::walk_into(const Requester& who, const Virtual& folder, const std::string& name) {
  if (const auto way = monitor_.reach(who, folder.artifact, virtual_path(monitor_, folder) + "/" + name); !way)
    return way;
  return monitor_.enter(who, folder.artifact, name);
}

Result<VirtualEntry> VirtualTree::in_past(const Requester& who, const Virtual& folder, const std::string& name) {
  if (const auto way = walk_into(who, folder, name); !way) return Errno{way.error()};
  std::optional<store::Inode> inode;
  std::optional<store::Version> version;
  (void)monitor_.report(who, [&](const auto& see) {
    if (const auto id = see.catalog.child_at(folder.artifact, name, folder.at)) {
      inode = see.catalog.inode(*id);
      version = see.catalog.version_at(*id, folder.at);
    }
    return std::string();
  });
  if (!inode) return Errno{ENOENT};
  const auto path = virtual_path(monitor_, folder) + "/" + name;  // where it stood; now it may stand elsewhere
  if (const auto way = monitor_.reach(who, inode->id, path); !way) return Errno{way.error()};
  if (inode->kind == store::Kind::folder) return enter(who, name, {What::past, inode->id, folder.at, name, {}});
  if (inode->kind == store::Kind::symlink) return enter(who, name, {What::past_link, inode->id, folder.at, name, {}});
  if (inode->kind != store::Kind::file || !version) return Errno{ENOENT};
  return alias(who, name, inode->id, version->ref.version);
}

Result<VirtualEntry> VirtualTree::on_disk(const Requester& who, const Virtual& folder, const std::string& name) {
  const bool drafts = folder.what == What::drafts;
  if (name.empty() || name[0] == '.' || (drafts && !number(name)) || name.ends_with(store::kPacked))
    return Errno{ENOENT};
  if (const auto path = folder.name + "/" + name; path == std::string(kAuditFolder) + std::string(store::kBundles))
    return enter(who, name, {What::bundles, store::kRoot, 0, path, {}});
  if (folder.name == "audit" && name == "find")
    return enter(who, name, {What::find, store::kRoot, 0, "audit/find", {}});
  if (folder.name == "audit" && (name == kMine || is_day_file(monitor_, name)))
    return enter(who, name, {What::log_report, store::kRoot, 0, "audit/" + name, {}});
  const auto disk = drafts ? monitor_.folder() / "drafts" / (name + ".kept") : folder.disk / name;
  std::error_code error;
  auto status = std::filesystem::symlink_status(disk, error);
  if (!std::filesystem::exists(status) && disk.extension() == ".jsonl")
    status = std::filesystem::symlink_status(disk.string() + std::string(store::kPacked), error);
  Virtual path{What::disk_file, store::kRoot, 0, folder.name + "/" + name, disk};
  if (std::filesystem::is_directory(status))
    path.what = What::disk_folder;
  else if (!std::filesystem::is_regular_file(status)) {
    const auto tile = drafts || !path.name.starts_with(kAuditFolder)
                          ? std::nullopt
                          : find_past_tile(monitor_, path.name.substr(kAuditFolder.size()));
    if (!tile) return Errno{ENOENT};
    path.what = *tile ? What::bundles : What::bundle;
  }
  return enter(who, name, std::move(path));
}

Result<Id> VirtualTree::deleted(const Virtual& folder, const std::string& name) {
  Id found = 0;
  (void)monitor_.report(Requester::self(), [&](const auto& see) {
    for (const auto& entry : see.catalog.deleted(folder.artifact))
      if (entry.name == name) found = entry.id;  // the newest deletion of the name is last
    return std::string();
  });
  if (found == 0) return Errno{ENOENT};
  return found;
}

store::Status VirtualTree::may_list(const Requester& who, const Virtual& folder) {
  const bool of_log = folder.what == What::disk_folder || folder.what == What::bundles || folder.what == What::find;
  const auto right = of_log || folder.what == What::drafts ? policy::Right::audit
                     : is_folder(folder.artifact)          ? policy::Right::list
                                                           : policy::Right::read;
  return monitor_.open_report(who, folder.artifact, right, virtual_path(monitor_, folder));
}

Result<std::vector<VirtualEntry>> VirtualTree::list(const Requester& who, const Virtual& folder) {
  if (const auto allowed = may_list(who, folder); !allowed) return Errno{allowed.error()};
  std::vector<VirtualEntry> entries;
  const auto add = [&](const std::string& name, mode_t type) {
    VirtualEntry entry;
    entry.name = name;
    entry.attr.st_mode = type;
    entry.attr.st_ino = 0xff000000 + entries.size();  // who sorts by it (cp) keeps our order
    entries.push_back(std::move(entry));
  };
  if (folder.what == What::governance)
    for (const auto& name : children(folder)) add(name, text_file(name) != nullptr ? S_IFREG : S_IFDIR);
  if (folder.what == What::drafts || folder.what == What::disk_folder)
    for (const auto& entry : disk_entries(monitor_, folder)) add(entry.name, entry.folder ? S_IFDIR : S_IFREG);
  if (folder.what == What::disk_folder && folder.name == "audit")
    for (const auto& name : log_reports(monitor_)) add(name, S_IFREG);
  if (folder.what == What::disk_folder && folder.name == "audit/tile") add("entries", S_IFDIR);
  if (folder.what == What::bundles)
    for (const auto& item : list_bundles(monitor_, folder.name.substr(kAuditFolder.size())))
      add(item.name, item.folder ? S_IFDIR : S_IFREG);
  (void)monitor_.report(who, [&](const auto& see) {
    if (folder.what == What::versions)
      for (const auto& version : see.catalog.versions(folder.artifact))
        add(std::to_string(version.ref.version), S_IFREG);
    if (folder.what == What::deleted)
      for (const auto& entry : see.catalog.deleted(folder.artifact)) add(entry.name, S_IFREG);
    if (folder.what == What::past)
      for (const auto& entry : see.catalog.list_at(folder.artifact, folder.at)) {
        if (entry.kind == store::Kind::file && !see.catalog.version_at(entry.id, folder.at)) continue;
        if (entry.kind == store::Kind::file || entry.kind == store::Kind::folder || entry.kind == store::Kind::symlink)
          add(entry.name, entry.kind == store::Kind::folder    ? S_IFDIR
                          : entry.kind == store::Kind::symlink ? S_IFLNK
                                                               : S_IFREG);
      }
    return std::string();
  });
  return entries;
}

struct stat VirtualTree::stat(const Requester& who, const Node& node) {
  struct stat attr {};
  const Virtual& path = *node.virtual_path;
  attr.st_ino = node.id;
  attr.st_nlink = is_directory(path.what) ? 2 : 1;
  attr.st_mode = is_directory(path.what) ? S_IFDIR | 0555 : S_IFREG | 0444;
  attr.st_blksize = 4096;
  ::clock_gettime(CLOCK_REALTIME, &attr.st_mtim);
  attr.st_atim = attr.st_ctim = attr.st_mtim;
  if (path.what == What::past_link) attr.st_mode = S_IFLNK | 0777;
  const bool of_log = path.what == What::bundle || path.what == What::disk_file;
  if (of_log && monitor_.may_open_report(who, store::kRoot, policy::Right::audit))
    attr.st_size = static_cast<off_t>(path.what == What::disk_file
                                          ? disk_size(path.disk)
                                          : bundle_text(monitor_, path.name.substr(kAuditFolder.size())).size());
  if (path.what == What::text) {
    if (text_file(path.name)->writable) attr.st_mode = S_IFREG | 0666;
    const auto& file = *text_file(path.name);
    // A scan of the log is too slow for a stat, and a size tells of what it measures.
    if (path.name != "audit.jsonl" && (file.open_to_all || monitor_.may_open_report(who, path.artifact, file.right)))
      attr.st_size = static_cast<off_t>(render(monitor_, who, path).size());
  }
  return attr;
}

Result<std::string> VirtualTree::target(const Virtual& link) {
  if (link.what != What::past_link) return Errno{EINVAL};
  return monitor_.report(Requester::self(), [&](const auto& see) { return see.catalog.inode(link.artifact)->target; });
}

Result<std::unique_ptr<VirtualFile>> VirtualTree::open(const Requester& who, const Virtual& file, int flags) {
  if (file.what == What::text) return open_text(monitor_, who, file, flags);
  if (is_directory(file.what) || file.what == What::past_link) return Errno{EISDIR};
  const auto path = virtual_path(monitor_, file);
  if ((flags & O_ACCMODE) != O_RDONLY)
    return monitor_.deny(who, "open", file.artifact, path, EROFS, "it is only written by ward");
  if (file.what == What::proof) return open_proof(monitor_, who, file);
  if (file.what == What::bundle) return open_bundle(monitor_, who, file);
  if (file.what == What::log_report && file.name.ends_with(kMine)) {
    if (const auto allowed = monitor_.open_own_records(who, path); !allowed) return Errno{allowed.error()};
    return open_mine(monitor_, who);
  }
  if (file.what == What::log_report || file.what == What::answer) {
    if (const auto allowed = monitor_.open_report(who, store::kRoot, policy::Right::audit, path); !allowed)
      return Errno{allowed.error()};
    if (file.what == What::answer) return open_answer(monitor_, who, file, path);
    return open_day(monitor_, file.name.substr(kAuditFolder.size()));
  }
  const auto allowed = file.name.starts_with("drafts/")
                           ? monitor_.open_kept(who, std::stoull(file.disk.stem().string()), path)
                           : monitor_.open_report(who, store::kRoot, policy::Right::audit, path);
  if (!allowed) return Errno{allowed.error()};
  if (file.name == "audit/checkpoint") sign_now(monitor_);
  return open_disk(file.disk);
}

}  // namespace ward::fs
