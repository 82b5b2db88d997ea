// SPDX-License-Identifier: Apache-2.0
// A git tree that is edited in memory: folders are read when a path needs them, and write() stores only those that
// changed, deepest first. Knows git's tree format but not where objects live. Paths are git's ("a/b", escaped).
// Not thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ward::store {

using GitOid = std::array<unsigned char, 20>;

enum class GitMode : std::uint32_t { file = 0100644, executable = 0100755, symlink = 0120000, folder = 0040000 };

struct GitEntry {
  GitMode mode = GitMode::file;
  GitOid oid{};
  bool operator==(const GitEntry&) const = default;
};

class GitTree {
 public:
  /// Bytes of a tree object. Throws Error when it is missing or damaged.
  using Read = std::function<std::string(const GitOid&)>;
  /// Stores the bytes of a tree object and gives its name.
  using Write = std::function<GitOid(std::string_view)>;

  /// Reads the root at once. Throws what `read` throws; so do all functions that take a path.
  GitTree(GitOid root, Read read, Write write);
  ~GitTree();
  GitTree(const GitTree&) = delete;
  GitTree& operator=(const GitTree&) = delete;

  /// The file or symlink at the path; nullopt for a folder and for nothing.
  std::optional<GitEntry> leaf(std::string_view path);
  bool has(std::string_view path);
  /// Makes the folders it needs and replaces whatever stands in the way. Only leaves are put.
  void put(std::string_view path, GitEntry entry);
  void remove(std::string_view path);
  /// Moves a leaf or a folder over whatever is at `to`; removes `to` when nothing is at `from`.
  void move(std::string_view from, std::string_view to);
  /// Either may be missing: then the other one moves.
  void swap(std::string_view a, std::string_view b);

  /// Stores the changed folders and gives the root's name; folders without entries disappear.
  GitOid write();
  /// Entries held in memory.
  std::size_t loaded() const { return loaded_; }

 private:
  struct Folder;
  struct Node;
  struct Spot;

  std::unique_ptr<Folder> parse(const GitOid& oid);
  Folder* opened(Node& node);
  Spot spot(std::string_view path, bool make);
  void take(std::string_view path, std::unique_ptr<Node>& out);
  void place(std::string_view path, std::unique_ptr<Node> node);
  /// nullopt: nothing is in it.
  std::optional<GitOid> store(Folder& folder);

  Read read_;
  Write write_;
  GitOid root_oid_;
  std::unique_ptr<Folder> root_;
  std::size_t loaded_ = 0;
};

}  // namespace ward::store
