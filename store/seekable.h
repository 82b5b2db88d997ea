// SPDX-License-Identifier: Apache-2.0
// Text that is compressed and can still be read from anywhere: the Zstandard seekable format, frames of 64 KiB of text
// and behind them a table of their sizes in a frame that decompressors skip, so that `zstd -dc` gives the text back.
// The one door to libzstd. Source of the format: zstd's contrib/seekable_format, "Zstandard Seekable Format" 0.1.0.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/files.h"

namespace ward::store {

/// Writes the first `size` bytes of `from` to a new file, durably. Throws Error{io}, {no_space}.
void compress_seekable(const std::filesystem::path& from, std::uint64_t size, const std::filesystem::path& to);

/// Not thread-safe: it keeps the frame that was read last.
class SeekableFile {
 public:
  /// Throws Error{io}, Error{corrupt} for what isn't such a file.
  SeekableFile(Fd fd, std::filesystem::path path);
  std::uint64_t size() const { return ends_.back().text; }
  /// Less than `size` bytes only at the end of the text. Throws Error{io}, Error{corrupt} for a damaged frame.
  std::size_t read(void* into, std::size_t size, std::uint64_t offset);

 private:
  struct End {  // of a frame; the first stands before all frames
    std::uint64_t file = 0, text = 0;
  };
  void load(std::size_t frame);
  [[noreturn]] void damaged(const std::string& what) const;

  Fd fd_;
  std::filesystem::path path_;
  std::vector<End> ends_{{}};
  std::size_t loaded_ = 0;  // frame that text_ holds; 0 = none
  std::string text_;
};

}  // namespace ward::store
