// SPDX-License-Identifier: Apache-2.0
#include "store/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "store/error.h"
#include "store/files.h"

namespace ward::store {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostError = 4096;

struct Pipe {
  Fd read, write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
    read = Fd(ends[0]), write = Fd(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
};

/// A descriptor above the standard ones: a daemon in the foreground may have been started without these.
Fd raised(Fd fd) {
  if (fd.get() > 2) return fd;
  Fd other(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!other) throw_errno("duplicate a descriptor");
  return other;
}

/// A file in memory: unlike a pipe it takes all at once, whatever the reader does.
Fd file_of(const std::string& text) {
  Fd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd) throw_errno("memfd_create");
  write_all(fd.get(), text, "the program's input");
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) throw_errno("seek in the program's input");
  return raised(std::move(fd));
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

/// The child's side: only what is allowed between fork and exec in a program with threads. Ends with errno in `failed`.
[[noreturn]] void become(char* const* arguments, char* const* environment, const int (&three)[3], int failed) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a daemon that is killed leaves no program behind
  ::umask(077);                        // the daemon's own is 0
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  bool good = ::chdir("/") == 0;
  for (int i = 0; i < 3; ++i) good = good && ::dup2(three[i], i) == i;  // the three are above 2: see run_child
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  if (good) ::execve(arguments[0], arguments, environment);
  const int error = errno;
  static_cast<void>(!::write(failed, &error, sizeof error));
  ::_exit(127);
}

/// Starts the program; 0 when it can't be, and errno in `error`.
pid_t start(const ChildRequest& request, const Fd& out, const Fd& err, int& error) {
  Pipe failed;
  const Fd in = file_of(request.input);
  Fd told = raised(std::move(failed.write));
  const int three[3] = {in.get(), out.get(), err.get()};
  auto arguments = pointers(request.command), environment = pointers(request.environment);
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) become(arguments.data(), environment.data(), three, told.get());
  told = Fd();
  pollfd wait{failed.read.get(), POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
  if (::read(failed.read.get(), &error, sizeof error) != sizeof error) return pid;  // closed by a good exec
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

/// A running program, killed with its group and waited for at the end.
class Running {
 public:
  explicit Running(pid_t pid) : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Running() { end(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  int handle() const { return handle_.get(); }  // readable once it has ended
  /// Its wait status. The group goes before the leader is waited for: until then nobody else can have its number.
  int end() {
    if (pid_ == 0) return status_;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // it may not have come to its own group yet
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status_;
  }

 private:
  pid_t pid_;
  Fd handle_;
  int status_ = 0;
};

/// Takes one block of what is there and keeps as much as may be kept, and a byte more; false at the end of the stream.
/// One block: a program that writes faster than we read mustn't keep us from looking at the clock.
bool take(const Fd& from, std::string& into, std::size_t most) {
  char block[16 * 1024];
  const auto n = ::read(from.get(), block, sizeof block);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  into.append(block, std::min(static_cast<std::size_t>(n), most + 1 - std::min(most + 1, into.size())));
  return n != 0;
}

/// What a program that has ended left in its pipes.
void drain(const Fd& from, std::string& into, std::size_t most) {
  constexpr int kMostBlocks = 64;  // of a pipe of 1 MiB, which is as large as they get
  for (int i = 0; i < kMostBlocks && into.size() <= most && take(from, into, most); ++i) {
  }
}

ChildEnd watch(const ChildRequest& request, const Running& child, const Fd& out, const Fd& err, ChildResult& result) {
  const auto deadline = Clock::now() + request.timeout;
  bool more_out = true, more_err = true;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return ChildEnd::timed_out;
    pollfd wait[] = {{more_out ? out.get() : -1, POLLIN, 0},
                     {more_err ? err.get() : -1, POLLIN, 0},
                     {child.handle(), POLLIN, 0},
                     {request.stop, POLLIN, 0}};
    if (::poll(wait, std::size(wait), static_cast<int>(left)) < 0 && errno != EINTR) throw_errno("poll");
    if (wait[0].revents != 0) more_out = take(out, result.output, request.most);
    if (wait[1].revents != 0) more_err = take(err, result.error, kMostError);
    if (result.output.size() > request.most) return ChildEnd::too_long;
    if (wait[3].revents != 0) return ChildEnd::timed_out;
    if (wait[2].revents == 0) continue;
    drain(out, result.output, request.most);
    drain(err, result.error, kMostError);
    return result.output.size() > request.most ? ChildEnd::too_long : ChildEnd::exited;
  }
}

}  // namespace

ChildResult run_child(const ChildRequest& request) {
  ChildResult result;
  Pipe out, err;
  out.write = raised(std::move(out.write)), err.write = raised(std::move(err.write));
  int error = 0;
  const pid_t pid = start(request, out.write, err.write, error);
  if (pid == 0) {
    result.error = request.command.front() + ": " + std::strerror(error);
    return result;
  }
  Running child(pid);
  if (child.handle() < 0) throw_errno("pidfd_open");
  out.write = Fd(), err.write = Fd();
  result.end = watch(request, child, out.read, err.read, result);
  const int status = child.end();
  if (result.end == ChildEnd::exited && WIFSIGNALED(status)) result.end = ChildEnd::signalled;
  if (result.end == ChildEnd::exited) result.code = static_cast<unsigned>(WEXITSTATUS(status));
  if (result.end == ChildEnd::signalled) result.code = static_cast<unsigned>(WTERMSIG(status));
  result.output.resize(std::min(result.output.size(), request.most));
  result.error.resize(std::min(result.error.size(), kMostError));
  return result;
}

}  // namespace ward::store
