// SPDX-License-Identifier: Apache-2.0
// What the driver keeps for an open file or folder, from OPEN to RELEASE; fuse_file_info::fh points to it.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>

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

}  // namespace ward::fs
