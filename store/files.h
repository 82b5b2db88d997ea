// SPDX-License-Identifier: Apache-2.0
// File descriptors and durable files: the only place that knows the order write, fsync, rename, fsync of the folder.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace ward::store {

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// open(2) with O_CLOEXEC; throws Error with `what path: cause`.
Fd open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);
/// For what a client keeps open: the last descriptors are for the daemon's own work (making the log durable, signing
/// it), which must not end because somebody opened too much. Throws Error{too_many} when `fd` is one of them.
void leave_reserve(const Fd& fd, const std::filesystem::path& path);
std::string read_file(const std::filesystem::path& path);
/// pread(2) until all is read; returns less than `size` only at the end of the file. Throws Error with `read name`.
std::size_t read_at(int fd, void* into, std::size_t size, std::uint64_t offset, const std::filesystem::path& name);
/// write(2) until all is written; throws Error (no_space included).
void write_all(int fd, std::string_view bytes, const std::filesystem::path& name);
/// A file under a temporary name, deleted unless it was kept: what a full disk took of it would keep the disk full.
class Unfinished {
 public:
  explicit Unfinished(std::filesystem::path file) : file_(std::move(file)) {}
  ~Unfinished();
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void keep() { file_.clear(); }

 private:
  std::filesystem::path file_;
};

/// Temp file beside it, write, fsync, rename over, fsync of the folder: after a crash the old or the new bytes.
void write_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode = 0600);
void sync_folder(const std::filesystem::path& folder);
void sync_data(int fd, const std::filesystem::path& name);  // fdatasync; throws

}  // namespace ward::store
