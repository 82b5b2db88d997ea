// SPDX-License-Identifier: Apache-2.0
#include "store/log_keeper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "store/error.h"
#include "store/log_index.h"
#include "store/segment_text.h"

namespace ward::store {
namespace {

constexpr std::size_t kBlock = 1 << 20;

bool same_text(SegmentText& one, SegmentText& other, std::uint64_t size) {
  for (std::uint64_t at = 0; at < size; at += kBlock)
    if (one.read(kBlock, at) != other.read(kBlock, at)) return false;
  return one.size() == size && other.size() == size;
}

}  // namespace

void compress_segment(const Segment& segment) {
  const auto folder = segment.file.parent_path(), packed = folder / (segment.file.filename().string() + ".zst");
  // As a temporary name it has a dot in front, which the mount doesn't show.
  const auto fresh = folder / ("." + packed.filename().string());
  compress_seekable(segment.file, segment.bytes, fresh);
  SegmentText plain(segment.file), compressed(fresh);
  if (!same_text(plain, compressed, segment.bytes)) {
    ::unlink(fresh.c_str());
    throw Error(Code::corrupt, segment.file.string() + " isn't what was compressed of it: it is kept as it is");
  }
  if (::rename(fresh.c_str(), packed.c_str()) != 0) throw_errno("rename " + fresh.string());
  sync_folder(folder);
  if (::unlink(segment.file.c_str()) != 0) throw_errno("delete " + segment.file.string());
}

void look_after(const std::filesystem::path& audit, const std::filesystem::path& index, Sequence covered,
                const std::function<bool()>& stop) {
  const auto all = segments(audit);
  for (std::size_t i = 0; i + 1 < all.size() && all[i + 1].first <= covered && !stop(); ++i) {
    if (!SegmentIndex::open(index, all[i])) SegmentIndex::write(index, all[i]);
    if (all[i].file == plain_name(all[i].file)) compress_segment(all[i]);
  }
}

LogKeeper::LogKeeper(std::filesystem::path audit, std::filesystem::path index, std::function<void(const Stop&)> prune)
    : audit_(std::move(audit)), index_(std::move(index)), prune_(std::move(prune)) {
  if (::mkdir(index_.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("mkdir " + index_.string());
  thread_ = std::thread([this] { run(); });
}

LogKeeper::~LogKeeper() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogKeeper::wake(Sequence covered) {
  const std::scoped_lock lock(mutex_);
  covered_ = covered;
  wake_.notify_one();
}

void LogKeeper::run() {
  constexpr Sequence kFew = 1024;  // not every second a listing of all segments
  const auto stopping = [this] {
    const std::scoped_lock lock(mutex_);
    return stopping_;
  };
  constexpr auto kNow = std::chrono::minutes(1);
  Sequence seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, kNow, [&] { return stopping_ || covered_ > seen + kFew || (covered_ > seen && seen == 0); });
    if (stopping_) return;
    const auto covered = seen = covered_;
    lock.unlock();
    try {
      look_after(audit_, index_, covered, stopping);
      if (!stopping()) prune_(stopping);
    } catch (const Error& error) {  // tried again later: questions take longer, and the disk fills sooner, no more
      std::fprintf(stderr, "ward: looking after the log: %s\n", error.what());
    }
    lock.lock();
  }
}

}  // namespace ward::store
