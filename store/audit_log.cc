// SPDX-License-Identifier: Apache-2.0
// Appending to the log, making it durable, signing it. See audit_log.h; opening is in audit_open.cc.
#include "store/audit_log.h"

#include "store/error.h"
#include "store/merkle.h"
#include "store/record_json.h"

namespace ward::store {

void AuditLog::check_usable() const {
  if (!broken_.empty()) throw Error(Code::io, "the audit log can't be written any more: " + broken_);
}

// The lines' leaf hashes. A line that isn't just the next record would be a lie for ever: stop it here.
std::vector<Hash> AuditLog::check_lines(std::span<const std::string> lines) const {
  std::vector<Hash> leaves;
  leaves.reserve(lines.size());
  for (const auto& line : lines) {
    if (line.size() > kMaxLine || line.find('\n') != line.npos || sequence_of(line) != size_ + leaves.size()) {
      throw Error(Code::corrupt,
                  "not a line for record " + std::to_string(size_ + leaves.size()) + ": " + line.substr(0, 200));
    }
    leaves.push_back(leaf_hash(line));
  }
  return leaves;
}

Sequence AuditLog::end_of(const SegmentFile& file) const {
  return (file.first() / options_.records + 1) * options_.records;
}

// The empty segment that starts at `first`, made now if it isn't there. Its name is durable before anything is in it.
AuditLog::File AuditLog::file_from(Sequence first) {
  auto& file = prepared_[first];
  if (!file) {
    auto made = std::make_shared<SegmentFile>(folder_ / segment_name(first), first, 0, options_);
    made->make_room(0, Space::ordinary);
    sync_folder(folder_);
    file = std::move(made);
  }
  return file;
}

// Spreads lines over segments and makes room in each. Writes nothing.
std::vector<AuditLog::Chunk> AuditLog::plan(std::span<const std::string> lines, Space space) {
  std::vector<Chunk> chunks = {{current_, {}}};
  Sequence next = size_;
  for (const auto& line : lines) {
    if (next++ == end_of(*chunks.back().file)) chunks.push_back({file_from(next - 1), {}});
    (chunks.back().bytes += line) += '\n';
  }
  for (const auto& [file, bytes] : chunks) file->make_room(bytes.size(), space);
  try {  // the segment after these belongs to the reserve: at the end of this one it may be too late
    file_from(end_of(*chunks.back().file));
  } catch (const Error& e) {
    if (space == Space::ordinary || e.code() != Code::no_space) throw;
  }
  return chunks;
}

void AuditLog::undo(const std::vector<Chunk>& chunks, const std::vector<std::uint64_t>& sizes) {
  for (std::size_t i = sizes.size(); i-- > 0;) {  // backwards: a reader never sees a gap
    try {
      chunks[i].file->truncate_to(sizes[i]);
    } catch (const Error& e) {
      broken_ = std::string("half a batch could not be taken back: ") + e.what();
    }
  }
}

void AuditLog::write(const std::vector<Chunk>& chunks) {
  std::vector<std::uint64_t> sizes;
  try {
    for (const auto& [file, bytes] : chunks) {
      sizes.push_back(file->size());
      file->append(bytes);
    }
  } catch (const Error&) {
    undo(chunks, sizes);
    throw;
  }
}

void AuditLog::switch_to(const std::vector<Chunk>& chunks) {
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    current_->release();
    unsynced_.push_back(current_);
    current_ = chunks[i].file;
    current_time_ = 0;
    prepared_.erase(current_->first());
  }
}

Sequence AuditLog::append(std::span<const std::string> lines, Space space) {
  const std::lock_guard lock(mutex_);
  check_usable();
  if (lines.empty()) return size_;
  const auto leaves = check_lines(lines);
  try {
    const auto chunks = plan(lines, space);
    write(chunks);
    switch_to(chunks);
    if (current_time_ == 0) current_time_ = time_of(chunks.back().bytes).value_or(0);
  } catch (const Error& e) {
    // To a reserved record a full disk is no expected refusal: it can't be recorded at all.
    if (e.code() != Code::no_space || space == Space::ordinary) throw;
    throw Error(Code::no_reserve, std::string("the audit log's reserve is spent: ") + e.what());
  }
  leaves_.insert(leaves_.end(), leaves.begin(), leaves.end());
  last_leaf_ = leaves.back();
  size_ += lines.size();
  return size_ - lines.size();
}

void AuditLog::roll() {
  const std::lock_guard lock(mutex_);
  check_usable();
  if (current_->size() == 0) return;
  switch_to({{current_, {}}, {file_from(size_), {}}});
}

Nanos AuditLog::segment_time() const {
  const std::lock_guard lock(mutex_);
  return current_time_;
}

Sequence AuditLog::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

std::string AuditLog::last_leaf() const {
  const std::lock_guard lock(mutex_);
  return size_ == 0 ? "" : hex(last_leaf_);
}

Sequence AuditLog::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

std::string AuditLog::checkpoint_text() const {
  const std::lock_guard lock(mutex_);
  return checkpoint_text_;
}

Sequence AuditLog::sync() {
  const std::lock_guard one_at_a_time(sync_mutex_);  // those who waited find their records durable already
  std::vector<File> files;
  Sequence target = 0;
  {
    const std::lock_guard lock(mutex_);
    check_usable();
    if (synced_ == size_) return synced_;
    target = size_;
    files = std::move(unsynced_);
    unsynced_.clear();
    files.push_back(current_);
  }
  try {
    for (const auto& file : files) file->sync();
  } catch (const Error& e) {
    const std::lock_guard lock(mutex_);
    broken_ = std::string(e.what()) + "; restart, and check the disk first";
    throw Error(Code::io, "the audit log can't be made durable: " + broken_);
  }
  const std::lock_guard lock(mutex_);
  return synced_ = target;
}

Sequence AuditLog::checkpoint() {
  const std::lock_guard one_at_a_time(checkpoint_mutex_);
  return sign(false);
}

void AuditLog::rekey(SigningKey key) {
  sync();
  const std::lock_guard one_at_a_time(checkpoint_mutex_);
  key_ = std::move(key);
  sign(true);
}

Sequence AuditLog::sign(bool always) {
  TileWriter grown = tiles_;  // what is half written is written again the next time
  {
    const std::lock_guard lock(mutex_);
    check_usable();
    const auto count = static_cast<std::ptrdiff_t>(synced_ - tiles_.size());
    if (count == 0 && !always) return synced_;
    for (auto leaf = leaves_.begin(); leaf != leaves_.begin() + count; ++leaf) grown.append(*leaf);
  }
  grown.write();
  const std::string text = sign_checkpoint({origin_, grown.size(), grown.root()}, key_);
  write_durably(folder_ / "checkpoint", text);
  const std::lock_guard lock(mutex_);
  leaves_.erase(leaves_.begin(), leaves_.begin() + static_cast<std::ptrdiff_t>(grown.size() - tiles_.size()));
  checkpoint_text_ = text;
  tiles_ = std::move(grown);
  return tiles_.size();
}

}  // namespace ward::store
