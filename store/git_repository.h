// SPDX-License-Identifier: Apache-2.0
// The one door to libgit2: a bare repository's objects and refs. Objects are gathered in memory and stored by flush(),
// a few as loose files, many as one pack, durably. Not thread-safe; one writer per repository.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/git_tree.h"

namespace ward::store {

enum class GitType { commit, tree, blob };

class GitRepository {
 public:
  /// Makes a bare repository with HEAD -> refs/heads/main, or leaves the one that is there as it is.
  static void init(const std::filesystem::path& path);
  /// Opens it; removes the lock of a ref update that a crash interrupted. All functions throw Error{no_space}, {io},
  /// and {corrupt} for an object that is missing, damaged or of another type.
  explicit GitRepository(const std::filesystem::path& path);
  ~GitRepository();
  GitRepository(const GitRepository&) = delete;
  GitRepository& operator=(const GitRepository&) = delete;

  /// Bytes of an object, flushed or not.
  std::string read(GitType type, const GitOid& oid) const;
  bool has(const GitOid& oid) const;
  /// The object's name. It is in the repository after flush().
  GitOid add(GitType type, std::string_view bytes);
  /// Stores what was added, fsynced.
  void flush();
  /// Forgets what was added since the last flush.
  void discard();

  std::optional<GitOid> ref(const std::string& name) const;
  /// Makes or moves the ref, atomically and durably, whatever it was before.
  void set_ref(const std::string& name, const GitOid& oid);

  static std::string hex(const GitOid& oid);
  static GitOid from_hex(const std::string& hex40);  // throws Error{corrupt}

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ward::store
