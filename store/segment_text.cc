// SPDX-License-Identifier: Apache-2.0
#include "store/segment_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "store/error.h"

namespace ward::store {
namespace {

constexpr std::size_t kProbe = 4096;

bool is_packed(const std::filesystem::path& file) {
  return file.extension() == kPacked;
}

std::filesystem::path other_name(const std::filesystem::path& file) {
  return is_packed(file) ? plain_name(file) : std::filesystem::path(file.string() + std::string(kPacked));
}

}  // namespace

std::filesystem::path plain_name(const std::filesystem::path& file) {
  return is_packed(file) ? file.parent_path() / file.stem() : file;
}

SegmentText::SegmentText(const std::filesystem::path& file) : path_(file) {
  Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    path_ = other_name(file);
    fd = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) path_ = file;  // whose absence the caller is to hear of
  }
  if (!fd) throw_errno("open " + path_.string());
  if (is_packed(path_)) {
    packed_.emplace(std::move(fd), path_);
  } else {
    plain_ = std::move(fd);
  }
}

std::uint64_t SegmentText::size() const {
  if (packed_) return packed_->size();
  struct stat st {};
  if (::fstat(plain_.get(), &st) != 0) throw_errno("stat " + path_.string());
  return static_cast<std::uint64_t>(st.st_size);
}

std::uint64_t SegmentText::whole_lines() {
  std::uint64_t end = size();
  if (packed_) return end;
  while (end != 0) {
    const auto step = std::min<std::uint64_t>(end, kProbe);
    if (const auto newline = read(step, end - step).rfind('\n'); newline != std::string::npos)
      return end - step + newline + 1;
    end -= step;
  }
  return 0;
}

std::size_t SegmentText::read(void* into, std::size_t size, std::uint64_t offset) {
  return packed_ ? packed_->read(into, size, offset) : read_at(plain_.get(), into, size, offset, path_);
}

std::string SegmentText::read(std::size_t size, std::uint64_t offset) {
  std::string bytes(size, '\0');
  bytes.resize(read(bytes.data(), size, offset));
  return bytes;
}

}  // namespace ward::store
