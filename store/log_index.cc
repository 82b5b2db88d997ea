// SPDX-License-Identifier: Apache-2.0
#include "store/log_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "store/error.h"
#include "store/json_text.h"
#include "store/segment_text.h"

namespace ward::store {
namespace {

constexpr char kMagic[16] = "ward-index 2\n";
constexpr Nanos kDay = 86'400'000'000'000;
constexpr std::size_t kDaySize = 10;
constexpr std::size_t kBlock = 1 << 20, kProbe = 4096;  // bytes of text: what is read at once

struct Header {
  char magic[16] = {};
  std::uint64_t first = 0, bytes = 0;  // of the segment
  std::int64_t earliest = 0, latest = 0;
  std::uint32_t keys = 0, lines = 0;
  Term sum = 0;  // of what stands before
  Term right() const { return term_of({reinterpret_cast<const char*>(this), offsetof(Header, sum)}); }
};
static_assert(sizeof(Header) == 64);

std::filesystem::path index_path(const std::filesystem::path& folder, const Segment& segment) {
  return folder / (plain_name(segment.file).stem().string() + ".idx");
}

/// False at an early end of the file.
bool read_whole(int fd, void* into, std::size_t size, std::uint64_t offset, const std::filesystem::path& path) {
  return read_at(fd, into, size, offset, path) == size;
}

/// The table of a segment while it grows.
class Table {
 public:
  void add(std::string_view line, std::uint64_t offset) {
    times_.add(line);
    const auto at = static_cast<std::uint32_t>(offset), block = static_cast<std::uint32_t>(offset / kIndexBlock);
    terms_of(line, [&](Term term) {
      const auto place = term < kHashed ? at : block;
      const auto [last, fresh] = last_.try_emplace(term, place);
      if (fresh || std::exchange(last->second, place) != place) found_.emplace_back(term, at);
    });
  }

  std::string bytes(const Segment& segment) {
    std::sort(found_.begin(), found_.end());
    std::vector<IndexKey> keys;
    std::string lines;
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (keys.empty() || keys.back().term != found_[i].first)
        keys.push_back({found_[i].first, static_cast<std::uint32_t>(i), 0});
      ++keys.back().count;
      lines.append(reinterpret_cast<const char*>(&found_[i].second), sizeof(std::uint32_t));
    }
    Header header;
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.first = segment.first, header.bytes = segment.bytes;
    header.earliest = times_.first, header.latest = times_.last;
    header.keys = static_cast<std::uint32_t>(keys.size()), header.lines = static_cast<std::uint32_t>(found_.size());
    header.sum = header.right();
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    out.append(reinterpret_cast<const char*>(keys.data()), keys.size() * sizeof(IndexKey));
    return out + lines;
  }

 private:
  TimeSpan times_;
  std::vector<std::pair<Term, std::uint32_t>> found_;
  std::unordered_map<Term, std::uint32_t> last_;  // where each term was found last
};

/// The lines that begin in [from, to), until fn returns false.
void walk(SegmentText& text, std::uint64_t size, std::uint64_t from, std::uint64_t to,
          const std::function<bool(std::string_view, std::uint64_t)>& fn) {
  std::string rest;
  for (std::uint64_t at = from; at < size && at - rest.size() < to;) {
    const auto want = std::clamp<std::uint64_t>(to - std::min(at, to), kProbe, kBlock);
    const std::string block = text.read(std::min(want, size - at), at);
    if (block.empty()) throw Error(Code::corrupt, text.path().string() + " became shorter");
    std::uint64_t start = at - rest.size();
    rest += block;
    at += block.size();
    std::string_view lines = rest;
    for (auto end = lines.find('\n'); end != lines.npos && start < to; end = lines.find('\n')) {
      if (!fn(lines.substr(0, end), start)) return;
      start += end + 1;
      lines.remove_prefix(end + 1);
    }
    rest.erase(0, rest.size() - lines.size());
  }
}

void walk(const Segment& segment, std::uint64_t from, const std::function<void(std::string_view, std::uint64_t)>& fn) {
  SegmentText text(segment.file);
  walk(text, segment.bytes, from, segment.bytes,
       [&](std::string_view line, std::uint64_t at) { return fn(line, at), true; });
}

bool has_term(std::string_view line, Term wanted) {
  bool found = false;
  terms_of(line, [&](Term term) { found = found || term == wanted; });
  return found;
}

/// Where the part of a segment ends that an offset of the index stands for: behind a line of an artifact, else behind
/// the block.
std::uint64_t end_of(std::uint32_t offset, Term term) {
  return term < kHashed ? offset + std::uint64_t{1} : (offset / kIndexBlock + std::uint64_t{1}) * kIndexBlock;
}

/// Appends the lines that begin in that part, each with its '\n'. False when its first isn't a line with the term.
bool take_lines(SegmentText& text, const Segment& segment, std::uint32_t offset, Term term, std::string& lines) {
  if (offset >= segment.bytes || (offset > 0 && text.read(1, offset - 1) != "\n")) return false;
  const auto first = lines.size();
  walk(text, segment.bytes, offset, end_of(offset, term),
       [&](std::string_view line, std::uint64_t) { return lines.append(line).push_back('\n'), true; });
  return lines.size() > first && has_term(std::string_view(lines).substr(first, lines.find('\n', first) - first), term);
}

/// As the index says; a damaged one has every day.
bool has_day(const SegmentIndex& index, const std::string& day) {
  const auto lines = index.lines_of(term_of("day=" + day));
  return !lines || !lines->empty();
}

/// The lines that the index finds by that of the terms which the fewest have, one text; nullopt when it knows none of
/// them, or isn't to be believed.
std::optional<std::string> found_by(const SegmentIndex& index, const Segment& segment, const std::vector<Term>& terms) {
  std::optional<std::vector<std::uint32_t>> fewest;
  Term by = 0;
  for (const Term term : terms) {
    auto offsets = index.lines_of(term);
    if (!offsets) return std::nullopt;
    if (!fewest || offsets->size() < fewest->size()) fewest = std::move(offsets), by = term;
  }
  if (!fewest) return std::nullopt;
  std::string lines;
  SegmentText text(segment.file);
  std::uint64_t end = 0;
  for (const std::uint32_t offset : *fewest) {
    if (offset < end || !take_lines(text, segment, offset, by, lines)) return std::nullopt;
    end = end_of(offset, by);
  }
  return lines;
}

}  // namespace

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
  const auto size =
      sizeof header + header.keys * sizeof(IndexKey) + std::uint64_t{header.lines} * sizeof(std::uint32_t);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.sum != header.right() ||
      header.first != segment.first || header.bytes != segment.bytes || static_cast<std::uint64_t>(st.st_size) != size)
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

