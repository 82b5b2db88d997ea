// SPDX-License-Identifier: Apache-2.0
// What the driver keeps for an open file or folder, from OPEN to RELEASE; fuse_file_info::fh points to it.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "fs/nodes.h"
#include "fs/virtual_tree.h"
#include "store/handle.h"

namespace ward::fs {

struct OpenFile {
  std::shared_ptr<Node> node;
  std::shared_ptr<store::Handle> handle;  // of real files and folders
  bool passthrough = false;
  std::unique_ptr<VirtualFile> virtual_file;  // of virtual files
  std::vector<VirtualEntry> entries;          // of virtual folders

  static OpenFile& of(const fuse_file_info* info) { return *reinterpret_cast<OpenFile*>(info->fh); }
};

/// Owns them between OPEN and RELEASE; the kernel doesn't release what is open when a mount ends. Thread-safe.
class OpenFiles {
 public:
  /// What goes into fuse_file_info::fh.
  std::uint64_t keep(std::unique_ptr<OpenFile> file) {
    const auto fh = reinterpret_cast<std::uint64_t>(file.get());
    const std::scoped_lock lock(mutex_);
    files_.emplace(fh, std::move(file));
    return fh;
  }
  std::unique_ptr<OpenFile> take(std::uint64_t fh) {
    const std::scoped_lock lock(mutex_);
    return std::move(files_.extract(fh).mapped());
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<OpenFile>> files_;
};

}  // namespace ward::fs
