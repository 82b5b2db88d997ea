// SPDX-License-Identifier: Apache-2.0
// One segment of the log, open for appending, with room on the disk taken in advance.
#pragma once
#include <filesystem>
#include <string_view>

#include "store/files.h"
#include "store/types.h"

namespace ward::store {

/// Who may use the reserve of a full disk: what must be recorded even then (denials, closes, unmount, purge, …).
enum class Space { ordinary, reserved };

/// How the log lies on the disk. Other numbers than these are for tests.
struct SegmentOptions {
  std::uint64_t records = 65'536;         // per segment
  std::uint64_t step_bytes = 4 << 20;     // taken at once
  std::uint64_t reserve_bytes = 1 << 20;  // left to Space::reserved
};

/// Not thread-safe, but for sync(), which may run beside everything.
class SegmentFile {
 public:
  /// Opens or creates; the first `size` bytes are whole lines. Throws Error.
  SegmentFile(std::filesystem::path path, Sequence first, std::uint64_t size, const SegmentOptions& options);
  Sequence first() const { return first_; }
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Makes sure that `more` bytes fit, with the reserve still untouched after them if `space` is ordinary. Throws
  /// Error{no_space} when an ordinary record would eat into the reserve, Error{no_reserve} when the reserve itself is
  /// spent.
  void make_room(std::uint64_t more, Space space);
  /// One write at the end. After Error the file may be longer than size(): truncate_to(size()) then.
  void append(std::string_view bytes);
  void truncate_to(std::uint64_t size);  // throws Error
  /// Gives back what was taken in advance. A failure is of no consequence and ignored.
  void release();
  void sync() const;  // fdatasync; throws Error

 private:
  bool take(std::uint64_t bytes);

  std::filesystem::path path_;
  Fd fd_;
  Sequence first_;
  std::uint64_t size_;
  std::uint64_t taken_;  // bytes of the file that have their place on the disk
  std::uint64_t step_, reserve_;
};

}  // namespace ward::store
