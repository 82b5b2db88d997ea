// SPDX-License-Identifier: Apache-2.0
// Git sorts a tree's entries as if the names of folders ended in '/'; a tree object is "<octal mode> <name>\0<20
// bytes>" for each. Every change first reads what it needs and then edits, so one that throws has changed nothing.
#include "store/git_tree.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "store/error.h"

namespace ward::store {

struct GitTree::Node {
  GitEntry entry;
  std::unique_ptr<Folder> folder;  // when the entry is a folder that was read
};

struct GitTree::Folder {
  std::map<std::string, Node, std::less<>> nodes;
  bool changed = false;  // it or a folder below
};

/// Where a path leads: the folder it is in (null when there is none) and its last component.
struct GitTree::Spot {
  Folder* folder = nullptr;
  std::string_view name;
  Node* node() const {
    if (folder == nullptr) return nullptr;
    const auto found = folder->nodes.find(name);
    return found == folder->nodes.end() ? nullptr : &found->second;
  }
};

namespace {
[[noreturn]] void damaged() {
  throw Error(Code::corrupt, "read git tree: it is damaged");
}
}  // namespace

GitTree::GitTree(GitOid root, Read read, Write write)
    : read_(std::move(read)), write_(std::move(write)), root_oid_(root), root_(parse(root)) {}

GitTree::~GitTree() = default;

std::unique_ptr<GitTree::Folder> GitTree::parse(const GitOid& oid) {
  auto folder = std::make_unique<Folder>();
  const std::string bytes = read_(oid);
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto space = rest.find(' '), end = rest.find('\0');
    if (end == std::string_view::npos || space > end || rest.size() - end <= GitOid{}.size()) damaged();
    std::uint32_t mode = 0;
    if (std::from_chars(rest.data(), rest.data() + space, mode, 8).ec != std::errc()) damaged();
    Node node;
    node.entry.mode = static_cast<GitMode>(mode);
    std::memcpy(node.entry.oid.data(), rest.data() + end + 1, node.entry.oid.size());
    folder->nodes.emplace_hint(folder->nodes.end(), rest.substr(space + 1, end - space - 1), std::move(node));
    rest.remove_prefix(end + 1 + GitOid{}.size());
  }
  loaded_ += folder->nodes.size();
  return folder;
}

/// The folder behind a node, or nullptr when it is a leaf.
GitTree::Folder* GitTree::opened(Node& node) {
  if (node.entry.mode != GitMode::folder) return nullptr;
  if (!node.folder) node.folder = parse(node.entry.oid);
  return node.folder.get();
}

/// make: creates the folders on the way, in place of leaves. They are marked as changed, so that write() stores them.
GitTree::Spot GitTree::spot(std::string_view path, bool make) {
  Folder* folder = root_.get();
  for (;;) {
    if (make) folder->changed = true;
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return {folder, path};
    const auto name = path.substr(0, slash);
    auto found = folder->nodes.find(name);
    if (found == folder->nodes.end()) {
      if (!make) return {nullptr, path};
      found = folder->nodes.emplace(name, Node{}).first;
      ++loaded_;
    }
    Folder* next = opened(found->second);
    if (next == nullptr) {
      if (!make) return {nullptr, path};
      found->second.entry = {GitMode::folder, {}};
      found->second.folder = std::make_unique<Folder>();
      next = found->second.folder.get();
    }
    folder = next;
    path.remove_prefix(slash + 1);
  }
}

std::optional<GitEntry> GitTree::leaf(std::string_view path) {
  const auto* node = spot(path, false).node();
  if (node == nullptr || node->entry.mode == GitMode::folder) return std::nullopt;
  return node->entry;
}

bool GitTree::has(std::string_view path) {
  return spot(path, false).node() != nullptr;
}

void GitTree::take(std::string_view path, std::unique_ptr<Node>& out) {
  if (!has(path)) return;
  const auto at = spot(path, true);  // marks the way as changed
  out = std::make_unique<Node>(std::move(*at.node()));
  at.folder->nodes.erase(std::string(at.name));
}

void GitTree::place(std::string_view path, std::unique_ptr<Node> node) {
  const auto at = spot(path, true);
  at.folder->nodes.insert_or_assign(std::string(at.name), std::move(*node));
  ++loaded_;
}

void GitTree::put(std::string_view path, GitEntry entry) {
  place(path, std::make_unique<Node>(Node{entry, nullptr}));
}

void GitTree::remove(std::string_view path) {
  std::unique_ptr<Node> gone;
  take(path, gone);
}

void GitTree::move(std::string_view from, std::string_view to) {
  has(to);  // reads both ways before the first edit
  std::unique_ptr<Node> node;
  take(from, node);
  if (node)
    place(to, std::move(node));
  else
    remove(to);
}

void GitTree::swap(std::string_view a, std::string_view b) {
  has(b);
  std::unique_ptr<Node> was_a, was_b;
  take(a, was_a);
  take(b, was_b);
  if (was_a) place(b, std::move(was_a));
  if (was_b) place(a, std::move(was_b));
}

GitOid GitTree::write() {
  if (!root_->changed) return root_oid_;
  const auto oid = store(*root_);
  root_oid_ = oid ? *oid : write_("");
  return root_oid_;
}

std::optional<GitOid> GitTree::store(Folder& folder) {
  std::vector<std::pair<std::string, const GitEntry*>> order;
  order.reserve(folder.nodes.size());
  for (auto at = folder.nodes.begin(); at != folder.nodes.end();) {
    Node& node = at->second;
    if (node.folder && node.folder->changed) {
      const auto oid = store(*node.folder);
      if (!oid) {
        at = folder.nodes.erase(at);
        continue;
      }
      node.entry.oid = *oid;
    }
    order.emplace_back(at->first + (node.entry.mode == GitMode::folder ? "/" : ""), &node.entry);
    ++at;
  }
  folder.changed = false;
  if (order.empty()) return std::nullopt;
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string bytes;
  for (const auto& [name, entry] : order) {
    const bool is_folder = entry->mode == GitMode::folder;
    bytes += is_folder                         ? "40000 "
             : entry->mode == GitMode::file    ? "100644 "
             : entry->mode == GitMode::symlink ? "120000 "
                                               : "100755 ";
    bytes.append(name, 0, name.size() - (is_folder ? 1 : 0)) += '\0';
    bytes.append(reinterpret_cast<const char*>(entry->oid.data()), entry->oid.size());
  }
  return write_(bytes);
}

}  // namespace ward::store
