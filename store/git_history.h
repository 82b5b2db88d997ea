// SPDX-License-Identifier: Apache-2.0
// history.git: a bare repository whose blobs are Git LFS pointers to the store's objects, so that stock git and git-lfs
// can clone every artifact (FORMAT.md, "Git history"). Each publish adds commits to refs/heads/main. Not thread-safe.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "store/git_changes.h"
#include "store/git_message.h"

namespace ward::store {

class GitHistory {
 public:
  /// One commit to be: changes in order, and who made them.
  struct Revision {
    std::vector<TreeChange> changes;
    CommitInfo info;
  };
  struct Published {
    std::string tree, commit;         // 40 hex digits; the parent's when nothing changed: then no commit was made
    std::vector<std::string> errors;  // changes that were left out, and why; they never block the others
  };

  /// Makes `history.git` with its first commit, dated `time` (of the log's first record, so that a rebuilt history is
  /// the same); lfs/objects may exist already. Leaves a finished repository alone and finishes an interrupted one.
  static void create(const std::filesystem::path& path, Nanos time = 0);
  /// Opens it for the store's only writer. Throws Error{corrupt} when its head can't be read: delete its objects and
  /// refs, create and publish again.
  explicit GitHistory(const std::filesystem::path& path);
  ~GitHistory();
  GitHistory(GitHistory&&) noexcept;
  GitHistory& operator=(GitHistory&&) noexcept;

  /// Adds commits, stores them durably, then moves the ref once. Equal inputs give equal commit ids. Throws Error when
  /// the disk refuses: then nothing was published.
  std::vector<Published> publish(std::span<const Revision> revisions);
  /// 40 hex digits of the newest commit, and of the first one.
  std::string head() const;
  std::string start() const;
  /// Whether the commit is in the repository.
  bool has(const std::string& commit) const;
  /// Moves the ref to an older commit (a ref ahead of the log). Throws Error{corrupt} when it isn't there.
  void reset_to(const std::string& commit);
  /// At start: moves the ref back to the newest commit that `recorded` knows (the log may lack the last ones after a
  /// crash), or to the first one, and returns it. History then holds the records up to that commit's last_seq.
  std::string reset_to_recorded(const std::function<bool(const std::string& commit)>& recorded);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ward::store
