// SPDX-License-Identifier: Apache-2.0
// /proc files of calling threads, kept open between calls: reading them again is twice as fast as opening them again,
// and an open one stays bound to its process, so that a reused thread id is never taken for the one before.
// Private to process.cc and process_family.cc.
#pragma once
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/files.h"
#include "store/process.h"

namespace ward::store {

/// What /proc/PID/stat tells.
struct ProcStat {
  std::int32_t pid = 0, parent = 0, group = 0, session = 0, exit_code = 0;
  std::uint32_t flags = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t exec_mark =
      0;  // digest of where the program's code and stack lie, which each exec draws anew; 0 = hidden
};

/// What /proc/TID/status tells.
struct ProcStatus {
  std::int32_t pid = 0;
  std::uint32_t uid = 0, fsuid = 0, fsgid = 0;
  bool one_uid = false;     // real, effective and saved are the same
  bool has_memory = false;  // false while exiting
  std::vector<std::uint32_t> groups;
};

/// nullopt when the text is not what the kernel writes.
std::optional<ProcStat> parse_stat(std::string_view text);
std::optional<ProcStatus> parse_status(std::string_view text);

Fd open_proc(const std::string& path);  // empty when it can't be opened
/// A file of /proc, from its start; "" when it can't be read (its process is gone).
std::string read_proc(int fd);
std::string read_proc(const std::string& path);
/// Target of a link of /proc; "" when it can't be read.
std::string read_proc_link(const std::string& path);

/// /proc/PID/task/PID/stat: the process's main thread, without the sums over all threads, which take longer.
std::string main_stat_path(std::int32_t pid);

/// Hash over boot, process, start and exec.
std::string entity_id(std::int32_t pid, std::uint64_t start_ticks, std::uint64_t exec_mark);

/// The family of a caller whose other fields are filled; remembered by entity id. Null when a process above hangs in an
/// execve, which hides it.
std::shared_ptr<const Family> family_of(const Caller& caller);

/// The open files of one thread, and what is derived from what they last said.
struct ProcFiles {
  Fd status, login, main_stat;
  std::int32_t pid = 0;  // that main_stat belongs to
  std::uint64_t start_ticks = 0, exec_mark = 0;
  std::string entity_id, executable;  // of that start and exec; executable is asked again when exec_mark is 0
};

/// Thread-safe. At most `limit` sets of files stay open (three descriptors each); who takes one has it alone.
class ProcFilesCache {
 public:
  explicit ProcFilesCache(std::size_t limit) : limit_(limit) {}
  /// The files of thread `tid` as they were given back, or newly opened ones. Null when there is no such thread.
  std::unique_ptr<ProcFiles> take(std::int32_t tid);
  std::unique_ptr<ProcFiles> open(std::int32_t tid) const;
  void give_back(std::int32_t tid, std::unique_ptr<ProcFiles> files);

 private:
  using Kept = std::pair<std::int32_t, std::unique_ptr<ProcFiles>>;
  const std::size_t limit_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // oldest first
  std::unordered_map<std::int32_t, std::list<Kept>::iterator> by_tid_;
};

}  // namespace ward::store
