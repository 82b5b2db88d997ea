// SPDX-License-Identifier: Apache-2.0
// The audit log, open for appending: lines in segments, a Merkle tree over them in tiles, a signed checkpoint.
// FORMAT.md, "Audit log". Reading is in segments.h, checking in audit_verify.h.
#pragma once
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/checkpoint.h"
#include "store/crypto.h"
#include "store/segment_file.h"
#include "store/segments.h"
#include "store/tiles.h"
#include "store/types.h"

namespace ward::store {

/// append() from one thread at a time; everything else is thread-safe beside it.
class AuditLog {
 public:
  using Space = ward::store::Space;

  /// Makes an empty audit folder, durably. Throws Error, also when something is there already.
  static void create(const std::filesystem::path& folder);

  /// Opens for appending and makes durable what is there. Cuts an unterminated last line. Throws Error{corrupt},
  /// having changed nothing, for any other damage near the end, for a log shorter than its checkpoint, and for a
  /// checkpoint that isn't by `key` and `origin`; the message says what to do.
  AuditLog(std::filesystem::path folder, std::string origin, SigningKey key, SegmentOptions options = {});

  /// Appends lines (without '\n') as the records size(), size() + 1, …: all or none, one write for each segment.
  /// Returns the sequence of the first. Throws Error{corrupt} for what isn't the line of that record, Error{no_space}
  /// and Error{no_reserve} as SegmentFile::make_room; Error{io} always, once the log is broken.
  Sequence append(std::span<const std::string> lines, Space space = Space::ordinary);
  /// The next record begins a new segment, if the open one has any. Throws Error{no_space}, {io}: then it goes on.
  void roll();
  /// Time of the open segment's first record; 0 when it has none.
  Nanos segment_time() const;
  /// How many records the log has.
  Sequence size() const;
  /// Leaf hash of the last record, 64 hex digits; "" for an empty log.
  std::string last_leaf() const;

  /// Makes everything durable that was appended before the call; returns how many records that is. A failure breaks
  /// the log for good: after a failed fdatasync nobody knows what the disk holds.
  Sequence sync();
  /// How many records are durable.
  Sequence synced() const;

  /// Writes tiles and a signed checkpoint that cover the durable records; returns how many. Throws Error when they
  /// can't be written; the log is unharmed then, and a later call catches up.
  Sequence checkpoint();
  std::string checkpoint_text() const;  // "" before the first
  /// From now on `key` signs; begins with a checkpoint over all records, durably. Throws as checkpoint().
  void rekey(SigningKey key);

  /// Bytes of an unterminated last line that opening cut off.
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  using File = std::shared_ptr<SegmentFile>;
  struct Chunk {  // the part of a batch that goes into one segment
    File file;
    std::string bytes;
  };

  // Opening (audit_open.cc).
  struct Tail;
  Tail find_tail() const;
  void load_checkpoint(const Tail& tail);
  void rebuild_tiles(const Checkpoint& last);
  void load_leaves();
  void open_segment(const Tail& tail);

  Sequence sign(bool always);  // the caller holds checkpoint_mutex_

  // Appending. The caller holds mutex_.
  void check_usable() const;
  std::vector<Hash> check_lines(std::span<const std::string> lines) const;
  Sequence end_of(const SegmentFile& file) const;
  File file_from(Sequence first);
  std::vector<Chunk> plan(std::span<const std::string> lines, Space space);
  void write(const std::vector<Chunk>& chunks);
  void undo(const std::vector<Chunk>& chunks, const std::vector<std::uint64_t>& sizes);
  void switch_to(const std::vector<Chunk>& chunks);

  const std::filesystem::path folder_;
  const std::string origin_;
  const SegmentOptions options_;
  std::uint64_t cut_bytes_ = 0;

  std::mutex checkpoint_mutex_;  // before mutex_; guards key_ and tiles_
  SigningKey key_;
  TileWriter tiles_;  // covers the records of the last checkpoint

  std::mutex sync_mutex_;  // before mutex_

  mutable std::mutex mutex_;  // guards all that follows
  std::string broken_;        // why nothing may be appended any more
  File current_;
  Nanos current_time_ = 0;             // of its first record
  std::map<Sequence, File> prepared_;  // empty segments after the current one, by first sequence
  std::vector<File> unsynced_;         // full segments that wait for fdatasync
  Sequence size_ = 0, synced_ = 0;
  std::deque<Hash> leaves_;  // of the records that no checkpoint covers yet: [size_ - leaves_.size(), size_)
  Hash last_leaf_{};
  std::string checkpoint_text_;
};

}  // namespace ward::store
