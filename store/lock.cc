// SPDX-License-Identifier: Apache-2.0
#include "store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "store/error.h"

namespace ward::store {
namespace {

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
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) refuse(store, fd_.get());
    throw_errno("lock " + (store / "lock").string());
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // The pid is a courtesy: a full disk must not keep a store from being mounted.
  if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), pid.data(), pid.size(), 0) < 0) return;
}

}  // namespace ward::store
