// SPDX-License-Identifier: Apache-2.0
// mount: checks the mount point, goes to the background, serves. The first process stays until the mount answers or
// can't be had, so that a script may use the mount in its next line.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>

#include "fs/session.h"
#include "store/config.h"
#include "store/error.h"
#include "store/files.h"
#include "tools/commands.h"
#include "tools/mount_options.h"
#include "tools/mounts.h"

namespace ward::tools {
namespace {

/// Why nothing can be mounted there; "" when it can.
std::string mountpoint_error(const std::filesystem::path& point, const std::filesystem::path& store) {
  struct stat st {};
  if (is_mountpoint(point))
    return ::stat(point.c_str(), &st) != 0 && errno == ENOTCONN
               ? "is a mount whose daemon is gone; `ward umount` it first"
               : "is a mount already; `ward umount` it first";
  if (::stat(point.c_str(), &st) != 0)
    return errno == ENOENT ? "isn't there; make the folder first" : std::strerror(errno);
  if (!S_ISDIR(st.st_mode)) return "is not a folder";
  std::error_code error;
  const bool empty = std::filesystem::is_empty(point, error);
  if (error) return error.message();
  if (!empty) return "is not empty; the mount would hide what is in it";
  const auto inside = point.lexically_relative(store);
  if (inside == "." || *inside.begin() != "..") return "lies in the store itself";
  return "";
}

/// The daemon lives on without its terminal: what it still has to say goes to STORE/daemon.log.
void leave_terminal(const std::filesystem::path& store) {
  std::cout.flush();
  const store::Fd null = store::open_file("/dev/null", O_RDWR);
  const store::Fd log(::open((store / "daemon.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(null.get(), STDOUT_FILENO);
  ::dup2(log ? log.get() : null.get(), STDERR_FILENO);
}

/// In the first process: waits for the daemon's line, or for its end; then its exit code is ours, and it has said why.
Exit wait_for(pid_t daemon, const store::Fd& pipe, const std::filesystem::path& store) {
  std::string facts;
  char block[512];
  for (ssize_t n; (n = ::read(pipe.get(), block, sizeof block)) != 0;) {
    if (n < 0 && errno != EINTR) store::throw_errno("read the daemon's answer");
    if (n > 0) facts.append(block, static_cast<std::size_t>(n));
  }
  if (!facts.empty()) {
    std::cout << facts << std::flush;
    return Exit::ok;
  }
  int status = 0;
  while (::waitpid(daemon, &status, 0) < 0)
    if (errno != EINTR) store::throw_errno("wait for the daemon");
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return static_cast<Exit>(WEXITSTATUS(status));
  return fail(Exit::failure,
              "mount " + store.string() + ": the daemon ended before the mount answered" +
                  (WIFSIGNALED(status) ? std::string(", by signal ") + ::strsignal(WTERMSIG(status)) : ""));
}

/// Forks before any thread exists. An exception of the child reaches main in the child, which prints it: stderr is
/// still the caller's until the mount answers.
Exit serve_in_background(fs::MountOptions options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) store::throw_errno("make a pipe");
  store::Fd read_end(ends[0]);
  auto write_end = std::make_shared<store::Fd>(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) store::throw_errno("start the daemon");
  if (child != 0) {
    *write_end = store::Fd();
    return wait_for(child, read_end, options.store);
  }
  read_end = store::Fd();
  ::setsid();
  ::signal(SIGPIPE, SIG_IGN);  // if the first process was interrupted, write() says so and the daemon ends cleanly
  if (::chdir("/") != 0) store::throw_errno("go to /");
  options.ready = [write_end, store = options.store](const std::string& facts) {
    leave_terminal(store);
    store::write_all(write_end->get(), facts + "\n", "the pipe to the first process");
    *write_end = store::Fd();
  };
  fs::serve(options);
  return Exit::ok;
}

Exit mount(const std::string& store, const std::string& mountpoint, const std::string& words, bool foreground) {
  fs::MountOptions options;
  options.store = resolve(store);
  options.mountpoint = resolve(mountpoint);
  options.foreground = foreground;
  auto parsed = parse_mount_options(words);
  if (!parsed.error.empty()) return fail(Exit::usage, "mount: " + parsed.error);
  options.fuse_options = std::move(parsed.for_fuse);
  const auto error = mountpoint_error(options.mountpoint, options.store);
  if (!error.empty()) return fail(Exit::mountpoint, "mount point " + mountpoint + " " + error);
  static_cast<void>(store::load_config(options.store));  // says what is wrong with the store before anything starts
  if (!foreground) return serve_in_background(std::move(options));
  options.ready = [](const std::string& facts) { std::cout << facts << std::endl; };
  fs::serve(options);
  return Exit::ok;
}

}  // namespace

void add_mount(CLI::App& app, Action& action) {
  struct Words {
    std::string store, mountpoint, ignored;
    std::vector<std::string> options;
    bool foreground = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("mount", "Mount a store; returns when the mount answers");
  command->add_option("STORE", words->store, "The store's folder")->required();
  command->add_option("MOUNTPOINT", words->mountpoint, "An empty folder")->required();
  command->add_flag("-f,--foreground", words->foreground, "Stay in the foreground until it is unmounted");
  command->add_option("-o", words->options, "Mount options, separated by commas, for example ro or allow_other")
      ->allow_extra_args(false);
  // mount(8) calls a helper named mount.fuse.ward with these too.
  command->add_flag("-s,-n,-v")->group("");
  command->add_option("-t,-N", words->ignored)->group("");
  command->footer(
      "As root the mount serves all users; as an ordinary user it serves that user (with -o allow_other, all).\n"
      "fstab: STORE MOUNTPOINT fuse.ward defaults 0 0");
  command->callback([&action, words] {
    action = [words] {
      return mount(words->store, words->mountpoint, CLI::detail::join(words->options, ","), words->foreground);
    };
  });
}

}  // namespace ward::tools
