// SPDX-License-Identifier: Apache-2.0
#include "store/intent.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>

#include "store/patience.h"
#include "store/proc_files.h"
#include "store/requester.h"

namespace ward::store {
namespace {

/// Calls with a path that open nothing. None of these numbers means an opening call in the 32-bit ABI of the same
/// machine (where those of xattrs do, on other processors than x86-64).
constexpr long kHarmless[] = {
#ifdef __x86_64__
    SYS_stat,       SYS_lstat,     SYS_access,    SYS_rename,     SYS_link,       SYS_unlink,      SYS_rmdir,
    SYS_mkdir,      SYS_symlink,   SYS_chmod,     SYS_chown,      SYS_lchown,     SYS_mknod,       SYS_setxattr,
    SYS_lsetxattr,  SYS_getxattr,  SYS_lgetxattr, SYS_listxattr,  SYS_llistxattr, SYS_removexattr, SYS_lremovexattr,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_fchmodat2
    SYS_fchmodat2,
#endif
    SYS_newfstatat, SYS_statx,     SYS_faccessat, SYS_faccessat2, SYS_renameat2,  SYS_linkat,      SYS_unlinkat,
    SYS_mkdirat,    SYS_symlinkat, SYS_mknodat,   SYS_fchmodat,   SYS_fchownat,   SYS_utimensat,   SYS_truncate,
    SYS_statfs,     SYS_bind};

constexpr Intent kEverything{kRead | kWrite, false, false, false};

Intent of_open(std::uint64_t flags) {
  Intent intent;
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return intent;  // fails, since the name stands
  intent.creates = (flags & O_CREAT) != 0;
  intent.by_path = (flags & O_PATH) != 0;
  intent.access = kRead | kWrite;
  if (!intent.by_path && (flags & O_TRUNC) == 0) {
    if ((flags & O_ACCMODE) == O_RDONLY) intent.access = kRead;
    if ((flags & O_ACCMODE) == O_WRONLY) intent.access = kWrite;
  }
  return intent;
}

}  // namespace

Intent parse_intent(std::string_view text) {
  const std::string line(text);
  char* end = nullptr;
  const long number = std::strtol(line.c_str(), &end, 10);
  if (end == line.c_str() || *end != ' ') return kEverything;  // "running", or nothing at all
  std::uint64_t arguments[3] = {};
  for (auto& argument : arguments) argument = std::strtoull(end, &end, 16);
  Intent link;
  link.reads = number == SYS_readlinkat;
#ifdef SYS_readlink
  link.reads = link.reads || number == SYS_readlink;
#endif
  if (link.reads) return link;
  if (std::find(std::begin(kHarmless), std::end(kHarmless), number) != std::end(kHarmless)) return {};
#ifdef SYS_open
  if (number == SYS_open) return of_open(arguments[1]);
#endif
  if (number == SYS_openat) return of_open(arguments[2]);
  if (number == SYS_connect || number == SYS_sendto || number == SYS_sendmsg) return {kWrite, false, false, false};
  return kEverything;
}

Intent intent_of(std::uint32_t uid, std::int32_t tid) {
  const auto text = std::make_shared<std::string>();
  const auto read = [text, tid] { *text = read_proc("/proc/" + std::to_string(tid) + "/syscall"); };
  return in_time(uid, kPatience, read) ? parse_intent(*text) : kEverything;
}

}  // namespace ward::store
