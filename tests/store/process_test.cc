// SPDX-License-Identifier: Apache-2.0
// Goal: the caller that the store sees is the one that calls: fresh rights, the right process, and a killed writer told
// from one that left. Method: real child processes that stand still at a pipe (as a caller stands still in the kernel)
// while this process looks at them through /proc; zombies stand for processes that are exiting.
#include "store/process.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "store/files.h"
#include "store/proc_files.h"
#include "tests/catch.h"

using namespace ward::store;

namespace {

struct Pipe {
  Fd read, write;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read = Fd(ends[0]), write = Fd(ends[1]);
  }
  std::uint64_t inode() const {
    struct stat status {};
    ::fstat(read.get(), &status);
    return status.st_ino;
  }
};

void tell(const Pipe& pipe) {
  (void)!::write(pipe.write.get(), "x", 1);
}

/// Waits for a byte; false when the other end is gone.
bool hear(const Pipe& pipe) {
  char byte = 0;
  return ::read(pipe.read.get(), &byte, 1) == 1;
}

/// A child that runs `body` and is ended and reaped with this object. In the child, `step()` says "I am there" and
/// waits until the parent says go on; the parent's `arrived()` and `go_on()` are the other side of it.
class Child {
 public:
  explicit Child(const std::function<void(Child&)>& body) {
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ != 0) return;
    body(*this);
    std::_Exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  int pid() const { return pid_; }
  void step() { tell(up_), hear(down_); }
  void arrived() { REQUIRE(hear(up_)); }
  void go_on() { tell(down_); }
  /// Waits until it has ended, and leaves it a zombie.
  void ended() const {
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) == 0);
  }
  Caller caller() const { return identify(::getuid(), ::getgid(), pid_); }

 private:
  Pipe up_, down_;
  int pid_ = 0;
};

void become_cat(const Pipe& input, const Pipe& output) {
  ::dup2(input.read.get(), 0), ::dup2(output.write.get(), 1);
  ::execl("/bin/cat", "cat", static_cast<char*>(nullptr));
}

}  // namespace

TEST_CASE("a caller is known by its process, session, executable and ancestors") {
  Child child([](Child& self) {
    ::setsid();
    ::prctl(PR_SET_NAME, "odd) R 1 (x");  // a name that looks like the fields after it
    self.step();
  });
  child.arrived();
  const auto caller = child.caller();
  CHECK(caller.known);
  CHECK(caller.pid == child.pid());
  CHECK(caller.parent == ::getpid());
  CHECK(caller.session == child.pid());
  CHECK(caller.group == child.pid());
  CHECK(caller.executable == read_proc_link("/proc/self/exe"));
  CHECK(caller.entity_id.size() == 16);
  const auto me = identify(::getuid(), ::getgid(), ::getpid());
  CHECK(caller.login == me.login);
  CHECK(caller.start_ticks >= me.start_ticks);
  REQUIRE_FALSE(caller.family->ancestors.empty());
  CHECK(caller.family->ancestors[0].pid == ::getpid());
  CHECK(caller.family->ancestors[0].entity_id == me.entity_id);
  CHECK(caller.exec_mark == me.exec_mark);  // forked, not exec'd
  CHECK(caller.entity_id != me.entity_id);
}

TEST_CASE("an exec makes another activity of the same process") {
  Pipe input, output;
  Child child([&](Child& self) {
    self.step();
    become_cat(input, output);
  });
  child.arrived();
  const auto before = child.caller();
  child.go_on();
  tell(input);
  REQUIRE(hear(output));  // cat is there: it has copied a byte
  const auto after = child.caller();
  CHECK(after.pid == before.pid);
  CHECK(after.start_ticks == before.start_ticks);
  CHECK(after.exec_mark != before.exec_mark);
  CHECK(after.entity_id != before.entity_id);
  CHECK(after.executable.ends_with("/cat"));
  CHECK(after.family->pipe_in == input.inode());
  CHECK(after.family->pipe_out == output.inode());
}

TEST_CASE("supplementary groups are those of this moment and of the one who asks") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: needs root, to change groups");
    return;
  }
  Child child([](Child& self) {
    const gid_t first[] = {50, 60}, then[] = {70};
    (void)!::setgroups(2, first);
    self.step();
    (void)!::setgroups(1, then);
    self.step();
    (void)!::setresuid(65534, 65534, 0);
    self.step();
  });
  child.arrived();
  CHECK(child.caller().groups == std::vector<std::uint32_t>{50, 60});
  child.go_on();
  child.arrived();
  CHECK(child.caller().groups == std::vector<std::uint32_t>{70});
  child.go_on();
  child.arrived();
  CHECK(child.caller().groups.empty());  // the request said uid 0; the thread acts as another
  CHECK(identify(65534, ::getgid(), child.pid()).groups == std::vector<std::uint32_t>{70});
}

