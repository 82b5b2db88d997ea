// SPDX-License-Identifier: Apache-2.0
// Writes many small files durably at the price of about one journal commit instead of two per file.
#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/files.h"

namespace ward::store {

/// Files appear under their names at commit(), each whole or not at all; without commit() the temporary ones are
/// removed. Not thread-safe.
class DurableBatch {
 public:
  DurableBatch() = default;
  ~DurableBatch();
  DurableBatch(const DurableBatch&) = delete;
  DurableBatch& operator=(const DurableBatch&) = delete;
  /// Writes a temporary file beside `path`, making missing folders. Throws Error.
  void add(const std::filesystem::path& path, std::string_view bytes);
  /// Syncs the files, renames them, syncs all folders touched. Throws Error; some files may then be in place.
  void commit();

 private:
  struct File {
    Fd fd;  // only of the first few: a batch may have more files than a process may open
    std::filesystem::path temp, path;
  };
  std::vector<File> files_;
  std::set<std::filesystem::path> folders_;
};

}  // namespace ward::store
