// SPDX-License-Identifier: Apache-2.0
// Names in git trees (FORMAT.md, "Names"). Git and git-lfs interpret some file names (`.gitattributes`,
// `.lfsconfig`) and refuse others (`.git` and what Windows and macOS take for it): those are escaped in every tree,
// reversibly. Raw bytes in and out. Pure and thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace ward::store {

/// The name that stands in a git tree for the file name `name` (one component, not empty).
std::string git_escape(std::string_view name);
/// The file name that a tree's name stands for: git_unescape(git_escape(n)) == n for every n.
std::string git_unescape(std::string_view tree_name);

/// Whether history leaves this path ("/a/b") out: it lies inside a folder named exactly `.git`, or its escaped form
/// could not be checked out (a name over 255 bytes, a path over 4,095), or it isn't a path of a mount.
bool unpublishable(std::string_view path);
/// The path in git's trees ("a/b", escaped), or nullopt when it is unpublishable.
std::optional<std::string> git_path(std::string_view path);

}  // namespace ward::store
