// SPDX-License-Identifier: Apache-2.0
// What the flags of an open ask for.
#pragma once
#include <fcntl.h>

namespace ward::store {

inline constexpr int kExecFlag = 0x20;  // __FMODE_EXEC: the kernel opens to execute

inline bool writes(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
}
inline bool reads(int flags) {
  return (flags & O_ACCMODE) != O_WRONLY;
}

/// As the log says it.
inline const char* mode_name(int flags) {
  if ((flags & kExecFlag) != 0) return "x";
  if ((flags & O_ACCMODE) == O_RDWR) return "rw";
  return writes(flags) ? "w" : "r";
}

}  // namespace ward::store
