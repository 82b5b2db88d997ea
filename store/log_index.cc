// SPDX-License-Identifier: Apache-2.0
#include "store/log_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "store/error.h"
#include "store/json_text.h"
#include "store/record_json.h"
#include "store/segment_text.h"

namespace ward::store {
namespace {

constexpr char kMagic[16] = "ward-index 1\n";
constexpr std::string_view kNames = "\"artifact\":";  // no string holds a quote that isn't escaped
constexpr std::size_t kBlock = 1 << 20;

struct Header {
  char magic[16] = {};
  std::uint64_t first = 0, bytes = 0;  // of the segment
  std::int64_t earliest = 0, latest = 0;
  std::uint32_t keys = 0, lines = 0;
};
static_assert(sizeof(Header) == 56);

/// A key and where its lines are in the table behind the keys; they end where the next key's begin.
struct Key {
  std::uint64_t artifact = 0;
  std::uint32_t start = 0, count = 0;
};
static_assert(sizeof(Key) == 16);

std::filesystem::path index_path(const std::filesystem::path& folder, const Segment& segment) {
  return folder / (plain_name(segment.file).stem().string() + ".idx");
}

/// False at an early end of the file.
bool read_whole(int fd, void* into, std::size_t size, std::uint64_t offset, const std::filesystem::path& path) {
  return read_at(fd, into, size, offset, path) == size;
}

void each_artifact(std::string_view line, const std::function<void(Id)>& fn) {
  for (auto at = line.find(kNames); at != line.npos; at = line.find(kNames, at + kNames.size())) {
    Id id = 0;
    const auto* digits = line.data() + at + kNames.size();
    if (std::from_chars(digits, line.data() + line.size(), id).ptr != digits) fn(id);
  }
}

/// The table of a segment while it grows.
struct Table {
  TimeSpan times{INT64_MAX, INT64_MIN};
  std::vector<std::pair<Id, std::uint32_t>> found;

  void add(std::string_view line, std::uint64_t offset) {
    if (const auto time = time_of(line)) times = {std::min(times.first, *time), std::max(times.last, *time)};
    const auto before = found.size();
    each_artifact(line, [&](Id id) {
      const std::pair entry{id, static_cast<std::uint32_t>(offset)};
      if (std::find(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(), entry) == found.end())
        found.push_back(entry);
    });
  }

  std::string bytes(const Segment& segment) {
    std::sort(found.begin(), found.end());
    std::vector<Key> keys;
    std::string lines;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (keys.empty() || keys.back().artifact != found[i].first)
        keys.push_back({found[i].first, static_cast<std::uint32_t>(i), 0});
      ++keys.back().count;
      lines.append(reinterpret_cast<const char*>(&found[i].second), sizeof(std::uint32_t));
    }
    Header header;
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.first = segment.first, header.bytes = segment.bytes;
    header.earliest = times.first, header.latest = times.last;
    header.keys = static_cast<std::uint32_t>(keys.size()), header.lines = static_cast<std::uint32_t>(found.size());
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    out.append(reinterpret_cast<const char*>(keys.data()), keys.size() * sizeof(Key));
    return out + lines;
  }
};

void walk(const Segment& segment, std::uint64_t from, const std::function<void(std::string_view, std::uint64_t)>& fn) {
  SegmentText text(segment.file);
  std::string rest;
  for (std::uint64_t at = from; at < segment.bytes;) {
    const std::string block = text.read(std::min<std::uint64_t>(kBlock, segment.bytes - at), at);
    if (block.empty()) throw Error(Code::corrupt, segment.file.string() + " became shorter");
    std::uint64_t start = at - rest.size();
    rest += block;
    at += block.size();
    std::string_view lines = rest;
    for (auto end = lines.find('\n'); end != lines.npos; end = lines.find('\n')) {
      fn(lines.substr(0, end), start);
      start += end + 1;
      lines.remove_prefix(end + 1);
    }
    rest.erase(0, rest.size() - lines.size());
  }
}

/// The line that begins at `offset`; nullopt when none does.
std::optional<std::string> line_from(SegmentText& segment, std::uint32_t offset) {
  constexpr std::size_t kMost = 4096;  // of nearly all lines
  const std::uint64_t before = offset == 0 ? 0 : 1;
  for (const std::size_t size : {kMost, kMaxLine + 2}) {
    const std::string text = segment.read(size, offset - before);
    if (before == 1 && !text.starts_with('\n')) return std::nullopt;
    if (const auto end = text.find('\n', before); end != text.npos) return text.substr(before, end - before);
  }
  return std::nullopt;
}

}  // namespace

