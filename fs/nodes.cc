// SPDX-License-Identifier: Apache-2.0
#include "fs/nodes.h"

#include <algorithm>

namespace ward::fs {
namespace {

constexpr store::Nanos kRecent = 10'000'000'000;  // the longest that a busy machine takes from a look-up to its open

std::string key_of(const store::NodeRef& ref, policy::Depth depth) {
  std::string key = std::to_string(ref.number);
  switch (ref.face) {
    case store::Face::plain:
      return key;
    case store::Face::live:
      return key + 'l';
    case store::Face::draft:
      return key + 'd' + std::to_string(reinterpret_cast<std::uintptr_t>(ref.draft.get()));
    case store::Face::version:
      break;
  }
  return key + (ref.pinned ? 'p' : 'v') + std::to_string(ref.commit) + '.' + std::to_string(static_cast<int>(depth));
}

}  // namespace

Nodes::Nodes() {
  auto root = std::make_shared<Node>();
  root->id = root->ref.artifact = root->ref.number = store::kRoot;
  root->kind = store::Kind::folder;
  root->key = key_of(root->ref, root->depth);
  root->lookups = 1;
  by_key_[root->key] = root->id;
  by_number_.emplace(store::kRoot, root->id);
  nodes_[root->id] = std::move(root);
}

std::shared_ptr<Node> Nodes::find_or_add(const std::string& key, std::uint64_t fixed_id,
                                         const std::function<void(Node&)>& fill) {
  const std::scoped_lock lock(mutex_);
  auto& id = by_key_[key];
  if (id == 0) {
    id = fixed_id != 0 ? fixed_id : next_++;
    auto node = std::make_shared<Node>();
    node->id = id;
    node->key = key;
    fill(*node);
    by_number_.emplace(node->ref.number, id);
    nodes_[id] = std::move(node);
  }
  auto node = nodes_.at(id);
  ++node->lookups;
  node->last_lookup = store::now();
  return node;
}

std::shared_ptr<Node> Nodes::remember(const store::View& view) {
  store::NodeRef ref;
  ref.artifact = view.inode.id;
  ref.number = view.inode.number;
  ref.face = view.face;
  if (view.face == store::Face::draft) ref.draft = view.draft;
  if (view.face == store::Face::version) {
    ref.commit = view.inode.commit, ref.version = view.inode.version;
    ref.sha256 = view.inode.sha256, ref.size = view.inode.size;
  }
  return find_or_add(key_of(ref, view.depth), view.face == store::Face::plain ? ref.artifact : 0, [&](Node& node) {
    node.ref = ref;
    node.kind = view.inode.kind;
    node.depth = view.depth;
  });
}

std::shared_ptr<Node> Nodes::remember(const store::NodeRef& pinned, policy::Depth depth) {
  return find_or_add(key_of(pinned, depth), 0, [&](Node& node) {
    node.ref = pinned;
    node.depth = depth;
  });
}

std::shared_ptr<Node> Nodes::remember(std::shared_ptr<const Virtual> virtual_path, const std::string& key) {
  return find_or_add("@" + key, 0, [&](Node& node) {
    node.ref.number = node.id;
    node.virtual_path = std::move(virtual_path);
  });
}

std::shared_ptr<Node> Nodes::get(std::uint64_t id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : found->second;
}

store::NodeRef Nodes::ref(const Node& node) const {
  auto ref = node.ref;
  ref.depth = node.depth;
  const std::scoped_lock lock(mutex_);
  ref.recent = store::now() - node.last_lookup < kRecent;
  return ref;
}

bool Nodes::forget(std::uint64_t id, std::uint64_t count) {
  const std::scoped_lock lock(mutex_);
  const auto found = nodes_.find(id);
  if (found == nodes_.end() || id == store::kRoot) return false;
  Node& node = *found->second;
  node.lookups -= std::min(count, node.lookups);
  if (node.lookups > 0) return false;
  const auto number = node.ref.number;
  by_key_.erase(node.key);
  const auto [begin, end] = by_number_.equal_range(number);
  by_number_.erase(std::find_if(begin, end, [id](const auto& entry) { return entry.second == id; }));
  nodes_.erase(found);
  return !by_number_.contains(number);
}

bool Nodes::known(store::Id number) const {
  const std::scoped_lock lock(mutex_);
  return by_number_.contains(number);
}

std::vector<std::uint64_t> Nodes::cached(store::Id number) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> ids;
  const auto [begin, end] = by_number_.equal_range(number);
  for (auto it = begin; it != end; ++it) {
    const auto face = nodes_.at(it->second)->ref.face;
    if (face == store::Face::plain || face == store::Face::version) ids.push_back(it->second);
  }
  return ids;
}

}  // namespace ward::fs
