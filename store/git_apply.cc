// SPDX-License-Identifier: Apache-2.0
// A name that history leaves out behaves as one that holds nothing: moving it away or onto something removes.
#include "store/git_apply.h"

#include <algorithm>

#include "store/error.h"
#include "store/git_names.h"

namespace ward::store {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}
GitMode file_mode(bool executable) {
  return executable ? GitMode::executable : GitMode::file;
}

struct Applier {
  GitTree& tree;
  const WriteBlob& write_blob;

  void operator()(const tree::PutFile& c) const {
    const auto path = git_path(c.path);
    if (!path || (c.only_if_absent && tree.has(*path))) return;
    tree.put(*path, {file_mode(c.executable), write_blob(lfs_pointer(c.sha256, c.size))});
  }

  void operator()(const tree::PutSymlink& c) const {
    const auto path = git_path(c.path);
    if (!path) return;
    if (c.target.empty() || c.target.find('\0') != std::string::npos)
      throw Error(Code::corrupt, "its target isn't one that a symlink can have");
    tree.put(*path, {GitMode::symlink, write_blob(c.target)});
  }

  void operator()(const tree::Copy& c) const {
    const auto from = git_path(c.from), to = git_path(c.to);
    if (!from || !to) return;
    if (const auto entry = tree.leaf(*from)) tree.put(*to, *entry);
  }

  void operator()(const tree::Remove& c) const {
    if (const auto path = git_path(c.path)) tree.remove(*path);
  }

  void operator()(const tree::Move& c) const {
    const auto from = git_path(c.from), to = git_path(c.to);
    if (from && to)
      tree.move(*from, *to);
    else if (const auto& gone = from ? from : to)
      tree.remove(*gone);
    if (to) settle(*to, c.to, c.scratch);
  }

  void operator()(const tree::Swap& c) const {
    const auto from = git_path(c.from), to = git_path(c.to);
    if (from && to)
      tree.swap(*from, *to);
    else if (const auto& gone = from ? from : to)
      tree.remove(*gone);
    if (to) settle(*to, c.to, c.scratch);
    if (from) settle(*from, c.from, false);
  }

  void operator()(const tree::SetExecutable& c) const {
    const auto path = git_path(c.path);
    const auto entry = path ? tree.leaf(*path) : std::nullopt;
    if (entry && entry->mode != GitMode::symlink) tree.put(*path, {file_mode(c.executable), entry->oid});
  }

  /// What has just moved to a name that history doesn't show it under leaves the tree.
  void settle(const std::string& at, const std::string& path, bool scratch) const {
    const auto leaf = tree.leaf(at);
    const bool file = leaf && leaf->mode != GitMode::symlink;
    const bool git_folder = !leaf && unpublishable(path + "/x");
    if ((file && scratch) || git_folder) tree.remove(at);
  }
};

}  // namespace

std::string lfs_pointer(const Sha256& sha256, std::uint64_t size) {
  if (size == 0) return "";
  if (sha256.size() != 64 || !std::all_of(sha256.begin(), sha256.end(), is_hex))
    throw Error(Code::corrupt, "'" + sha256 + "' is not a SHA-256");
  return "version https://git-lfs.github.com/spec/v1\noid sha256:" + sha256 + "\nsize " + std::to_string(size) + "\n";
}

void apply(GitTree& tree, const WriteBlob& write_blob, const TreeChange& change) {
  std::visit(Applier{tree, write_blob}, change);
}

const std::string& path_of(const TreeChange& change) {
  return std::visit(
      [](const auto& c) -> const std::string& {
        if constexpr (requires { c.path; })
          return c.path;
        else
          return c.from;
      },
      change);
}

}  // namespace ward::store
