// SPDX-License-Identifier: Apache-2.0
// The nodes the kernel knows. A folder's, symlink's or device's node id is its inode's id; a file has a node for each
// face it shows: one for each version, one for each draft, one if it is live. Virtual paths have nodes of their own.
// Ids are never used twice.
#pragma once
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/monitor.h"

namespace ward::fs {

struct Virtual;  // virtual_tree.h

struct Node {
  std::uint64_t id = 0;
  store::NodeRef ref;  // immutable but for `recent`, which get() fills in
  store::Kind kind = store::Kind::file;
  policy::Depth depth = policy::Depth::ranges;
  std::shared_ptr<const Virtual> virtual_path;  // null for real nodes

  // A kernel backing file shared by all passthrough opens of the node; guarded by `backing_mutex`.
  std::mutex backing_mutex;
  int backing_id = 0;
  unsigned backing_users = 0;

 private:
  friend class Nodes;
  std::string key;
  std::uint64_t lookups = 0;  // guarded by Nodes::mutex_
  store::Nanos last_lookup = 0;
};

/// Thread-safe; its mutex is a leaf.
class Nodes {
 public:
  Nodes();
  /// The node of a view, made if need be, with one more lookup to forget.
  std::shared_ptr<Node> remember(const store::View& view);
  /// The same for an alias that is always this version (@@/versions/N).
  std::shared_ptr<Node> remember(const store::NodeRef& pinned, policy::Depth depth);
  /// The same for a virtual path; `key` names it.
  std::shared_ptr<Node> remember(std::shared_ptr<const Virtual> virtual_path, const std::string& key);
  std::shared_ptr<Node> get(std::uint64_t id) const;  // null: the kernel never got it
  /// What the monitor needs to know of a node.
  store::NodeRef ref(const Node& node) const;
  /// Takes back lookups. True when the kernel knows no more node of that file.
  bool forget(std::uint64_t id, std::uint64_t count);
  bool known(store::Id number) const;
  /// Nodes of an inode whose names and attributes the kernel may keep.
  std::vector<std::uint64_t> cached(store::Id number) const;

 private:
  std::shared_ptr<Node> find_or_add(const std::string& key, std::uint64_t fixed_id,
                                    const std::function<void(Node&)>& fill);

  mutable std::mutex mutex_;
  std::uint64_t next_ = 1ULL << 62;  // above every inode id
  std::unordered_map<std::uint64_t, std::shared_ptr<Node>> nodes_;
  std::unordered_map<std::string, std::uint64_t> by_key_;
  std::unordered_multimap<store::Id, std::uint64_t> by_number_;
};

}  // namespace ward::fs
