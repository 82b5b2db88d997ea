// SPDX-License-Identifier: Apache-2.0
// Which lines of a closed segment name an artifact, and which times they are from: STORE/index/<segment>.idx, so that
// questions about one artifact don't read the whole log. Never the truth: made from the log, made again when missing,
// and what it says is compared with the lines. FORMAT.md, "Index".
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "store/files.h"
#include "store/segments.h"

namespace ward::store {

/// The times that a segment's lines are from; the clock may have been set back in between.
struct TimeSpan {
  Nanos first = 0, last = 0;  // the earliest and the latest
};

class SegmentIndex {
 public:
  /// nullopt when there is none for just these bytes. Throws Error{io}.
  static std::optional<SegmentIndex> open(const std::filesystem::path& folder, const Segment& segment);
  /// Reads the segment and writes its index. Throws Error{io}, {no_space}, {corrupt}.
  static void write(const std::filesystem::path& folder, const Segment& segment);

  TimeSpan times() const { return times_; }
  /// Where the lines begin that name the artifact, ascending. Throws Error{io}; nullopt when the index is damaged.
  std::optional<std::vector<std::uint32_t>> lines_of(Id artifact) const;

 private:
  Fd fd_;
  std::filesystem::path path_;
  TimeSpan times_;
  std::uint32_t keys_ = 0, lines_ = 0;
};

/// Whether `"artifact":N` stands in the line.
bool names_artifact(std::string_view line, Id artifact);

/// Calls fn for each line of the segment that names the artifact, in order, with the index if there is a good one.
/// `from`: where a line begins; those before it are left out. Throws Error{io}, Error{corrupt}.
void lines_about(const std::filesystem::path& index, const Segment& segment, std::uint64_t from, Id artifact,
                 const std::function<void(std::string_view)>& fn);
/// Calls fn for each whole line of a segment from there on, in order.
void each_line(const Segment& segment, std::uint64_t from, const std::function<void(std::string_view)>& fn);
/// From the index, else from the lines.
TimeSpan times_of(const std::filesystem::path& index, const Segment& segment);

}  // namespace ward::store