std::optional<IndexKey> SegmentIndex::find(Term term) const {
  std::uint64_t low = 0, high = keys_;
  while (low < high) {
    const auto middle = (low + high) / 2;
    IndexKey key;
    if (!read_whole(fd_.get(), &key, sizeof key, sizeof(Header) + middle * sizeof key, path_)) return std::nullopt;
    if (key.term == term) return key;
    if (key.term < term)
      low = middle + 1;
    else
      high = middle;
  }
  return IndexKey{term, 0, 0};
}

std::optional<std::vector<std::uint32_t>> SegmentIndex::lines_of(Term term) const {
  const auto key = find(term);
  if (!key || std::uint64_t{key->start} + key->count > lines_) return std::nullopt;
  std::vector<std::uint32_t> lines(key->count);
  const auto at = sizeof(Header) + keys_ * sizeof(IndexKey) + std::uint64_t{key->start} * sizeof(std::uint32_t);
  if (!read_whole(fd_.get(), lines.data(), lines.size() * sizeof(std::uint32_t), at, path_)) return std::nullopt;
  return std::is_sorted(lines.begin(), lines.end()) ? std::optional(std::move(lines)) : std::nullopt;
}

void each_line(const Segment& segment, std::uint64_t from, const std::function<void(std::string_view)>& fn) {
  walk(segment, from, [&](std::string_view line, std::uint64_t) { fn(line); });
}

void candidates(const std::filesystem::path& index, const Segment& segment, std::uint64_t from, const LogFilter& filter,
                const std::function<void(std::string_view)>& fn) {
  const auto known = from == 0 ? SegmentIndex::open(index, segment) : std::nullopt;
  if (known && !filter.may_match(known->times())) return;
  if (const auto lines = known ? found_by(*known, segment, terms_of(filter)) : std::nullopt) {
    for (std::string_view rest = *lines; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
      fn(rest.substr(0, rest.find('\n')));
    return;
  }
  each_line(segment, from, fn);
}

std::set<std::string> days_of(const std::filesystem::path& index, const Segment& segment) {
  std::set<std::string> days;
  const auto known = SegmentIndex::open(index, segment);
  if (!known) {
    walk(segment, 0, [&](std::string_view line, std::uint64_t) { days.emplace(day_of(line)); });
    days.erase("");
    return days;
  }
  const auto span = known->times();
  for (Nanos time = span.first; time <= span.last; time = (time / kDay + 1) * kDay) {
    std::string day;
    append_time(day, time, 6);
    day.resize(kDaySize);
    if (has_day(*known, day)) days.insert(std::move(day));
  }
  return days;
}

bool has_day(const std::filesystem::path& index, const Segment& segment, const std::string& day) {
  if (const auto known = SegmentIndex::open(index, segment)) return has_day(*known, day);
  bool found = false;
  SegmentText text(segment.file);
  walk(text, segment.bytes, 0, segment.bytes, [&](std::string_view line, std::uint64_t) {
    found = day_of(line) == day;
    return !found;
  });
  return found;
}

TimeSpan times_of(const std::filesystem::path& index, const Segment& segment) {
  if (const auto known = SegmentIndex::open(index, segment)) return known->times();
  TimeSpan times;
  walk(segment, 0, [&](std::string_view line, std::uint64_t) { times.add(line); });
  return times;
}

}  // namespace ward::store
