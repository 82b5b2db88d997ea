// SPDX-License-Identifier: Apache-2.0
#include "fs/stream_file.h"

namespace ward::fs {

std::string StreamFile::read(std::uint64_t offset, std::size_t size) {
  constexpr std::uint64_t kBehind = 1 << 20;  // the kernel's reads may overtake each other
  const std::scoped_lock lock(mutex_);
  if (!source_ || offset < base_) {
    source_ = start_();
    text_.clear();
    base_ = 0;
    ended_ = false;
  }
  while (!ended_ && base_ + text_.size() < offset + size) {
    ended_ = !source_(text_);
    if (offset > base_ + kBehind) {
      const auto drop = std::min<std::uint64_t>(offset - kBehind - base_, text_.size());
      text_.erase(0, drop);
      base_ += drop;
    }
  }
  if (offset - base_ < text_.size()) return text_.substr(offset - base_, size);
  ended_ = false;  // now it is told
  return {};
}

}  // namespace ward::fs
