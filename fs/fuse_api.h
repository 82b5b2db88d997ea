// SPDX-License-Identifier: Apache-2.0
// The one place that includes libfuse, with what its versions differ in.
#pragma once
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

namespace ward::fs {

/// libfuse >= 3.17: passthrough, mmap of direct-I/O files, O_TMPFILE, suid clearing left to us.
inline constexpr bool kModernFuse = FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17);

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
#define WARD_MODERN_FUSE 1
#else
#define WARD_MODERN_FUSE 0
#endif

}  // namespace ward::fs
