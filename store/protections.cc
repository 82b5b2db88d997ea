// SPDX-License-Identifier: Apache-2.0
#include "store/protections.h"

#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "store/proc_files.h"

namespace ward::store {
namespace {

/// The switch's value; on if it can't be read.
long value_of(const char* name) {
  const auto text = read_proc(std::string("/proc/sys/fs/protected_") + name);
  return text.empty() ? 1 : std::strtol(text.c_str(), nullptr, 10);
}

bool trusted_in(const Requester& who, const Inode& folder, const Inode& inode) {
  return (folder.mode & S_ISVTX) == 0 || inode.uid == who.uid() || inode.uid == folder.uid;
}

}  // namespace

bool may_be_linked(const Requester& who, const Inode& inode) {
  if (who.root() || who.uid() == inode.uid) return true;
  const bool set_group = (inode.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
  const bool harmless = inode.kind == Kind::file && (inode.mode & S_ISUID) == 0 && !set_group;
  return (harmless && mode_allows(who, inode, kRead | kWrite)) || value_of("hardlinks") == 0;
}

bool may_be_followed(const Requester& who, const Inode& folder, const Inode& link) {
  return trusted_in(who, folder, link) || (folder.mode & S_IWOTH) == 0 || value_of("symlinks") == 0;
}

bool may_be_created_over(const Requester& who, const Inode& folder, const Inode& inode) {
  if (trusted_in(who, folder, inode) || (folder.mode & (S_IWOTH | S_IWGRP)) == 0) return true;
  const char* name = inode.kind == Kind::file ? "regular" : inode.kind == Kind::fifo ? "fifos" : nullptr;
  const long level = name != nullptr ? value_of(name) : 1;
  return (folder.mode & S_IWOTH) != 0 ? level == 0 : level < 2;
}

}  // namespace ward::store
