// SPDX-License-Identifier: Apache-2.0
#include "store/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "store/crypto.h"
#include "store/error.h"
#include "store/files.h"
#include "store/seekable.h"
#include "store/segments.h"

namespace ward::store {
namespace {

constexpr std::size_t kBlock = 1 << 20;

/// Goes through a compressed text line by line, hashing all of it.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& path) : file_(open_file(path, O_RDONLY), path) {}
  /// The next line with its '\n', or what is left at the end; "" after that. Valid until the next call.
  std::string_view next() {
    text_.erase(0, used_);
    while (text_.find('\n') == std::string::npos && more()) {
    }
    const auto end = text_.find('\n');
    used_ = end == std::string::npos ? text_.size() : end + 1;
    return std::string_view(text_).substr(0, used_);
  }
  Sha256 sha256() { return hex(hasher_.finish()); }
  std::uint64_t size() const { return file_.size(); }

 private:
  bool more() {
    const auto kept = text_.size();
    text_.resize(kept + kBlock);
    text_.resize(kept + file_.read(text_.data() + kept, kBlock, at_));
    hasher_.update(text_.data() + kept, text_.size() - kept);
    at_ += text_.size() - kept;
    return text_.size() > kept;
  }

  SeekableFile file_;
  Hasher hasher_;
  std::string text_;
  std::size_t used_ = 0;  // of it
  std::uint64_t at_ = 0;
};

/// Of the snapshots that may begin a log whose lines begin at `first`, the oldest: pruning deletes oldest segments
/// first, and a crash among them leaves lines that the snapshot tells already. `first` when there is none, so that this
/// is told.
Sequence snapshot_at(const std::filesystem::path& store, Sequence first) {
  Sequence found = UINT64_MAX;
  std::error_code none;
  for (std::filesystem::directory_iterator file(store / "snapshots", none), end; !none && file != end;
       file.increment(none)) {
    const auto stem = file->path().stem().string();
    Sequence before = 0;
    std::from_chars(stem.data(), stem.data() + stem.size(), before);
    if (before >= first && file->path() == snapshot_path(store, before)) found = std::min(found, before);
  }
  return found == UINT64_MAX ? first : found;
}

}  // namespace

std::filesystem::path snapshot_path(const std::filesystem::path& store, Sequence before) {
  const auto digits = std::to_string(before);
  return store / "snapshots" / (std::string(20 - digits.size(), '0') + digits + ".zst");
}

Snapshot write_snapshot(const std::filesystem::path& store, const Catalog& catalog) {
  const auto path = snapshot_path(store, catalog.applied()), folder = path.parent_path();
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("make " + folder.string());
  const auto text = path.string() + ".text", packed = path.string() + ".new";
  const Unfinished raw(text);
  Snapshot snapshot{catalog.applied(), {}, 0};
  {
    const Fd fd = open_file(text, O_WRONLY | O_CREAT | O_TRUNC);
    Hasher hasher;
    std::string block;
    const auto write = [&] {
      hasher.update(block.data(), block.size());
      write_all(fd.get(), block, text);
      snapshot.size += block.size();
      block.clear();
    };
    catalog.dump([&](std::string_view line) {
      block += line;
      if (block.size() >= kBlock) write();
    });
    write();
    snapshot.sha256 = hex(hasher.finish());
  }
  compress_seekable(text, snapshot.size, packed);
  if (::rename(packed.c_str(), path.c_str()) != 0) throw_errno("rename " + packed);
  sync_folder(folder);
  sync_folder(store);
  return snapshot;
}

Snapshot restore_snapshot(const std::filesystem::path& store, Sequence before, Catalog& catalog) {
  const auto path = snapshot_path(store, before);
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw Error(Code::corrupt, path.string() + " is missing: the log begins at record " + std::to_string(before) +
                                   ", and what was before stands only there; restore it from a backup");
  Lines lines(path);
  catalog.restore([&] { return lines.next(); });
  if (catalog.applied() != before)
    throw Error(Code::corrupt, path.string() + " is the snapshot before record " + std::to_string(catalog.applied()));
  return {before, lines.sha256(), lines.size()};
}

Snapshot restore_start(const std::filesystem::path& store, Catalog& catalog) {
  const auto all = segments(store / "audit");
  if (all.empty() || all.front().first == 0) return {};
  return restore_snapshot(store, snapshot_at(store, all.front().first), catalog);
}

void SnapshotProof::see(const Record& record) {
  const auto* prune = std::get_if<Prune>(&record.payload);
  if (prune != nullptr && prune->before == used_.before)
    proven_ = prune->snapshot == used_.sha256 && prune->size == used_.size;
}

void SnapshotProof::finish() const {
  if (proven_) return;
  throw Error(Code::corrupt, "the snapshot before record " + std::to_string(used_.before) +
                                 " isn't the one that the log's prune record names; restore STORE/snapshots from a "
                                 "backup");
}

}  // namespace ward::store
