// SPDX-License-Identifier: Apache-2.0
// Looks after the closed segments of the log on a thread of its own: each gets its index, then it is compressed, in the
// end it is pruned.
#pragma once
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "store/segments.h"

namespace ward::store {

/// Replaces NNN.jsonl by NNN.jsonl.zst, having compared their texts; a crash leaves either or both. Throws Error{io},
/// {no_space}, {corrupt}: then the text stands as it was.
void compress_segment(const Segment& segment);

/// Indexes and compresses the closed segments below record `covered`, until nothing is left to do or `stop()`. Throws
/// as compress_segment.
void look_after(const std::filesystem::path& audit, const std::filesystem::path& index, Sequence covered,
                const std::function<bool()>& stop);

/// Thread-safe.
class LogKeeper {
 public:
  using Stop = std::function<bool()>;
  /// Makes the folder of the indexes. `prune` takes old segments away; it is called after each round, now and then.
  LogKeeper(std::filesystem::path audit, std::filesystem::path index, std::function<void(const Stop&)> prune);
  ~LogKeeper();  // after the segment that it is at
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  /// A checkpoint covers the first `covered` records now: segments below it may be looked after.
  void wake(Sequence covered);

 private:
  void run();

  const std::filesystem::path audit_, index_;
  const std::function<void(const Stop&)> prune_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  Sequence covered_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ward::store
