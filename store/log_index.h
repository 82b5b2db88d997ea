// SPDX-License-Identifier: Apache-2.0
// Where in a closed segment the lines with a term are, and which times they are from: STORE/index/<segment>.idx, so
// that questions don't read the whole log. Never the truth: made from the log, made again when missing, and what it
// says is compared with the lines. FORMAT.md, "Index".
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/files.h"
#include "store/log_terms.h"
#include "store/segments.h"

namespace ward::store {

inline constexpr std::size_t kIndexBlock = 64 << 10;  // as the frames of compressed segments

/// A term, and where its lines are in the table behind the keys.
struct IndexKey {
  Term term = 0;
  std::uint32_t start = 0, count = 0;
};
static_assert(sizeof(IndexKey) == 16);

class SegmentIndex {
 public:
  /// nullopt when there is none for just these bytes. Throws Error{io}.
  static std::optional<SegmentIndex> open(const std::filesystem::path& folder, const Segment& segment);
  /// Reads the segment and writes its index. Throws Error{io}, {no_space}, {corrupt}.
  static void write(const std::filesystem::path& folder, const Segment& segment);

  TimeSpan times() const { return times_; }
  /// Of an artifact, where the lines begin that name it; of another term, where the first line with it of each block of
  /// kIndexBlock bytes of text does. Ascending. Throws Error{io}; nullopt when the index is damaged.
  std::optional<std::vector<std::uint32_t>> lines_of(Term term) const;

 private:
  std::optional<IndexKey> find(Term term) const;  // nullopt when the index ends early; with no lines when it has none

  Fd fd_;
  std::filesystem::path path_;
  TimeSpan times_;
  std::uint32_t keys_ = 0, lines_ = 0;
};

/// Calls fn for lines of the segment in order: for all that the filter may match, and maybe for others; with the index
/// if there is a good one. `from`: where a line begins; those before it are left out. Throws Error{io}, Error{corrupt}.
void candidates(const std::filesystem::path& index, const Segment& segment, std::uint64_t from, const LogFilter& filter,
                const std::function<void(std::string_view)>& fn);
/// Calls fn for each whole line of a segment from there on, in order.
void each_line(const Segment& segment, std::uint64_t from, const std::function<void(std::string_view)>& fn);
/// The UTC days that the segment's lines are from, "2026-11-23", ascending: from the index, else from the lines.
std::set<std::string> days_of(const std::filesystem::path& index, const Segment& segment);
/// Whether that day is one of them.
bool has_day(const std::filesystem::path& index, const Segment& segment, const std::string& day);
/// From the index, else from the lines.
TimeSpan times_of(const std::filesystem::path& index, const Segment& segment);

}  // namespace ward::store
