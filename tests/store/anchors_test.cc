// SPDX-License-Identifier: Apache-2.0
// Goal: an anchor's command is given the checkpoint and nothing else, is bounded in every way, and how it ended is
// recorded; its own records don't make it run again.
// Method: shell scripts as commands; checkpoints over no log at all; a recorder that gives each record the number after
// the last checkpoint.
#include "store/anchors.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

#include "store/checkpoint.h"
#include "store/child.h"
#include "store/crypto.h"
#include "store/error.h"
#include "tests/catch.h"
#include "tests/temp_dir.h"

using namespace ward::store;
using namespace std::chrono_literals;
using ward::tests::TempDir;

namespace {

const std::string kOrigin = "host.example/ward/0001";

std::string checkpoint_of(std::uint64_t size) {
  static const SigningKey key = SigningKey::generate();
  return sign_checkpoint({kOrigin, size, sha256(std::to_string(size))}, key);
}

ChildResult shell(const std::string& script, std::chrono::milliseconds timeout = 20s, int stop = -1) {
  return run_child({{"/bin/sh", "-c", script}, {"A=1"}, "the input\n", timeout, 64 * 1024, stop});
}

/// Keeps what was recorded, and waits for it.
struct Book {
  struct Line {
    Anchor run;
    std::string path, reason;
  };
  std::mutex mutex;
  std::condition_variable more;
  std::vector<Line> lines;
  Sequence next = 1000;

  Anchors::Recorder recorder() {
    return [this](const Anchor& run, const std::string& path, const std::string& reason) {
      const std::scoped_lock lock(mutex);
      lines.push_back({run, path, reason});
      more.notify_all();
      return next++;
    };
  }
  Line line(std::size_t number) {
    std::unique_lock lock(mutex);
    REQUIRE(more.wait_for(lock, 30s, [&] { return lines.size() > number; }));
    return lines[number];
  }
  std::size_t count() {
    const std::scoped_lock lock(mutex);
    return lines.size();
  }
};

AnchorCommand command(const std::string& name, const std::string& script, std::chrono::seconds every = 3600s,
                      std::chrono::seconds timeout = 20s) {
  return {name, {"/bin/sh", "-c", script}, every, timeout};
}

}  // namespace

TEST_CASE("a program gets its input and environment, no descriptor, and a group of its own") {
  auto result = shell("cat; env; ls /proc/self/fd | wc -l; pwd; umask; echo error >&2");
  CHECK(result.end == ChildEnd::exited);
  CHECK(result.code == 0);
  CHECK(result.output.starts_with("the input\n"));
  CHECK(result.output.find("A=1\n") != std::string::npos);
  CHECK(result.output.find("HOME=") == std::string::npos);
  CHECK(result.output.ends_with("\n4\n/\n0077\n"));  // 0, 1, 2, and the one that ls reads
  CHECK(result.error == "error\n");
  CHECK(shell("exit 3").code == 3);
  result = shell("kill -9 $$");
  CHECK(result.end == ChildEnd::signalled);
  CHECK(result.code == SIGKILL);
  result = run_child({{"/no/such/program"}, {}, "", 1s, 10, -1});
  CHECK(result.end == ChildEnd::not_started);
  CHECK(result.error == "/no/such/program: No such file or directory");
}

TEST_CASE("a program gets none of the daemon's signals and descriptors") {
  const int inherited = ::dup(2);  // not closed by exec
  REQUIRE(inherited > 2);
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  const auto ignored = ::signal(SIGHUP, SIG_IGN);
  const auto terminated = shell("kill -TERM $$; echo alive"), hung_up = shell("kill -HUP $$; echo alive");
  const auto descriptors = shell("ls /proc/self/fd | wc -l");
  ::signal(SIGHUP, ignored);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(inherited);
  CHECK(terminated.end == ChildEnd::signalled);
  CHECK(hung_up.end == ChildEnd::signalled);
  CHECK(descriptors.output == "4\n");  // 0, 1, 2, and the one that ls reads
}

