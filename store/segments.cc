// SPDX-License-Identifier: Apache-2.0
// See segments.h.
#include "store/segments.h"

#include <algorithm>
#include <charconv>

#include "store/error.h"
#include "store/json_text.h"
#include "store/record_json.h"
#include "store/segment_text.h"

namespace ward::store {
namespace {

constexpr std::string_view kHead = "{\"@timestamp\":\"", kEvent = "\",\"event\":{\"sequence\":";
constexpr std::size_t kTimeSize = 27, kBlock = 1 << 20;
constexpr std::size_t kProbe = 4096;
constexpr std::size_t kHeadSize = 128;  // more than a line's start up to its sequence

/// Bytes of its text. A plain file that was compressed since it was listed is taken as that.
std::uint64_t measure(Segment& segment) {
  std::error_code error;
  const auto plain = plain_name(segment.file);
  if (segment.file == plain) {
    const auto bytes = std::filesystem::file_size(plain, error);
    if (!error) return bytes;
    if (error != std::errc::no_such_file_or_directory) throw_errno("stat " + plain.string(), error.value());
  }
  try {
    const SegmentText text(segment.file);
    segment.file = text.path();
    return text.size();
  } catch (const Error& damage) {  // who reads it will hear of it
    const auto size = std::filesystem::file_size(segment.file, error);
    if (error == std::errc::no_such_file_or_directory) return 0;  // pruned since it was listed
    if (error || damage.code() != Code::corrupt) throw;
    return std::max<std::uint64_t>(1, size);
  }
}

[[noreturn]] void wrong_line(const Segment& segment, Sequence expected) {
  const auto line = expected < segment.first ? 1 : expected - segment.first + 1;  // earlier: a segment is missing
  throw Error(Code::corrupt, segment.file.string() + " line " + std::to_string(line) + " isn't record " +
                                 std::to_string(expected) + "; `ward audit verify` tells more");
}

struct Position {
  std::uint64_t offset;
  Sequence sequence;
};

// Walks the whole lines of a segment, reading `size` bytes at a time (more than a line). fn returns false to stop.
// What is wrong with lines before `wanted` is nobody's question.
Sequence walk(const Segment& segment, SegmentText& text, Position from, Sequence wanted, std::size_t size,
              const auto& fn) {
  auto [offset, at] = from;
  while (offset < segment.bytes) {
    const std::string block = text.read(std::min<std::uint64_t>(size, segment.bytes - offset), offset);
    std::string_view rest = block;
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      const auto line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      const auto says = sequence_of(line);
      if (at < wanted && (!says || *says < at)) continue;
      if (at < wanted && *says <= wanted) at = *says;
      if (says != at) wrong_line(segment, at);
      if (!fn(at++, line)) return at;
    }
    if (rest.size() == block.size()) wrong_line(segment, at);  // no '\n' in a whole block: not a line
    offset += block.size() - rest.size();
  }
  return at;
}

// A line at most kProbe bytes before the start of record `sequence`.
Position search(const Segment& segment, SegmentText& text, Sequence sequence) {
  Position low{0, segment.first};
  for (std::uint64_t high = segment.bytes; high - low.offset > kProbe;) {
    const std::uint64_t middle = low.offset + (high - low.offset) / 2;
    std::string probe = text.read(kProbe, middle - 1);
    auto newline = probe.find('\n');
    if (newline == probe.npos || newline + kHeadSize > probe.size()) {
      probe = text.read(kMaxLine + kHeadSize, middle - 1);
      newline = probe.find('\n');
    }
    const std::uint64_t start = middle + newline;
    if (newline == probe.npos || start >= high) {
      high = middle;
      continue;
    }
    const auto found = sequence_of(std::string_view(probe).substr(newline + 1));
    if (!found) wrong_line(segment, low.sequence);
    if (*found <= sequence) {
      low = {start, *found};
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

std::string segment_name(Sequence first) {
  const auto digits = std::to_string(first);
  return std::string(20 - digits.size(), '0') + digits + ".jsonl";
}

std::optional<Sequence> first_of(const std::filesystem::path& path) {
  const auto name = plain_name(path).filename();
  const std::string stem = name.stem().string();
  Sequence first = 0;
  const auto end = stem.data() + stem.size();
  if (std::from_chars(stem.data(), end, first).ptr != end || name != segment_name(first)) return std::nullopt;
  return first;
}

std::vector<std::filesystem::path> segment_files(const std::filesystem::path& audit) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(audit, error))
    if (first_of(entry.path()) && entry.path() == plain_name(entry.path())) files.push_back(entry.path());
  if (error) throw_errno("list " + audit.string(), error.value());
  std::ranges::sort(files);
  return files;
}

std::vector<Segment> segments(const std::filesystem::path& audit) {
  std::vector<Segment> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(audit, error)) {
    if (const auto first = first_of(entry.path())) found.push_back({*first, entry.path(), 0});
  }
  if (error) throw_errno("list " + audit.string(), error.value());
  std::ranges::sort(found, {}, [](const Segment& segment) { return std::pair(segment.first, segment.file); });
  // A crash may leave a segment twice: what is compressed is a copy until the text itself is gone.
  const auto same = [](const Segment& one, const Segment& other) { return one.first == other.first; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  // Beside an appender, from the last to the first: when one has lines, those before it are complete.
  for (auto segment = found.rbegin(); segment != found.rend(); ++segment) {
    segment->bytes = measure(*segment);
  }
  std::erase_if(found, [](const Segment& segment) { return segment.bytes == 0; });
  if (!found.empty()) found.back().bytes = SegmentText(found.back().file).whole_lines();
  if (!found.empty() && found.back().bytes == 0) found.pop_back();
  return found;
}

std::optional<Sequence> sequence_of(std::string_view line) {
  constexpr std::size_t event = kHead.size() + kTimeSize, digits = event + kEvent.size();
  if (!line.starts_with(kHead) || line.size() <= digits || line.substr(event, kEvent.size()) != kEvent)
    return std::nullopt;
  Sequence sequence = 0;
  const auto end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data() + digits, end, sequence);
  const bool ends = parsed.ptr != end && (*parsed.ptr == ',' || *parsed.ptr == '}');
  const bool padded = line[digits] == '0' && parsed.ptr != line.data() + digits + 1;
  if (parsed.ec != std::errc() || !ends || padded) return std::nullopt;
  return sequence;
}

std::optional<Nanos> time_of(std::string_view line) {
  return line.size() < kHead.size() + kTimeSize ? std::nullopt : parse_time(line.substr(kHead.size(), kTimeSize));
}

std::string_view action_of(std::string_view line) {
  constexpr std::string_view kAction = ",\"action\":\"";
  constexpr std::size_t digits = kHead.size() + kTimeSize + kEvent.size();
  const auto end = line.find_first_not_of("0123456789", std::min(digits, line.size()));
  if (end == line.npos || line.substr(end, kAction.size()) != kAction) return "";
  const auto action = line.substr(end + kAction.size());
  return action.substr(0, action.find('"'));
}

Sequence read_lines(const std::filesystem::path& audit, Sequence from,
                    const std::function<void(Sequence, std::string_view)>& fn) {
  return read_range(audit, from, UINT64_MAX, fn);
}

Sequence read_range(const std::filesystem::path& audit, Sequence from, Sequence to,
                    const std::function<void(Sequence, std::string_view)>& fn) {
  const auto all = segments(audit);
  if (all.empty()) return 0;
  if (from < all.front().first) {
    throw Error(Code::usage, "record " + std::to_string(from) + " isn't in " + audit.string() + " any more");
  }
  std::optional<Sequence> next;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + 1 < all.size() && all[i + 1].first <= from) continue;
    const Segment& segment = all[i];
    if (next.value_or(segment.first) != segment.first) wrong_line(segment, *next);
    SegmentText text(segment.file);
    const Position start = from > segment.first ? search(segment, text, from) : Position{0, segment.first};
    next = walk(segment, text, start, from, kBlock, [&](Sequence sequence, std::string_view line) {
      if (sequence >= to) return false;
      if (sequence >= from) fn(sequence, line);
      return sequence + 1 < to;  // what is wrong with the next line is nobody's question
    });
    if (*next >= to) return to;
  }
  return *next;
}

std::string line_at(const std::filesystem::path& audit, Sequence sequence) {
  const auto all = segments(audit);
  const auto after = std::ranges::upper_bound(all, sequence, {}, &Segment::first);
  std::optional<std::string> found;
  if (after != all.begin()) {
    const Segment& segment = *std::prev(after);
    SegmentText text(segment.file);
    walk(segment, text, search(segment, text, sequence), sequence, kProbe + kMaxLine + 1,
         [&](Sequence at, std::string_view line) {
           if (at == sequence) found = line;
           return at < sequence;
         });
  }
  if (!found) throw Error(Code::usage, "record " + std::to_string(sequence) + " isn't in " + audit.string());
  return *std::move(found);
}

}  // namespace ward::store