TEST_CASE("more groups than fit a page are all there") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: needs root, to change groups");
    return;
  }
  std::vector<std::uint32_t> many;
  for (std::uint32_t gid = 100'000; gid < 103'000; ++gid) many.push_back(gid);
  Child child([&](Child& self) {
    (void)!::setgroups(many.size(), many.data());
    self.step();
  });
  child.arrived();
  CHECK(child.caller().groups == many);
}

TEST_CASE("a thread's caller is its process") {
  std::atomic<std::int32_t> tid = 0;
  Pipe stop;
  std::thread thread([&] {
    tid = ::gettid();
    tid.notify_one();
    hear(stop);
  });
  tid.wait(0);
  const auto caller = identify(::getuid(), ::getgid(), tid), main_thread = identify(::getuid(), ::getgid(), ::getpid());
  tell(stop);
  thread.join();
  CHECK(caller.tid == tid);
  CHECK(caller.pid == ::getpid());
  CHECK(caller.entity_id == main_thread.entity_id);
}

TEST_CASE("nobody is known behind pid 0 and a process that is gone") {
  CHECK_FALSE(identify(0, 0, 0).known);
  std::int32_t gone = 0;
  {
    Child child([](Child& self) { self.step(); });
    child.arrived();
    CHECK(child.caller().known);  // its files of /proc are open now
    gone = child.pid();
  }
  const auto caller = identify(7, 8, gone);
  CHECK_FALSE(caller.known);
  CHECK(caller.uid == 7);
  CHECK(caller.gid == 8);
  CHECK(caller.groups.empty());
}

TEST_CASE("a killed writer is told from one that left") {
  SECTION("alive") {
    Child child([](Child& self) { self.step(); });
    child.arrived();
    CHECK_FALSE(killed_by_signal(child.pid()));
  }
  SECTION("kill -9") {
    Child child([](Child& self) { self.step(); });
    child.arrived();
    ::kill(child.pid(), SIGKILL);
    child.ended();
    CHECK(killed_by_signal(child.pid()));
  }
  SECTION("a fault of its own") {
    Child child([](Child&) {
      ::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would call exit
      ::raise(SIGSEGV);
    });
    child.ended();
    CHECK(killed_by_signal(child.pid()));
  }
  SECTION("exit") {
    Child child([](Child&) { std::_Exit(3); });
    child.ended();
    CHECK_FALSE(killed_by_signal(child.pid()));
  }
  SECTION("exit called by one of several threads: the kernel kills the others, the process wasn't killed") {
    Child child([](Child& self) {
      std::thread([] { std::_Exit(0); }).detach();
      self.step();
    });
    child.ended();
    CHECK_FALSE(killed_by_signal(child.pid()));
  }
  SECTION("gone") {
    std::int32_t gone = 0;
    {
      gone = Child([](Child&) {}).pid();
    }
    CHECK_FALSE(killed_by_signal(gone));
  }
}

TEST_CASE("names come from the user database") {
  CHECK(user_name(0) == "root");
  CHECK(user_name(0) == "root");  // remembered
  CHECK(group_name(0) == "root");
  CHECK(user_name(3'999'999'999U).empty());
}

TEST_CASE("start times become wall-clock times") {
  const auto started = wall_time(identify(::getuid(), ::getgid(), ::getpid()).start_ticks);
  const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  CHECK(started <= now);
  CHECK(now - started < 3'600'000'000'000);  // this test runs for less than an hour
}

TEST_CASE("a command line is the program's arguments") {
  Pipe input, output;
  Child child([&](Child&) { become_cat(input, output); });
  tell(input);
  REQUIRE(hear(output));
  Caller asked;
  asked.pid = child.pid();
  CHECK(command_line(asked) == std::string("cat\0", 4));
}

TEST_CASE("text that isn't the kernel's is no process") {
  CHECK_FALSE(parse_stat(""));
  CHECK_FALSE(parse_stat("12 (cat"));
  CHECK_FALSE(parse_stat("12 (cat) R 1 2 3"));
  CHECK_FALSE(parse_status("Name:\tcat\n"));
  const auto whole = read_proc("/proc/self/stat");
  REQUIRE(parse_stat(whole));
  for (std::size_t size = 0; size + 20 < whole.size(); ++size) parse_stat(whole.substr(0, size));  // none reads beyond
}

TEST_CASE("many threads may ask at once") {
  const auto expected = identify(::getuid(), ::getgid(), ::getpid()).entity_id;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round)
        if (identify(::getuid(), ::getgid(), ::getpid()).entity_id != expected || user_name(0) != "root") ++wrong;
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
