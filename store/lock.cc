// SPDX-License-Identifier: Apache-2.0
#include "store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "store/error.h"

namespace ward::store {
namespace {

/// A daemon that was killed holds its lock until the kernel has taken it apart: a mount right after that waits for it.
constexpr std::chrono::seconds kDying{2};

[[noreturn]] void refuse(const std::filesystem::path& store, int fd) {
  char text[32] = {};
  std::string holder = "another ward";
  if (::pread(fd, text, sizeof text - 1, 0) > 0) {
    holder = text;
    holder = "ward (pid " + holder.substr(0, holder.find('\n')) + ")";
  }
  throw Error(Code::busy, "store " + store.string() + " is in use by " + holder);
}

}  // namespace

StoreLock::StoreLock(const std::filesystem::path& store) : fd_(open_file(store / "lock", O_RDWR | O_CREAT, 0600)) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + kDying;
  while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw_errno("lock " + (store / "lock").string());
    if (Clock::now() > deadline) refuse(store, fd_.get());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // The pid is a courtesy: a full disk must not keep a store from being mounted.
  if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), pid.data(), pid.size(), 0) < 0) return;
}

}  // namespace ward::store
