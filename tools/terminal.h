// SPDX-License-Identifier: Apache-2.0
// Talking to people at a terminal, and only to them: progress isn't written into a pipe or a file.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "store/progress.h"

namespace ward::tools {

/// A line on stderr that says how far a long command is, redrawn a few times a second and wiped at the end. Silent
/// unless stderr is a terminal. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(std::string_view step, std::uint64_t done, std::uint64_t total);
  /// For functions that report to a callback; valid as long as this object.
  store::Progress callback();

 private:
  void wipe();
  const bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

/// Bytes for people: "1.5 MiB".
std::string human_bytes(std::uint64_t bytes);

}  // namespace ward::tools
