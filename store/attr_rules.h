// SPDX-License-Identifier: Apache-2.0
// Who may change which attribute, and what else changes with it: chmod, chown and utimensat as on any Linux disk. A
// pure function; policy comes on top.
#pragma once
#include <optional>

#include "store/requester.h"

namespace ward::store {

struct AttrChange {
  std::optional<std::uint32_t> mode, uid, gid;
  std::optional<std::uint64_t> size;
  std::optional<Nanos> atime, mtime;
  bool atime_now = false, mtime_now = false;

  bool owner() const { return uid || gid; }
  bool times() const { return atime || mtime || atime_now || mtime_now; }
  bool only_size() const { return size && !mode && !owner() && !times(); }
  /// What is left of chown(-1, -1), which changes no owner and yet does to the mode what a change of owner does; and
  /// what the kernel sends before some writes, by whoever may write, to have privileges taken away.
  bool nothing() const { return !size && !mode && !owner() && !times(); }
};

/// What to record, or the errno and why.
struct Ruling {
  int error = 0;
  const char* reason = "";
  SetAttr set;
};

/// `written`: somebody has the file open for writing.
Ruling rule_on(const Requester& who, const Inode& inode, const AttrChange& change, bool written, Nanos now);

}  // namespace ward::store
