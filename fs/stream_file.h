// SPDX-License-Identifier: Apache-2.0
// A virtual file whose text is made while it is read, for reports as long as the log. It ends where the text ended when
// it was begun; who reads on after that end gets what came since. Reading back starts over. It keeps no more than what
// one step makes.
#pragma once
#include <functional>
#include <mutex>
#include <string>

#include "fs/virtual_tree.h"

namespace ward::fs {

class StreamFile : public VirtualFile {
 public:
  /// Appends the next piece; false when there is no more for now. Called with the file's own mutex held only.
  using Source = std::function<bool(std::string& out)>;
  /// `start` makes a source at the beginning of the text: the same text each time, or a longer one.
  explicit StreamFile(std::function<Source()> start) : start_(std::move(start)) {}

  std::string read(std::uint64_t offset, std::size_t size) override;
  store::Status write(std::uint64_t, std::string_view) override { return store::Errno{EBADF}; }
  store::Status truncate(std::uint64_t) override { return store::Errno{EINVAL}; }
  store::Status flush() override { return store::Done{}; }

 private:
  const std::function<Source()> start_;
  std::mutex mutex_;  // guards what follows
  Source source_;     // null before the first read
  std::string text_;  // from base_ on
  std::uint64_t base_ = 0;
  bool ended_ = false;  // the source had no more, and the reader hasn't been told yet
};

}  // namespace ward::fs
