// SPDX-License-Identifier: Apache-2.0
// Reading the log: lines in files named by their first sequence, closed ones compressed. Safe beside an appender and a
// compressor: only whole lines count.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/types.h"

namespace ward::store {

struct Segment {
  Sequence first = 0;
  std::filesystem::path file;  // its text: segment_text.h
  std::uint64_t bytes = 0;     // of whole lines, as text; of a compressed one that is damaged, of the file
};

/// "00000000000000065536.jsonl"
std::string segment_name(Sequence first);
/// The first record's number, by the name of a segment's file, compressed or not; nullopt of any other file.
std::optional<Sequence> first_of(const std::filesystem::path& file);
/// The segments that hold lines, in order. Files prepared for later records are empty and left out. Throws Error{io}.
std::vector<Segment> segments(const std::filesystem::path& audit);

/// The files of all segments that aren't compressed, those without lines too, in order. Throws Error{io}.
std::vector<std::filesystem::path> segment_files(const std::filesystem::path& audit);

/// event.sequence of a line, found by its place: nullopt when the line doesn't start as every record does.
std::optional<Sequence> sequence_of(std::string_view line);

/// @timestamp of a line, by its place.
std::optional<Nanos> time_of(std::string_view line);
/// event.action of a line for which sequence_of() is known; "" when it isn't where every record has it.
std::string_view action_of(std::string_view line);

/// Calls fn(sequence, line without '\n') for the records from `from` on, as far as they were there at the call.
/// Returns the sequence after the log's last. Throws Error{corrupt} naming file and line where the count and a line's
/// own sequence differ, Error{usage} when `from` was pruned.
Sequence read_lines(const std::filesystem::path& audit, Sequence from,
                    const std::function<void(Sequence, std::string_view)>& fn);
/// The same for [from, to); returns `to`, or the sequence after the log's last if that comes first.
Sequence read_range(const std::filesystem::path& audit, Sequence from, Sequence to,
                    const std::function<void(Sequence, std::string_view)>& fn);
/// One line, by binary search (some ten reads). Throws Error{usage} when the log has no such record (any more), Error
/// {corrupt} as read_lines.
std::string line_at(const std::filesystem::path& audit, Sequence sequence);

}  // namespace ward::store
