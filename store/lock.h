// SPDX-License-Identifier: Apache-2.0
// One store, one user of it: the daemon, or an offline command such as fsck.
#pragma once
#include <filesystem>

#include "store/files.h"

namespace ward::store {

/// Holds STORE/lock exclusively (flock) while it exists. The kernel lets go when the process ends, however it ends, so
/// a lock is never stale; the holder's pid in the file is for messages only. Movable.
class StoreLock {
 public:
  /// Throws Error{busy} naming the holder, Error{io} when the file can't be opened. Doesn't wait. Take it after any
  /// fork: parent and child would share it.
  explicit StoreLock(const std::filesystem::path& store);

 private:
  Fd fd_;
};

}  // namespace ward::store
