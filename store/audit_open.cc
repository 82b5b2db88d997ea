// SPDX-License-Identifier: Apache-2.0
// Opening the log: finding its end, and that it is the log the last checkpoint was signed for. Nothing is changed on
// the disk before all of that is known.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "store/audit_log.h"
#include "store/error.h"

namespace ward::store {
namespace {

constexpr std::size_t kTilesAtOnce = 1024;  // 8 MiB of them wait in memory while a tree is made anew

[[noreturn]] void damaged(const std::string& what) {
  throw Error(Code::corrupt,
              what +
                  ". Nothing was changed. Keep a copy of the audit folder and of the checkpoints that "
                  "others hold, see what `ward audit verify` says, and restore the folder from a backup");
}

// Counts the lines of the last segment; stops at one that isn't the next record.
Sequence count_lines(const std::filesystem::path& folder, const Segment& last) {
  std::uint64_t bytes = 0;
  Sequence next = last.first;
  try {
    read_lines(folder, last.first, [&](Sequence sequence, std::string_view line) {
      bytes += line.size() + 1;
      next = sequence + 1;
    });
  } catch (const Error& e) {
    if (e.code() != Code::corrupt) throw;
    const auto cut = "truncate -s " + std::to_string(bytes) + " " + last.file.string();
    damaged(std::string(e.what()) + ". If no checkpoint covers more than " + std::to_string(next) + " records, `" +
            cut + "` goes back to the last good one, losing those after it");
  }
  return next;
}

}  // namespace

// The end of the log as it lies on the disk.
struct AuditLog::Tail {
  struct Torn {
    std::filesystem::path file;
    std::uint64_t bytes, keep;
  };
  std::optional<Segment> last;               // the last segment that has whole lines
  std::vector<Torn> torn;                    // files that end in half a line
  std::vector<std::filesystem::path> empty;  // files without a whole line, after `last`
  Sequence size = 0;
};

void AuditLog::create(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0) throw_errno("mkdir " + folder.string());
  sync_folder(folder.parent_path().empty() ? "." : folder.parent_path());
}

AuditLog::AuditLog(std::filesystem::path folder, std::string origin, SigningKey key, SegmentOptions options)
    : folder_(std::move(folder)), origin_(std::move(origin)), options_(options), key_(std::move(key)), tiles_(folder_) {
  const Tail tail = find_tail();
  size_ = tail.size;
  load_checkpoint(tail);
  load_leaves();
  for (const auto& [file, bytes, keep] : tail.torn) {
    if (::truncate(file.c_str(), static_cast<off_t>(keep)) != 0) throw_errno("truncate " + file.string());
    cut_bytes_ += bytes - keep;
  }
  const auto all = segments(folder_);
  // What a killed process left in the page cache isn't durable yet.
  for (const auto& segment : all) {
    const auto next = std::ranges::upper_bound(all, segment.first, {}, &Segment::first);
    const bool covered = next != all.end() && next->first <= tiles_.size();
    if (!covered) sync_data(open_file(segment.file, O_RDONLY).get(), segment.file);
  }
  sync_folder(folder_);
  synced_ = size_;
  open_segment(tail);
}

/// The last segment that has lines goes on. Empty ones were made in advance; they are made again when they are due.
void AuditLog::open_segment(const Tail& tail) {
  for (const auto& file : tail.empty) std::filesystem::remove(file);
  if (tail.last) {
    current_ = std::make_shared<SegmentFile>(tail.last->file, tail.last->first, tail.last->bytes, options_);
    current_time_ = time_of(line_at(folder_, tail.last->first)).value_or(0);
  } else {
    current_ = std::make_shared<SegmentFile>(folder_ / segment_name(0), 0, 0, options_);
  }
  sync_folder(folder_);
}

AuditLog::Tail AuditLog::find_tail() const {
  Tail tail;
  const auto all = segments(folder_);
  const auto look = [&](const std::filesystem::path& file, std::uint64_t keep) {
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(file, missing);
    if (!missing && bytes != keep) tail.torn.push_back({file, bytes, keep});
  };
  for (const auto& file : segment_files(folder_)) {
    if (!all.empty() && file <= all.back().file) continue;
    look(file, 0);
    tail.empty.push_back(file);
  }
  if (all.empty()) return tail;
  const Segment& last = all.back();
  tail.size = count_lines(folder_, last);
  try {
    if (all.size() > 1) line_at(folder_, last.first - 1);
  } catch (const Error& e) {
    if (e.code() == Code::io) throw;
    damaged("the segment before " + last.file.string() + " doesn't end where that one starts");
  }
  look(last.file, last.bytes);
  tail.last = last;
  return tail;
}

void AuditLog::load_checkpoint(const Tail& tail) {
  const auto path = folder_ / "checkpoint";
  if (!std::filesystem::exists(path)) return;
  const std::string text = read_file(path);
  Checkpoint last;
  try {
    const Note note = parse_note(text);
    last = parse_checkpoint(note);
    const bool ours = last.origin == origin_ && check_note(note, {origin_, key_.public_key()}) == Signature::good;
    if (!ours) throw Error(Code::corrupt, "not signed with this store's key as " + origin_);
  } catch (const Error& e) {
    damaged(path.string() + ": " + e.what());
  }
  if (last.size > tail.size) {
    damaged("the log lost records: " + folder_.string() + " has " + std::to_string(tail.size) +
            ", but its checkpoint was signed for " + std::to_string(last.size));
  }
  checkpoint_text_ = text;
  try {
    tiles_ = TileWriter::load(folder_, last.size);
  } catch (const Error& e) {
    if (e.code() != Code::corrupt) throw;
    tiles_ = TileWriter(folder_);  // the root shows it
  }
  if (tiles_.size() == last.size && tiles_.root() == last.root) return;
  rebuild_tiles(last);
}

// Tiles only repeat what the lines say: damaged ones are made again, if all lines are still there.
void AuditLog::rebuild_tiles(const Checkpoint& last) {
  const auto all = segments(folder_);
  if (all.empty() || all.front().first != 0) damaged("the tiles in " + folder_.string() + " are damaged");
  Frontier frontier;  // first only looks
  read_lines(folder_, 0, [&](Sequence sequence, std::string_view line) {
    if (sequence < last.size) frontier.append(leaf_hash(line));
  });
  if (frontier.root() != last.root) {
    damaged("the lines in " + folder_.string() + " aren't those that its checkpoint was signed for");
  }
  tiles_ = TileWriter(folder_);
  read_lines(folder_, 0, [&](Sequence sequence, std::string_view line) {
    if (sequence < last.size) tiles_.append(leaf_hash(line));
    if (tiles_.unwritten() >= kTilesAtOnce) tiles_.write();
  });
  tiles_.write();
}

// Hashes the lines that the checkpoint doesn't cover.
void AuditLog::load_leaves() {
  if (size_ == 0) return;
  const Sequence from = std::min(tiles_.size(), size_ - 1);
  read_lines(folder_, from, [&](Sequence sequence, std::string_view line) {
    last_leaf_ = leaf_hash(line);
    if (sequence >= tiles_.size()) leaves_.push_back(last_leaf_);
  });
}

}  // namespace ward::store
