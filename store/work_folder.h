// SPDX-License-Identifier: Apache-2.0
// A folder inside the store for what nobody needs afterwards.
#pragma once
#include <filesystem>

#include "store/error.h"

namespace ward::store {

class WorkFolder {
 public:
  /// Made anew: what a killed process left there goes. Throws Error{io}.
  explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::remove_all(path_);
    if (!std::filesystem::create_directory(path_)) throw Error(Code::io, "make " + path_.string());
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
};

}  // namespace ward::store