TEST_CASE("a program is ended with all that it started") {
  const TempDir dir;
  const auto pid_file = (dir.path() / "pid").string();
  const auto gone = [&] {
    std::ifstream file(pid_file);
    pid_t pid = 0;
    file >> pid;
    REQUIRE(pid > 0);
    for (int i = 0; i < 3000 && ::kill(pid, 0) == 0; ++i) {  // an orphan that nobody waits for stays a zombie
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string text((std::istreambuf_iterator<char>(stat)), {});
      if (text.find(") Z") != text.npos) return true;
      ::usleep(10'000);
    }
    return ::kill(pid, 0) != 0;
  };
  const std::string start = "sleep 1000 & echo $! > " + pid_file + "; ";
  CHECK(shell(start + "wait", 300ms).end == ChildEnd::timed_out);
  CHECK(gone());
  CHECK(shell(start + "echo done").output == "done\n");  // it holds stdout open: nobody waits for that
  CHECK(gone());
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[1]);
  CHECK(shell(start + "wait", 20s, ends[0]).end == ChildEnd::timed_out);
  ::close(ends[0]);
}

TEST_CASE("what a program prints is bounded") {
  CHECK(shell("head -c 65536 /dev/zero").output.size() == 65536);
  CHECK(shell("head -c 65536 /dev/zero").end == ChildEnd::exited);
  for (int i = 0; i < 20; ++i) CHECK(shell("exec head -c 60000 /dev/zero").output.size() == 60000);
  CHECK(shell("cat /dev/zero").end == ChildEnd::too_long);
  CHECK(shell("cat /dev/zero >&2", 300ms).end == ChildEnd::timed_out);
  const auto result = shell("head -c 1000000 /dev/zero >&2; echo good");
  CHECK(result.output == "good\n");
  CHECK(result.error.size() == 4096);
}

TEST_CASE("what a command printed is kept beside the checkpoint, and recorded") {
  const TempDir dir;
  Book book;
  Anchors anchors(dir.path(), kOrigin, {command("w", "cat; echo $WARD_ORIGIN $WARD_CHECKPOINT_SIZE $WARD_AUDIT")},
                  book.recorder());
  const auto checkpoint = checkpoint_of(7);
  anchors.offer(checkpoint);
  const auto line = book.line(0);
  const auto kept = read_file(dir.path() / "anchors/00000000000000000007.w");
  CHECK(kept == checkpoint + kOrigin + " 7 " + dir.path().string() + "\n");
  CHECK(read_file(dir.path() / "anchors/00000000000000000007.checkpoint") == checkpoint);
  CHECK(line.run.name == "w");
  CHECK(line.run.result == "stored");
  CHECK(line.run.checkpoint == 7);
  CHECK(line.run.sha256 == hex(sha256(kept)));
  CHECK(line.path == "/@@/audit/anchors/00000000000000000007.w");
  CHECK(line.reason.empty());
  using std::filesystem::perms;
  CHECK(std::filesystem::status(dir.path() / "anchors").permissions() == perms::owner_all);
  CHECK(std::filesystem::status(dir.path() / "anchors/00000000000000000007.w").permissions() ==
        (perms::owner_read | perms::owner_write));
}

TEST_CASE("how a command failed is recorded, and nothing is kept") {
  struct Row {
    const char *script, *result, *reason;
    unsigned code;
  };
  for (const Row& row :
       {Row{"echo no; echo first >&2; echo second >&2; exit 7", "exit", "first", 7},
        Row{"exit 1", "exit", "the command said nothing on stderr", 1},
        Row{"kill -15 $$", "signal", "the command said nothing on stderr", 15},
        Row{"sleep 1000", "timeout", "the command said nothing on stderr", 0},
        Row{"cat /dev/zero", "too-long", "the command said nothing on stderr", 0}, Row{"true", "done", "", 0}}) {
    const TempDir dir;
    Book book;
    Anchors anchors(dir.path(), kOrigin, {command("a", row.script, 3600s, 1s)}, book.recorder());
    anchors.offer(checkpoint_of(7));
    const auto line = book.line(0);
    INFO(row.script);
    CHECK(line.run.result == row.result);
    CHECK(line.run.code == row.code);
    CHECK(line.run.sha256.empty());
    CHECK(line.reason == row.reason);
    CHECK_FALSE(std::filesystem::exists(dir.path() / "anchors"));
  }
}

