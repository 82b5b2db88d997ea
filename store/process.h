// SPDX-License-Identifier: Apache-2.0
// Who is calling: what /proc tells about a thread while it is blocked in the kernel, waiting for our answer.
//
// All functions are thread-safe. Call them with no lock held: /proc/PID/stat of a process in the middle of an execve
// blocks until the FLUSHes of its close-on-exec descriptors are answered. So other processes than the caller are looked
// at with a deadline (patience.h), and in FLUSH itself only killed_by_signal() may be called; everything else about the
// caller was learned when it opened the file.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/types.h"

namespace ward::store {

/// A process above another one.
struct Ancestor {
  std::int32_t pid = 0, session = 0, group = 0;  // group: process group
  std::uint64_t start_ticks = 0, exec_mark = 0;  // as in Caller
  std::string entity_id;
};

/// Where a process stands among others, as of its first call; only lineage needs it.
struct Family {
  std::vector<Ancestor> ancestors;          // nearest first, without pid 1
  std::uint64_t pipe_in = 0, pipe_out = 0;  // inode of the pipe that is stdin, stdout; 0 = not a pipe
};

/// A calling thread and its process. uid and gid are the request's; all else is best effort and empty when /proc hides
/// it. Nothing here but uid, gid and groups may ever be what permits: a process can dress up as another.
struct Caller {
  std::uint32_t uid = 0, gid = 0;
  std::int32_t tid = 0;                             // as the request says
  std::int32_t pid = 0;                             // thread group
  std::int32_t parent = 0, session = 0, group = 0;  // process ids; group: process group
  std::vector<std::uint32_t> groups;                // supplementary; empty when fsuid or fsgid aren't the request's
  std::uint32_t login = kUnsetLogin;                // loginuid
  std::string executable;                           // path, raw bytes; of a deleted one as the kernel says it
  std::uint64_t start_ticks = 0;                    // of the process, in clock ticks since boot
  std::uint64_t exec_mark = 0;                      // differs between execs of one process; 0 = can't be seen
  std::string entity_id;                            // 16 hex digits: boot, pid, start and exec, hashed; "" if unknown
  std::shared_ptr<const Family> family;             // null if unknown, and while a process above hangs in an execve
  bool known = false;                               // /proc told; false for pid 0 and for a caller that is gone
};

/// Everything about the calling thread `tid`, read afresh on each call, so that groups are never stale. Only the family
/// is remembered, for the activities that called last. May wait until an ancestor inside an execve has closed its files
/// on a mount of ours: never call it holding a lock that answering that close needs.
Caller identify(std::uint32_t uid, std::uint32_t gid, std::int32_t tid);

/// The supplementary groups alone, as in Caller. Unlike identify() it never waits, so it may be called under a lock: of
/// a process inside an execve /proc shows the status at once, but `stat` only after its files are closed.
std::vector<std::uint32_t> groups_of(std::uint32_t uid, std::uint32_t gid, std::int32_t tid);

/// The process (thread group) of a thread; 0 when there is none. Never blocks.
std::int32_t process_of_thread(std::int32_t tid);

/// For FLUSH: whether thread `tid` is exiting because a signal killed its process, so that the file it leaves behind
/// may be half written. False when it is alive, inside an execve or gone, and when it called exit, threads or no
/// threads.
bool killed_by_signal(std::int32_t tid);

/// The command line with its NULs, for a digest; "" when it can't be read in time: a process can put its arguments into
/// a mapping that nobody fills. Call it once per activity, on OPEN.
std::string command_line(const Caller& caller);

/// Wall-clock time of a start time; good to 10 ms, and as steady as the wall clock is.
Nanos wall_time(std::uint64_t start_ticks);

/// Names from the machine's user database (NSS), remembered for 60 s; "" = it has none. When the database fails, the
/// last known name stays: a rule that forbids by name must not lapse with it. The database's files must not be on a
/// WardFS mount of the calling daemon.
std::string user_name(std::uint32_t uid);
std::string group_name(std::uint32_t gid);

/// The kernel's random id of this boot.
const std::string& boot_id();

}  // namespace ward::store
