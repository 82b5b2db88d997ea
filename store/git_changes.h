// SPDX-License-Identifier: Apache-2.0
// What a record of the audit log changes in git's tree. Git history is a projection of the log: these changes, applied
// in order to the initial tree, are the whole of it. Pure and thread-safe.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "store/record.h"

namespace ward::store {

/// Paths are those of the mount ("/models/m.bin", raw bytes), not escaped. The newest record is right: a change
/// replaces whatever stands in its way, and one about a name that isn't in the tree changes nothing.
namespace tree {
struct PutFile {  // a pointer to the object; the empty blob when size is 0
  std::string path;
  Sha256 sha256;
  std::uint64_t size = 0;
  bool executable = false;
  bool only_if_absent = false;
  bool operator==(const PutFile&) const = default;
};
struct PutSymlink {
  std::string path, target;
  bool operator==(const PutSymlink&) const = default;
};
struct Copy {  // of a file or symlink
  std::string from, to;
  bool operator==(const Copy&) const = default;
};
struct Remove {
  std::string path;
  bool operator==(const Remove&) const = default;
};
/// Replaces `to` even if `from` isn't in the tree: then something that history doesn't hold has that name now.
/// scratch: a file is unversioned under its new name and leaves the tree; folders and symlinks move.
struct Move {
  std::string from, to;
  bool scratch = false;
  bool operator==(const Move&) const = default;
};
struct Swap {
  std::string from, to;
  bool scratch = false;  // as Move: of what is at `to` afterwards
  bool operator==(const Swap&) const = default;
};
struct SetExecutable {  // of a file
  std::string path;
  bool executable = false;
  bool operator==(const SetExecutable&) const = default;
};
}  // namespace tree

using TreeChange = std::variant<tree::PutFile, tree::PutSymlink, tree::Copy, tree::Remove, tree::Move, tree::Swap,
                                tree::SetExecutable>;

/// The changes, in order; none for most records.
std::vector<TreeChange> changes_of(const Record& record);

}  // namespace ward::store