TEST_CASE("a command runs again when others than anchors were recorded, at the end without waiting") {
  const TempDir dir;
  Book book;
  book.next = 7;
  Anchors anchors(dir.path(), kOrigin, {command("often", "cat", 1s), command("rarely", "cat", 3600s)}, book.recorder());
  anchors.offer(checkpoint_of(7));
  book.line(1);                     // both ran; their records are 7 and 8
  anchors.offer(checkpoint_of(9));  // over these two
  CHECK_FALSE(anchors.finish());
  CHECK(book.count() == 2);

  const TempDir another;
  Book again;
  again.next = 7;
  Anchors others(another.path(), kOrigin, {command("often", "cat", 1s), command("rarely", "cat", 3600s)},
                 again.recorder());
  others.offer(checkpoint_of(7));
  again.line(1);
  again.next = 100;
  others.offer(checkpoint_of(10));  // over one more
  CHECK(again.line(2).run.name == "often");
  CHECK(again.lines[2].run.checkpoint == 10);
  CHECK(others.finish());
  CHECK(again.count() == 4);
  CHECK(again.lines[3].run.name == "rarely");
}

TEST_CASE("a run that failed is tried again with the same checkpoint, after a pause") {
  const TempDir dir;
  Book book;
  const auto mark = (dir.path() / "mark").string();
  Anchors anchors(dir.path(), kOrigin,
                  {command("soon", "test -e " + mark + " || { touch " + mark + "; exit 1; }; cat", 1s),
                   command("late", "yes x | tr -d '\\n' | head -c 3000 >&2; exit 1")},
                  book.recorder());
  anchors.offer(checkpoint_of(7));
  std::map<std::string, std::vector<Book::Line>> runs;
  for (std::size_t i = 0; i < 3; ++i) runs[book.line(i).run.name].push_back(book.line(i));
  REQUIRE(runs["soon"].size() == 2);
  CHECK(runs["soon"][0].run.result == "exit");
  CHECK(runs["soon"][1].run.result == "stored");
  CHECK(runs["soon"][1].run.checkpoint == 7);
  REQUIRE(runs["late"].size() == 1);  // a minute isn't over
  CHECK(runs["late"][0].reason == std::string(500, 'x'));
}

TEST_CASE("a checkpoint doesn't cover the record of its own number, and an older one is no news") {
  const TempDir dir;
  Book book;
  book.next = 7;
  const auto recorder = book.recorder();
  Anchors anchors(dir.path(), kOrigin, {command("a", "cat"), command("b", "cat")},
                  [&](const Anchor& run, const std::string& path, const std::string& reason) {
                    const auto number = recorder(run, path, reason);
                    return number == 8 ? 9 : number;  // 8 is somebody else's
                  });
  anchors.offer(checkpoint_of(7));
  book.line(1);
  anchors.offer(checkpoint_of(9));  // over the first one's record and that of somebody else
  anchors.offer(checkpoint_of(8));
  CHECK(anchors.finish());
  REQUIRE(book.count() == 4);
  CHECK(book.line(2).run.checkpoint == 9);
  CHECK(book.line(3).run.checkpoint == 9);
}

TEST_CASE("a restart doesn't make a command run sooner, if what it printed was kept") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "anchors");
  std::ofstream(dir.path() / "anchors/00000000000000000005.a") << "earlier";
  Book book;
  Anchors anchors(dir.path(), kOrigin, {command("a", "cat")}, book.recorder());
  anchors.offer(checkpoint_of(7));
  CHECK(anchors.finish());  // not before
  CHECK(book.count() == 1);

  std::filesystem::last_write_time(dir.path() / "anchors/00000000000000000005.a",
                                   std::filesystem::file_time_type::clock::now() - 2h);
  std::filesystem::remove(dir.path() / "anchors/00000000000000000007.a");
  Book later;
  Anchors again(dir.path(), kOrigin, {command("a", "cat")}, later.recorder());
  again.offer(checkpoint_of(9));
  CHECK(later.line(0).run.checkpoint == 9);
}

TEST_CASE("offering a checkpoint and going away don't wait for a command") {
  const TempDir dir;
  Book book;
  const auto began = std::chrono::steady_clock::now();
  {
    Anchors anchors(dir.path(), kOrigin, {command("slow", "echo > started; sleep 1000", 1s, 600s)}, book.recorder());
    for (std::uint64_t size = 1; size < 100; ++size) anchors.offer(checkpoint_of(size));
  }
  CHECK(std::chrono::steady_clock::now() - began < 20s);
}
