// SPDX-License-Identifier: Apache-2.0
// umount: returns when the daemon has finished, that is when all is durable, published to history and unlocked.
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "store/error.h"
#include "store/files.h"
#include "tools/commands.h"
#include "tools/mounts.h"
#include "tools/terminal.h"

namespace ward::tools {
namespace {

/// A handle on the daemon, taken while the mount still answers, so that a later process with its pid isn't waited for.
/// Empty when the daemon can't be seen from here (another pid namespace).
store::Fd daemon_of(const std::filesystem::path& mountpoint) {
  const auto status = slurp(mountpoint / "@@/status");
  if (!status) return store::Fd();
  const auto pid = std::strtol(status_value(*status, "pid").c_str(), nullptr, 10);
  const auto name = slurp("/proc/" + std::to_string(pid) + "/comm");
  if (pid <= 0 || !name || name->substr(0, 4) != "ward") return store::Fd();
  return store::Fd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

/// fusermount3 is the setuid helper that lets ordinary users unmount what is theirs.
int unmount_as_user(const std::filesystem::path& mountpoint) {
  const pid_t child = ::fork();
  if (child < 0) store::throw_errno("start fusermount3");
  if (child == 0) {
    ::execlp("fusermount3", "fusermount3", "-u", "--", mountpoint.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) store::throw_errno("wait for fusermount3");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Exit detach(const std::filesystem::path& mountpoint) {
  const auto name = mountpoint.string();
  if (::geteuid() == 0) {
    if (::umount2(mountpoint.c_str(), UMOUNT_NOFOLLOW) == 0) return Exit::ok;
    if (errno != EBUSY) return fail(Exit::failure, "umount " + name + ": " + std::strerror(errno));
    return fail(Exit::busy, name + " is in use; `fuser -vm " + name + "` tells by whom");
  }
  const int status = unmount_as_user(mountpoint);
  if (status == 0) return Exit::ok;
  if (status == 127) return fail(Exit::failure, "umount " + name + ": fusermount3 isn't installed (package fuse3)");
  return is_mountpoint(mountpoint)
             ? fail(Exit::busy, name + " is still mounted; `fuser -vm " + name + "` tells who uses it")
             : fail(Exit::failure, "umount " + name + ": fusermount3 failed");
}

void wait_for_end(const store::Fd& daemon) {
  ProgressLine progress;
  pollfd end = {daemon.get(), POLLIN, 0};
  std::uint64_t tenths = 0;
  while (::poll(&end, 1, 100) <= 0) progress.show("waiting for the daemon to finish (seconds)", ++tenths / 10, 0);
}

Exit umount(const std::string& path) {
  // A dead mount can't be resolved as a path, so its name is taken as it is where resolving fails.
  const auto mountpoint = resolve(path);
  if (!is_mountpoint(mountpoint)) return fail(Exit::not_a_mount, path + ": not a mount");
  struct stat st {};
  const bool dead = ::stat(mountpoint.c_str(), &st) != 0 && errno == ENOTCONN;
  if (!dead && !find_mount(mountpoint)) return fail(Exit::not_a_mount, path + ": not a mount of ward");
  const auto daemon = daemon_of(mountpoint);
  const auto code = detach(mountpoint);
  if (code != Exit::ok) return code;
  if (daemon) wait_for_end(daemon);
  return Exit::ok;
}

}  // namespace

void add_umount(CLI::App& app, Action& action) {
  const auto path = std::make_shared<std::string>();
  auto* command = app.add_subcommand("umount", "Unmount; returns when everything is safely in the store");
  command->add_option("MOUNTPOINT", *path, "Where it is mounted")->required();
  command->callback([&action, path] { action = [path] { return umount(*path); }; });
}

}  // namespace ward::tools