bool names_artifact(std::string_view line, Id artifact) {
  bool found = false;
  each_artifact(line, [&](Id id) { found = found || id == artifact; });
  return found;
}

std::optional<SegmentIndex> SegmentIndex::open(const std::filesystem::path& folder, const Segment& segment) {
  SegmentIndex index;
  index.path_ = index_path(folder, segment);
  index.fd_ = Fd(::open(index.path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!index.fd_ && errno == ENOENT) return std::nullopt;
  if (!index.fd_) throw_errno("open " + index.path_.string());
  Header header;
  struct stat st {};
  if (::fstat(index.fd_.get(), &st) != 0) throw_errno("stat " + index.path_.string());
  if (!read_whole(index.fd_.get(), &header, sizeof header, 0, index.path_)) return std::nullopt;
  const auto size = sizeof header + header.keys * sizeof(Key) + std::uint64_t{header.lines} * sizeof(std::uint32_t);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.first != segment.first ||
      header.bytes != segment.bytes || static_cast<std::uint64_t>(st.st_size) != size)
    return std::nullopt;
  index.times_ = {header.earliest, header.latest};
  index.keys_ = header.keys, index.lines_ = header.lines;
  return index;
}

void SegmentIndex::write(const std::filesystem::path& folder, const Segment& segment) {
  Table table;
  walk(segment, 0, [&](std::string_view line, std::uint64_t offset) { table.add(line, offset); });
  write_durably(index_path(folder, segment), table.bytes(segment));
}

std::optional<std::vector<std::uint32_t>> SegmentIndex::lines_of(Id artifact) const {
  std::uint64_t low = 0, high = keys_;
  while (low < high) {
    const auto middle = (low + high) / 2;
    Key key;
    if (!read_whole(fd_.get(), &key, sizeof key, sizeof(Header) + middle * sizeof key, path_)) return std::nullopt;
    if (key.artifact < artifact) {
      low = middle + 1;
    } else if (key.artifact > artifact) {
      high = middle;
    } else {
      if (std::uint64_t{key.start} + key.count > lines_) return std::nullopt;
      std::vector<std::uint32_t> lines(key.count);
      const auto table = sizeof(Header) + keys_ * sizeof(Key);
      const auto at = table + key.start * sizeof(std::uint32_t);
      if (!read_whole(fd_.get(), lines.data(), lines.size() * sizeof(std::uint32_t), at, path_)) return std::nullopt;
      return std::is_sorted(lines.begin(), lines.end()) ? std::optional(std::move(lines)) : std::nullopt;
    }
  }
  return std::vector<std::uint32_t>{};
}

void each_line(const Segment& segment, std::uint64_t from, const std::function<void(std::string_view)>& fn) {
  walk(segment, from, [&](std::string_view line, std::uint64_t) { fn(line); });
}

void lines_about(const std::filesystem::path& index, const Segment& segment, std::uint64_t from, Id artifact,
                 const std::function<void(std::string_view)>& fn) {
  const auto known = from == 0 ? SegmentIndex::open(index, segment) : std::nullopt;
  const auto offsets = known ? known->lines_of(artifact) : std::nullopt;
  std::vector<std::string> found;
  if (offsets) {
    SegmentText text(segment.file);
    for (const std::uint32_t offset : *offsets) {
      auto line = line_from(text, offset);
      if (!line || !names_artifact(*line, artifact)) break;
      found.push_back(*std::move(line));
    }
  }
  if (offsets && found.size() == offsets->size()) {
    for (const auto& line : found) fn(line);
    return;
  }
  each_line(segment, from, [&](std::string_view line) {
    if (names_artifact(line, artifact)) fn(line);
  });
}

TimeSpan times_of(const std::filesystem::path& index, const Segment& segment) {
  if (const auto known = SegmentIndex::open(index, segment)) return known->times();
  Table table;
  walk(segment, 0, [&](std::string_view line, std::uint64_t) {
    if (const auto time = time_of(line))
      table.times = {std::min(table.times.first, *time), std::max(table.times.last, *time)};
  });
  return table.times;
}

}  // namespace ward::store
