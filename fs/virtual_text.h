// SPDX-License-Identifier: Apache-2.0
// The rendered files of the virtual tree: which there are, who may read them, what they say, what writing does.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "fs/virtual_tree.h"

namespace ward::fs {

struct TextFile {
  const char* name;
  bool for_files, for_folders, for_root;  // whose governance has it
  policy::Right right;                    // needed to read it
  bool open_to_all;                       // no right needed: why, policy.toml, status
  bool writable;
};

/// All of them, in the order that a listing shows.
const std::vector<TextFile>& text_files();
const TextFile* text_file(const std::string& name);

/// Content of the file for this reader.
std::string render(store::Monitor& monitor, const store::Requester& who, const Virtual& file);

/// Opens one, decided and recorded.
store::Result<std::unique_ptr<VirtualFile>> open_text(store::Monitor& monitor, const store::Requester& who,
                                                      const Virtual& file, int flags);

/// A virtual file of just this text.
std::unique_ptr<VirtualFile> open_string(std::string text);

/// Opens a file of the audit folder or of drafts/ read-only; only whole lines of .jsonl files are shown.
std::unique_ptr<VirtualFile> open_disk(const std::filesystem::path& file);
/// Its size, as shown.
std::uint64_t disk_size(const std::filesystem::path& file);

}  // namespace ward::fs
