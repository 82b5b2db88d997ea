// SPDX-License-Identifier: Apache-2.0
#include "store/files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "store/error.h"

namespace ward::store {

void throw_errno(const std::string& what, int err) {
  auto code = Code::io;
  if (err == ENOSPC || err == EDQUOT) code = Code::no_space;
  if (err == EMFILE || err == ENFILE) code = Code::too_many;
  if (err == EFBIG) code = Code::too_large;
  throw Error(code, what + ": " + std::strerror(err));
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) throw_errno("open " + path.string());
  return fd;
}

void leave_reserve(const Fd& fd, const std::filesystem::path& path) {
  constexpr rlim_t kReserve = 40;
  rlimit limit{};
  // The lowest free number is taken, so a high one says that all below it are.
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && static_cast<rlim_t>(fd.get()) + kReserve >= limit.rlim_cur)
    throw_errno("open " + path.string(), EMFILE);
}

std::string read_file(const std::filesystem::path& path) {
  const Fd fd = open_file(path, O_RDONLY);
  std::string bytes;
  char block[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd.get(), block, sizeof block);
    if (n < 0) throw_errno("read " + path.string());
    if (n == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(n));
  }
}

std::size_t read_at(int fd, void* into, std::size_t size, std::uint64_t offset, const std::filesystem::path& name) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, static_cast<char*>(into) + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("read " + name.string());
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void write_all(int fd, std::string_view bytes, const std::filesystem::path& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("write " + name.string());
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_data(int fd, const std::filesystem::path& name) {
  if (::fdatasync(fd) != 0) throw_errno("fdatasync " + name.string());
}

void sync_folder(const std::filesystem::path& folder) {
  const Fd fd = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0) throw_errno("fsync " + folder.string());
}

Unfinished::~Unfinished() {
  if (!file_.empty()) ::unlink(file_.c_str());
}

void write_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const auto temp = path.string() + ".tmp";
  Unfinished unfinished(temp);
  {
    const Fd fd = open_file(temp, O_WRONLY | O_CREAT | O_TRUNC, mode);
    write_all(fd.get(), bytes, temp);
    if (::fchmod(fd.get(), mode) != 0) throw_errno("chmod " + temp);
    if (::fsync(fd.get()) != 0) throw_errno("fsync " + temp);
  }
  if (::rename(temp.c_str(), path.c_str()) != 0) throw_errno("rename " + temp + " to " + path.string());
  unfinished.keep();
  sync_folder(path.parent_path());
}

}  // namespace ward::store
