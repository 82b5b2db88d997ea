// SPDX-License-Identifier: Apache-2.0
// What goes into the reference monitor's operations and comes out of them: nodes, views, changes of attributes.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "policy/policy.h"
#include "store/catalog.h"
#include "store/draft.h"
#include "store/handle.h"

namespace ward::store {

/// What a file's node stands for. A draft's node never becomes a version's (facts/version-inodes, rule 1: an open
/// reader's bytes would change).
enum class Face {
  plain,    // no content of its own: folders, symlinks, FIFOs, devices
  version,  // immutable bytes of one commit
  draft,    // a session's working content
  live,     // plainly POSIX: scratch files and policy visibility = "write"
};

/// What a name shows to one caller.
struct View {
  Inode inode;  // size, mtime, version and sha256 as this caller sees them
  Face face = Face::plain;
  std::shared_ptr<Draft> draft;  // Face::draft
  policy::Depth depth = policy::Depth::ranges;
  bool cacheable = true;  // whether the kernel may keep the name
};

struct Opened {
  View view;
  std::shared_ptr<Handle> handle;
};

/// A node as the driver knows it, on the way into an operation.
struct NodeRef {
  Id artifact = 0;
  Id number = 0;  // the file's inode number: it stays with who has the file open, whatever becomes of its name
  Face face = Face::plain;
  Sequence commit = 0;                          // Face::version
  std::uint64_t version = 0;                    // Face::version
  Sha256 sha256;                                // Face::version
  std::uint64_t size = 0;                       // Face::version
  std::shared_ptr<Draft> draft;                 // Face::draft
  policy::Depth depth = policy::Depth::ranges;  // how its node is served, for as long as the node lives
  bool recent = false;                          // LOOKUP gave it out just now
  bool pinned = false;                          // an alias such as @@/versions/N: always this version
};

/// A refusal, as @@/why tells it to the one who was refused.
struct Why {
  Nanos time = 0;
  Sequence sequence = 0;
  std::string text;
};

/// Inode number of a version that is shown beside its file: the same wherever it is shown, and never a file's.
constexpr Id number_of_version(Sequence commit) {
  return 1ULL << 61 | commit;
}

/// A folder can't be made or moved where its path would be longer: four times what one system call takes.
inline constexpr std::size_t kPathMost = 16384;
/// How long a thread's walk that ESTALE started counts as under way. Long, for a busy machine: the thread does nothing
/// else meanwhile.
inline constexpr Nanos kWalk = 10'000'000'000;
/// How long a draft without handles waits for such a walk; one that comes later makes a new draft.
inline constexpr Nanos kPin = 1'000'000'000;

}  // namespace ward::store
