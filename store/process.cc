// SPDX-License-Identifier: Apache-2.0
#include "store/process.h"

#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "store/patience.h"
#include "store/proc_files.h"

namespace ward::store {
namespace {

constexpr std::uint32_t kKilledBySignal = 0x400;  // PF_SIGNALED of the kernel

/// Reads the thread's status; `files` become new ones when those kept belonged to a thread that is gone.
std::optional<ProcStatus> read_status(const ProcFilesCache& cache, std::int32_t tid,
                                      std::unique_ptr<ProcFiles>& files) {
  for (int attempt = 0; files && attempt < 2; ++attempt) {
    if (auto status = parse_status(read_proc(files->status.get()))) return status;
    files = cache.open(tid);
  }
  return std::nullopt;
}

std::optional<ProcStat> read_stat(std::int32_t tid, std::int32_t pid, ProcFiles& files) {
  if (!files.main_stat || files.pid != pid) {
    files.main_stat = open_proc(main_stat_path(pid));
    files.pid = pid;
  }
  if (!files.main_stat) return std::nullopt;
  auto stat = parse_stat(read_proc(files.main_stat.get()));
  if (stat && stat->exec_mark == 0 && tid != pid)  // the main thread has ended; this one still has the memory
    if (const auto own = parse_stat(read_proc("/proc/" + std::to_string(tid) + "/stat")))
      stat->exec_mark = own->exec_mark;
  return stat;
}

/// What only a start or an exec changes.
void refresh(ProcFiles& files, std::int32_t tid, const ProcStat& stat) {
  const bool same =
      files.start_ticks == stat.start_ticks && files.exec_mark == stat.exec_mark && !files.entity_id.empty();
  if (same && stat.exec_mark != 0) return;
  files.start_ticks = stat.start_ticks, files.exec_mark = stat.exec_mark;
  files.entity_id = entity_id(files.pid, stat.start_ticks, stat.exec_mark);
  files.executable = read_proc_link("/proc/" + std::to_string(tid) + "/exe");
}

std::uint32_t read_login(const ProcFiles& files) {
  const auto text = files.login ? read_proc(files.login.get()) : std::string();
  return text.empty() ? kUnsetLogin : static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

std::int64_t clock_nanos(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

}  // namespace

Caller identify(std::uint32_t uid, std::uint32_t gid, std::int32_t tid) {
  static ProcFilesCache cache(64);
  Caller caller;
  caller.uid = uid, caller.gid = gid, caller.tid = tid;
  if (tid <= 0) return caller;
  auto files = cache.take(tid);
  auto status = read_status(cache, tid, files);
  if (!status) return caller;
  caller.pid = status->pid;
  if (status->fsuid == uid && status->fsgid == gid) caller.groups = std::move(status->groups);
  caller.login = read_login(*files);
  const auto stat = read_stat(tid, status->pid, *files);
  if (!stat) return caller;
  refresh(*files, tid, *stat);
  caller.parent = stat->parent, caller.session = stat->session, caller.group = stat->group;
  caller.start_ticks = stat->start_ticks, caller.exec_mark = stat->exec_mark;
  caller.entity_id = files->entity_id, caller.executable = files->executable;
  caller.family = family_of(caller);
  caller.known = true;
  cache.give_back(tid, std::move(files));
  return caller;
}

std::vector<std::uint32_t> groups_of(std::uint32_t uid, std::uint32_t gid, std::int32_t tid) {
  if (tid <= 0) return {};
  auto status = parse_status(read_proc("/proc/" + std::to_string(tid) + "/status"));
  if (!status || status->fsuid != uid || status->fsgid != gid) return {};
  return std::move(status->groups);
}

std::int32_t process_of_thread(std::int32_t tid) {
  const auto status = parse_status(read_proc("/proc/" + std::to_string(tid) + "/status"));
  return status ? status->pid : 0;
}

bool killed_by_signal(std::int32_t tid) {
  const auto folder = "/proc/" + std::to_string(tid);
  const auto status = parse_status(read_proc(folder + "/status"));
  if (!status || status->has_memory) return false;  // with memory it may be in an execve, whose stat would block
  const auto stat = parse_stat(read_proc(folder + "/stat"));
  if (!stat || (stat->flags & kKilledBySignal) == 0) return false;
  // The kernel ends the other threads of a process that calls exit with a signal as well: the exit code tells. It is
  // shown as 0 to those who may not trace the process; then the flag alone has to do.
  const bool shown = ::geteuid() == 0 || (status->one_uid && status->uid == ::geteuid());
  return !shown || (stat->exit_code & 0x7f) != 0;
}

std::string command_line(const Caller& caller) {
  const auto line = std::make_shared<std::string>();
  const auto file = "/proc/" + std::to_string(caller.pid) + "/cmdline";
  // Only a digest of it is kept, for people: not worth a long wait.
  return in_time(caller.uid, kPatience / 4, [line, file] { *line = read_proc(file); }) ? *line : "";
}

Nanos wall_time(std::uint64_t start_ticks) {
  static const std::int64_t nanos_per_tick = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return clock_nanos(CLOCK_REALTIME) - clock_nanos(CLOCK_BOOTTIME) +
         static_cast<std::int64_t>(start_ticks) * nanos_per_tick;
}

const std::string& boot_id() {
  static const std::string id = [] {
    auto text = read_proc("/proc/sys/kernel/random/boot_id");
    return text.substr(0, text.find('\n'));
  }();
  return id;
}

}  // namespace ward::store
