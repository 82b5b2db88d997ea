// SPDX-License-Identifier: Apache-2.0
// Applies the changes of a record to a git tree: escapes paths, turns versions into Git LFS pointers. Pure but for the
// tree and the blob writer that it is given.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "store/git_changes.h"
#include "store/git_tree.h"

namespace ward::store {

/// The Git LFS pointer of an object; "" for an empty one. Throws Error{corrupt} unless sha256 is 64 lower-case hex
/// digits.
std::string lfs_pointer(const Sha256& sha256, std::uint64_t size);

using WriteBlob = std::function<GitOid(std::string_view)>;
/// Throws Error when the change can't be shown (then the tree is as before). Unpublishable paths are skipped silently.
void apply(GitTree& tree, const WriteBlob& write_blob, const TreeChange& change);

/// What the change is about, for messages.
const std::string& path_of(const TreeChange& change);

}  // namespace ward::store
