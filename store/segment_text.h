// SPDX-License-Identifier: Apache-2.0
// The text of a segment, however it is stored: NNN.jsonl, or compressed in NNN.jsonl.zst once it is closed.
#pragma once
#include <filesystem>
#include <optional>
#include <string_view>

#include "store/seekable.h"

namespace ward::store {

inline constexpr std::string_view kPacked = ".zst";  // behind the name of a compressed segment

/// Not thread-safe.
class SegmentText {
 public:
  /// `file`: either name; when it isn't there (any more), the other. Throws Error{io}, Error{corrupt}.
  explicit SegmentText(const std::filesystem::path& file);
  std::uint64_t size() const;
  /// Size without what follows the last '\n'.
  std::uint64_t whole_lines();
  /// Less than `size` bytes only at the end. Throws Error{io}, Error{corrupt}.
  std::size_t read(void* into, std::size_t size, std::uint64_t offset);
  std::string read(std::size_t size, std::uint64_t offset);
  /// Of the file that was opened.
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Fd plain_;
  std::optional<SeekableFile> packed_;
};

/// "NNN.jsonl" of either name.
std::filesystem::path plain_name(const std::filesystem::path& file);

}  // namespace ward::store
